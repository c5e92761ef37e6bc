"""Nodes join with addresses of their own; the same seed gives the same journal."""

from __future__ import annotations

import pytest

from lab.clock import Clock
from lab.cluster.control_plane import ControlPlane, NodeSpec
from lab.cluster.runtime import InstantRuntime
from lab.journal import Journal
from lab.kube.errors import LabError
from lab.settings import Settings
from tests.cluster.small_cluster import SmallCluster


def plane(settings: Settings | None = None) -> ControlPlane:
    return ControlPlane(Clock(), Journal(), settings or Settings(), 1, InstantRuntime())


def test_a_node_gets_addresses_and_a_share_of_the_pod_network() -> None:
    cluster = plane()
    cluster.add_node(NodeSpec(name="worker-1"))
    node = cluster.add_node(NodeSpec(name="worker-2", zone="zone-b", cpu="8", labels={"disk": "ssd"}))
    assert (node.address(), node.address("ExternalIP")) == ("172.18.0.12", "192.0.2.12")
    assert node.spec.pod_cidr == "10.244.1.0/24"
    assert node.zone == "zone-b"
    assert node.status.allocatable == {"cpu": "8", "memory": "8Gi", "pods": "110"}
    assert node.metadata.labels["disk"] == "ssd"
    assert node.ready


def test_addresses_carry_over_after_240_nodes() -> None:
    cluster = plane()
    nodes = [cluster.add_node(NodeSpec(name=f"worker-{i}")) for i in range(256)]
    assert nodes[-1].address() == "172.18.1.10"


def test_a_pod_network_that_is_too_small_says_what_to_do() -> None:
    cluster = plane(Settings(pod_cidr="10.244.0.0/24"))
    cluster.add_node(NodeSpec(name="worker-1"))
    with pytest.raises(LabError, match="has no /24 left for node 2"):
        cluster.add_node(NodeSpec(name="worker-2"))


def digest(seconds: float) -> str:
    cluster = SmallCluster(3, zones=("a", "b"))
    cluster.add_service(cluster_ip="10.96.0.12")
    for i in range(9):
        cluster.add_pod(name=f"web-{i}", node=f"worker-{i % 3 + 1}")
    cluster.until(30)
    cluster.lose(2)
    cluster.until(seconds)
    return cluster.journal.digest


def test_two_runs_give_the_same_journal() -> None:
    assert digest(500) == digest(500)
