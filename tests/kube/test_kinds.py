"""Kinds by the names that users and errors give them."""

from __future__ import annotations

import pytest

from lab.kube.kinds import find_kind, plural_of


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("ConfigMap", "configmaps"),
        ("Ingress", "ingresses"),
        ("StorageClass", "storageclasses"),
        ("Gateway", "gateways"),
        ("CertificateAuthority", "certificateauthorities"),
    ],
)
def test_the_plural_of_a_kind_that_nobody_knows(kind, plural):
    assert plural_of(kind) == plural


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("hpa", "HorizontalPodAutoscaler"),
        ("pdb", "PodDisruptionBudget"),
        ("quota", "ResourceQuota"),
        ("resourcequotas", "ResourceQuota"),
    ],
)
def test_short_names(word, kind):
    found = find_kind(word)
    assert found is not None
    assert found.name == kind
