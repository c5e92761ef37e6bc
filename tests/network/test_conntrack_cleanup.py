"""Stale conntrack entries: what each release of kube-proxy cleans up, and what stays and swallows packets."""

from __future__ import annotations

from typing import Any

import pytest

from lab.kube.kinds.service import Service
from lab.network.flow import Flow, Source
from tests.network.small_cluster import CLIENT, LB_IP, WEB_IP, SmallCluster, endpoint

OLD, NEW = "10.244.0.2", "10.244.1.2"


class Statsd:
    """A UDP Service, and a client that sends from one port for ever."""

    def __init__(self, kubernetes: str = "1.37", mode: str = "iptables", **spec: Any) -> None:
        self.cluster = SmallCluster(kubernetes=kubernetes, mode=mode)
        self.client = self.cluster.pod("client", 1, "10.244.0.9")
        self.cluster.pod("old", 1, OLD)
        self.cluster.pod("new", 2, NEW)
        self.cluster.service(ports=[{"port": 8125, "protocol": "UDP"}], **spec)
        self.endpoints(endpoint(OLD, 1, "old"))

    def endpoints(self, *endpoints: Any) -> None:
        self.cluster.slice("web", *endpoints, protocol="UDP")
        self.cluster.run()

    def send(self, source: Source | None = None, ip: str = WEB_IP, port: int = 8125) -> Flow:
        return self.cluster.network.connect(source or self.client, "web", ip, port, "UDP", 5000)

    def keep_sending(self, seconds: int) -> Flow:
        for _ in range(seconds):
            flow = self.send()
            self.cluster.run(1)
        return flow

    def kill(self, name: str = "old") -> None:
        from lab.kube.kinds.pod import Pod

        self.cluster.store.delete(Pod, name, "default", grace_s=0)


def pods(*flows: Flow) -> list[str]:
    return [flow.pod for flow in flows]


@pytest.mark.parametrize("kubernetes", ["1.29", "1.31", "1.32", "1.37"])
def test_a_removed_endpoint_takes_its_udp_entries_along(kubernetes: str) -> None:
    lab = Statsd(kubernetes)
    before = lab.send()
    lab.endpoints(endpoint(NEW, 2, "new"))
    assert pods(before, lab.send()) == ["default/old", "default/new"]


@pytest.mark.parametrize(("kubernetes", "outcome"), [("1.31", "stale-conntrack-entry"), ("1.32", "no-local-endpoints")])
def test_pitfall_41_flows_to_an_endpoint_that_was_draining_are_missed_before_1_32(
    kubernetes: str, outcome: str
) -> None:
    lab = Statsd(kubernetes, internalTrafficPolicy="Local")
    other = endpoint(NEW, 2, "new")
    lab.endpoints(endpoint(OLD, 1, "old", ready=False, serving=True, terminating=True), other)
    assert lab.send().reason == "terminating-endpoint"
    lab.kill()
    lab.endpoints(other)
    assert lab.keep_sending(40).reason == outcome


@pytest.mark.parametrize(
    ("kubernetes", "empty"),
    [("1.29", "stale-conntrack-entry"), ("1.36", "stale-conntrack-entry"), ("1.37", "no-endpoints")],
)
def test_pitfall_42_an_entry_from_before_the_rules_goes_when_the_first_endpoint_comes(
    kubernetes: str, empty: str
) -> None:
    lab = Statsd(kubernetes)
    lab.cluster.service("late", "10.96.0.77", ports=[{"port": 8125, "protocol": "UDP"}])
    assert lab.send(ip="10.96.0.77").reason == "unallocated-cluster-ip"
    lab.cluster.run()
    assert lab.send(ip="10.96.0.77").reason == empty
    lab.cluster.slice("late", endpoint(NEW, 2, "new"), protocol="UDP")
    lab.cluster.run()
    assert lab.send(ip="10.96.0.77").pod == "default/new"


@pytest.mark.parametrize(
    ("kubernetes", "reason"), [("1.31", "no-endpoints"), ("1.36", "stale-conntrack-entry"), ("1.37", "no-endpoints")]
)
def test_pitfall_43_a_service_scaled_to_zero_keeps_its_entries_from_1_32_to_1_36(kubernetes: str, reason: str) -> None:
    lab = Statsd(kubernetes)
    lab.send()
    lab.kill()
    lab.endpoints()
    assert lab.keep_sending(300).reason == reason
    lab.endpoints(endpoint(NEW, 2, "new"))
    assert lab.send().pod == "default/new"


@pytest.mark.parametrize(("kubernetes", "kept"), [("1.31", False), ("1.32", True)])
def test_pitfall_44_a_restart_of_kube_proxy_cuts_udp_streams_before_1_32(kubernetes: str, kept: bool) -> None:
    lab = Statsd(kubernetes)
    first = lab.send()
    proxy = lab.cluster.network.proxies["worker-1"]
    proxy.stop()
    proxy.start()
    lab.cluster.run()
    assert (lab.send() is first) is kept


def test_pitfall_45_a_syn_from_before_the_rules_swallows_its_repeats_but_not_a_new_port() -> None:
    lab = Statsd()
    cluster = lab.cluster

    def syn(port: int) -> str:
        return cluster.network.connect(lab.client, "late", "10.96.0.77", 80, "TCP", port).reason

    assert syn(6000) == "unallocated-cluster-ip"
    cluster.service("late", "10.96.0.77")
    cluster.slice("late", endpoint(NEW, 2, "new"))
    cluster.run()
    assert syn(6000) == "stale-conntrack-entry"
    assert syn(6001) == "balanced"
    cluster.run(121)
    assert syn(6000) == "balanced"


@pytest.mark.parametrize(("kubernetes", "reason"), [("1.31", "unallocated-cluster-ip"), ("1.37", "conntrack")])
def test_a_deleted_service_is_unknown_to_the_reconciler(kubernetes: str, reason: str) -> None:
    lab = Statsd(kubernetes)
    first = lab.send()
    lab.cluster.store.delete(Service, "web", "default")
    lab.cluster.run()
    again = lab.send()
    assert (again is first) is (reason == "conntrack")
    assert again.reason == ("balanced" if again is first else reason)


def test_pitfall_48_a_recycled_address_gets_the_packets_of_its_predecessor() -> None:
    lab = Statsd("1.36")
    lab.send()
    lab.kill()
    lab.endpoints()
    lab.cluster.pod("stranger", 1, OLD)
    flow = lab.send()
    assert (flow.pod, flow.reason, flow.open) == ("default/stranger", "conntrack", True)


def test_a_sender_outside_is_held_by_the_entry_of_the_node_that_it_came_by() -> None:
    lab = Statsd(type="LoadBalancer", ingress=[LB_IP])
    lab.endpoints(endpoint(OLD, 1, "old"), endpoint(NEW, 2, "new"))
    for _ in range(12):
        lab.cluster.run(1)
    first = lab.send(CLIENT, LB_IP)
    assert first.open
    assert all(lab.send(CLIENT, LB_IP) is first for _ in range(10))
    lab.cluster.run(31)
    assert lab.send(CLIENT, LB_IP) is not first


def test_an_entry_does_not_carry_over_a_link_that_is_cut() -> None:
    lab = Statsd()
    lab.endpoints(endpoint(NEW, 2, "new"))
    first = lab.send()
    lab.cluster.network.topology.cut("worker-1", "worker-2")
    assert lab.send().reason == "link-down"
    lab.cluster.network.topology.heal("worker-1", "worker-2")
    assert lab.send() is first
    assert first.open
