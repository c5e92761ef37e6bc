"""What is open to the outside."""

from __future__ import annotations

from tests.network.small_cluster import LB_IP, SmallCluster


def test_a_cluster_ip_opens_nothing() -> None:
    assert SmallCluster().web().network.open_ports() == []


def test_a_node_port_is_open_on_every_node() -> None:
    cluster = SmallCluster(3).web(type="NodePort", ports=[{"port": 80, "nodePort": 30080}])
    opened = cluster.network.open_ports()
    assert [str(exposure) for exposure in opened] == [f"192.0.2.{ip}:30080/TCP" for ip in (11, 12, 13)]
    assert {(exposure.kind, exposure.service, exposure.policy) for exposure in opened} == {
        ("node port", "default/web", "Cluster")
    }


def test_a_load_balancer_opens_its_address_node_ports_and_health_checks() -> None:
    spec = {"type": "LoadBalancer", "ingress": [LB_IP], "externalTrafficPolicy": "Local", "healthCheckNodePort": 30999}
    ports = [{"port": 80, "nodePort": 30080}]
    cluster = SmallCluster(2).web(**spec, ports=ports, loadBalancerSourceRanges=["198.51.100.0/24"])
    opened = cluster.network.open_ports()
    assert [exposure.kind for exposure in opened] == ["load balancer", *["node port"] * 2, *["health check"] * 2]
    assert opened[0].sources == ("198.51.100.0/24",)
    assert {exposure.policy for exposure in opened} == {"Local"}
