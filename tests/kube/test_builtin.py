"""What Kubernetes' own kinds are called."""

from __future__ import annotations

from collections import Counter

import pytest

from lab.kube.builtin import BUILT_IN, GROUPS, find_built_in
from lab.kube.kinds import KINDS, Kind, is_namespaced
from lab.kube.meta import KeptObject


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_is_simulated_is_written_in_the_newest_version(kind: Kind) -> None:
    assert (kind.known.kind, kind.known.api_version) == (kind.name, kind.api_version)


def test_a_name_means_one_kind_only() -> None:
    words = Counter(word for each in BUILT_IN for word in (each.plural, *each.short) if each.kind != "Event")
    assert [word for word, count in words.items() if count > 1] == []


def test_kinds_are_found_in_their_group() -> None:
    ingress = find_built_in("networking.k8s.io", "Ingress")
    assert ingress is not None
    assert (ingress.plural, ingress.short, ingress.namespaced, ingress.status) == ("ingresses", ("ing",), True, True)
    assert find_built_in("", "Ingress") is None
    assert "CronJob" in GROUPS["batch"]


@pytest.mark.parametrize(
    ("api_version", "kind", "expected"),
    [
        ("certificates.k8s.io/v1", "CertificateSigningRequest", False),
        ("policy/v1beta1", "PodSecurityPolicy", False),
        ("v1", "PersistentVolumeClaim", True),
        ("example.com/v1", "ClusterRole", True),
        ("gateway.networking.k8s.io/v1", "GatewayClass", False),
    ],
)
def test_where_objects_live(api_version: str, kind: str, expected: bool) -> None:
    assert is_namespaced(KeptObject(api_version=api_version, kind=kind)) is expected
