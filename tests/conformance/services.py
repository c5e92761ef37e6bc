"""How a case's Service becomes an object: absent keys mean empty, as in the API server's internal objects."""

from __future__ import annotations

import copy
from typing import Any

from msgspec.structs import replace

from lab.kube.decode import decode
from lab.kube.kinds.service import Service
from lab.kube.versions import GATES, Features, features_of

Case = dict[str, Any]
RELEASE = "1.35"
"""The release whose unit tests the vectors were read from."""


def features_for(case: Case) -> Features:
    gates = {name: on for name, on in (case.get("gates") or {}).items() if name in GATES}
    return features_of(RELEASE).with_gates(gates)


def service(body: Case) -> Service:
    """As a client writes it."""
    return _read(_whole(body))


def undefaulted(body: Case) -> Service:
    """As an internal object: what the v1 defaults would fill in is empty."""
    whole = _whole(body)
    spec = whole["spec"]
    spec.update({"type": spec.get("type") or "", "sessionAffinity": spec.get("sessionAffinity") or ""})
    for port in spec.get("ports") or []:
        port["protocol"] = port.get("protocol") or ""
    return _read(whole)


def _read(body: Case) -> Service:
    """The object; one without a name, which no manifest can be, is read under another and then loses it."""
    name = body["metadata"].get("name") or ""
    body["metadata"]["name"] = name or "unnamed"
    found = decode(body)
    assert isinstance(found, Service)
    return replace(found, metadata=replace(found.metadata, name=name))


def _whole(body: Case) -> Case:
    whole = copy.deepcopy(body)
    spec = whole.setdefault("spec", {})
    for port in spec.get("ports") or []:
        port.setdefault("port", 0)
    return whole
