"""What the v1 API fills in: service_defaults.json."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lab.kube import defaults
from lab.kube.encode import encode
from lab.settings import Settings
from tests.conformance.services import Case, features_for, service
from tests.conformance.vectors import cases


def value_at(body: Any, path: str) -> Any:
    """The value at `spec.ports[0].nodePort`; None where there is none, or where it is empty."""
    for step in re.findall(r"[^.\[\]]+", path):
        if isinstance(body, list):
            body = body[int(step)] if int(step) < len(body) else None
        elif isinstance(body, dict):
            body = body.get(step)
        else:
            return None
    return None if body in ("", [], {}) else body


@pytest.mark.parametrize("case", cases("service_defaults.json"))
def test_defaults(case: Case) -> None:
    filled = encode(defaults.service(service(case["object"]), Settings(), features_for(case)))
    assert {path: value_at(filled, path) for path in case["expect"]} == case["expect"]
