from __future__ import annotations

import pytest

from lab.commands.complete import complete
from tests.commands.world import World


@pytest.fixture
def world() -> World:
    made = World()
    made.node("worker-1", "zone-a")
    made.node("worker-2", "zone-b")
    made.deployment("web")
    made.pod("web-1", app="web")
    made.pod("cart-1", "shop")
    return made


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("kub", ["kubectl"]),
        ("kubectl sc", ["scale"]),
        ("k ro", ["rollout"]),
        ("kubectl rollout ", ["restart", "status"]),
        ("kubectl get p", ["pods", "poddisruptionbudgets", "pod/", "pod/web-1"]),
        ("kubectl get ev", ["events"]),
        ("kubectl get pods ", ["web-1"]),
        ("kubectl get pods -n shop ", ["cart-1"]),
        ("kubectl scale dep", ["deployments", "deployment/", "deployment/web"]),
        ("kubectl scale deployment/", ["deployment/web"]),
        ("kubectl scale deploy/", ["deploy/web"]),
        ("kubectl scale deployments/w", ["deployments/web"]),
        ("kubectl get po/", ["po/web-1"]),
        ("kubectl scale deployment/web --re", ["--replicas="]),
        ("kubectl get pods -n ", ["default", "kube-system", "shop"]),
        ("kubectl get pods --namespace=sh", ["--namespace=shop"]),
        ("kubectl get pods -o ", ["wide", "yaml", "json", "name"]),
        ("lab fail w", ["worker-1", "worker-2"]),
        ("lab fail z", ["zone/zone-a", "zone/zone-b"]),
        ("lab fail node/", ["node/worker-1", "node/worker-2"]),
        ("lab fail node ", ["worker-1", "worker-2"]),
        ("lab stop pr", ["proxy/worker-1", "proxy/worker-2"]),
        ("lab stop k", ["kubelet/worker-1", "kubelet/worker-2"]),
        ("lab cut ", ["link"]),
        ("lab cut link worker-1 z", ["zone-a", "zone-b"]),
        ("lab crash w", ["web-1"]),
    ],
)
def test_completions_of_the_last_word(world: World, text: str, first: list[str]) -> None:
    assert complete(world, text)[: len(first)] == first


@pytest.mark.parametrize("text", ["foo ", "kubectl get 'po", "kubectl get pods -x", "kubectl cordon worker-1 w", "-"])
def test_nothing_fits_and_nothing_fails(world: World, text: str) -> None:
    assert complete(world, text) == []


def test_a_whole_word_is_not_offered_again(world: World) -> None:
    assert "scale" not in complete(world, "kubectl scale")
