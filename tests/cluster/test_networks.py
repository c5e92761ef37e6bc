"""The ranges that a cluster can be set up with, and what is wrong with others."""

from __future__ import annotations

import pytest

from lab.cluster.networks import network_faults, networks
from lab.kube.errors import LabError
from lab.kube.versions import settings_of
from lab.settings import Settings


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"service_cidr": "10.0.0.0/28"},
        {"service_cidr": "10.96.0.0/12,fd00:10:96::/112", "pod_cidr": "10.244.0.0/16, fd00:10:244::/56"},
        {"service_cidr": "fd00:10:96::/112,10.96.0.0/12"},
        {"node_port_range": "1-65535"},
    ],
)
def test_ranges_that_a_cluster_can_have(given: dict[str, str]) -> None:
    assert list(network_faults(settings_of(given))) == []


@pytest.mark.parametrize(
    ("given", "setting", "message"),
    [
        ({"service_cidr": "abc"}, "service_cidr", '"abc" is not a network (such as 10.96.0.0/12)'),
        ({"service_cidr": "10.96.0.5/12"}, "service_cidr", "10.96.0.5/12 has host bits set"),
        ({"service_cidr": "10.96.0.0/16,10.97.0.0/16"}, "service_cidr", "one network, or one of each family"),
        ({"service_cidr": "10.96.0.0/29"}, "service_cidr", '"10.96.0.0/29" is too small'),
        ({"service_cidr": "10.244.0.0/20"}, "service_cidr", "overlaps 10.244.0.0/16, the range of Pods"),
        ({"pod_cidr": "10.1.0.0/33"}, "pod_cidr", '"10.1.0.0/33" is not a network (such as 10.244.0.0/16)'),
        ({"pod_cidr": "172.18.0.0/24"}, "pod_cidr", "overlaps 172.18.0.0/16, the range of nodes"),
        ({"node_port_range": "30000"}, "node_port_range", '"30000" is not a range of ports'),
        ({"node_port_range": "2-1"}, "node_port_range", '"2-1" is not a range of ports'),
        ({"cluster_dns_ip": "10.0.0.10"}, "cluster_dns_ip", '"10.0.0.10" is no address of 10.96.0.0/12'),
    ],
)
def test_ranges_that_no_cluster_can_have(given: dict[str, str], setting: str, message: str) -> None:
    ((name, said),) = network_faults(settings_of(given))
    assert name == setting
    assert message in said


def test_every_range_that_is_wrong_is_told() -> None:
    given = Settings(service_cidr="a", pod_cidr="b", node_port_range="c")
    assert [name for name, _ in network_faults(given)] == ["service_cidr", "pod_cidr", "node_port_range"]


def test_networks_are_read_in_their_order() -> None:
    assert [str(each) for each in networks("fd00::/64, 10.0.0.0/8")] == ["fd00::/64", "10.0.0.0/8"]
    with pytest.raises(LabError, match="is not a network"):
        networks("10.0.0.0/8,")
