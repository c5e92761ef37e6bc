"""Which Services, and changes of Services, are refused, and at which fields: service_validation.json."""

from __future__ import annotations

import pytest

from lab.cluster.service_update import without_disabled
from lab.cluster.validation import service_errors, status_errors
from lab.kube import defaults
from lab.kube.encode import encode
from lab.kube.kinds.service import Service
from lab.kube.versions import Features
from lab.settings import Settings
from tests.conformance.services import Case, features_for, service, undefaulted
from tests.conformance.vectors import cases

SCOPES = {
    "validateServiceExternalTrafficPolicy": ("spec.externalTrafficPolicy", "spec.healthCheckNodePort"),
}
"""The fields that a case's narrower function looks at."""


def verdict(fields: list[str]) -> Case:
    return {"valid": not fields, "error_count": len(fields), "error_fields": sorted(fields)}


def stated(block: Case) -> Case:
    keys = ("valid", "error_count", "error_fields")
    found = {key: block[key] for key in keys}
    return {**found, "error_fields": sorted(found["error_fields"])}


def fields_of(case: Case, new: Service, old: Service | None, features: Features) -> list[str]:
    errors = status_errors if case.get("subresource") == "status" else service_errors
    return [error.path for error in errors(new, old, features)]


@pytest.mark.parametrize("case", cases("service_validation.json"))
def test_through_the_api(case: Case) -> None:
    if "after_v1_defaults" not in case:
        pytest.skip("the case says nothing about it")
    features = features_for(case)
    new, old = (
        defaults.service(service(body), Settings(), features) if body else None
        for body in (case["object"], case["old"])
    )
    assert new is not None
    assert verdict(fields_of(case, new, old, features)) == stated(case["after_v1_defaults"])


@pytest.mark.parametrize("case", cases("service_validation.json"))
def test_the_object_as_it_is(case: Case) -> None:
    features = features_for(case)
    new = undefaulted(case["object"])
    old = undefaulted(case["old"]) if case["old"] else None
    found = fields_of(case, new, old, features)
    assert verdict(found) == stated(case)
    if "scope" in case:
        assert verdict([path for path in found if path in SCOPES[case["scope"]["function"]]]) == stated(case["scope"])
    if "old_is_valid_itself" in case and old is not None:
        assert (not fields_of(case, old, None, features)) == case["old_is_valid_itself"]
    if "stored_ingress" in case:
        stored = without_disabled(new, old, features).status.load_balancer.ingress
        assert [encode(each) for each in stored] == case["stored_ingress"]
