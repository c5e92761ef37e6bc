"""A Service as a client writes it, and the API server that takes or refuses it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.admission import Admission
from lab.cluster.store import Invalid, Store
from lab.cluster.validation import service_errors
from lab.journal import Journal
from lab.kube import defaults
from lab.kube.decode import decode
from lab.kube.encode import encode
from lab.kube.kinds.service import Service
from lab.kube.versions import NEWEST, features_of
from lab.settings import Settings

DUAL = "10.96.0.0/16,fd00:10:96::/108"
Body = dict[str, Any]
PORT: Body = {"port": 80}


def service(name: str = "web", *, meta: Body | None = None, status: Body | None = None, **spec: Any) -> Service:
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default", **(meta or {})}}
    found = decode({**body, "spec": {"ports": [PORT], **spec}, **({"status": status} if status else {})})
    assert isinstance(found, Service)
    return found


def defaulted(new: Service, release: str = NEWEST) -> Service:
    return defaults.service(new, Settings(), features_of(release))


def wrong(new: Service, old: Service | None = None, release: str = NEWEST) -> list[str]:
    """The fields that are refused, after the defaults and as if everything had been allocated."""
    features = features_of(release)
    known = defaulted(old, release) if old is not None else None
    return [error.path for error in service_errors(defaulted(new, release), known, features, allocated=False)]


class Api:
    """The API server: a store with the admission chain."""

    def __init__(self, service_cidr: str = "10.96.0.0/16", **settings: Any) -> None:
        chosen = Settings(service_cidr=service_cidr, **settings)
        self.store = Store(Clock(), Journal(), chosen)
        self.chain = Admission(chosen, features=features_of(chosen.kubernetes))
        self.store.admission.append(self.chain.admit)
        self.store.released.append(self.chain.release)

    def create(self, name: str = "web", **spec: Any) -> Body:
        return self.shown(self.store.create(service(name, **spec)))

    def put(self, name: str = "web", **spec: Any) -> Body:
        """Replace the whole spec."""
        old = self.store.get(Service, name)
        return self.shown(self.store.update(replace(old, spec=service(name, **spec).spec)))

    def refuses(self, call: Any, **spec: Any) -> str:
        with pytest.raises(Invalid) as caught:
            call(**spec)
        return str(caught.value)

    def shown(self, found: Service) -> Body:
        spec = encode(found)["spec"]
        assert isinstance(spec, dict)
        return spec

    def holds(self, number: int | str) -> bool:
        pools = self.chain.addresses
        return pools.node_ports.in_use(number) if isinstance(number, int) else pools.ips.in_use(number)
