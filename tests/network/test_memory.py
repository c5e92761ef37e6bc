"""A node that remembers ways decides as one that finds each of them anew, and explains as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lab.kube.kinds.endpointslice import Endpoint
from lab.kube.kinds.networkpolicy import NetworkPolicy
from lab.kube.kinds.pod import Pod
from lab.network.explanation import Explanation
from lab.network.flow import Flow
from tests.network.policies import policy as network_policy
from tests.network.small_cluster import CLIENT, LB_IP, WEB_IP, SmallCluster, endpoint

NODE_PORT = 30080
WEBS: dict[str, Callable[[], Endpoint]] = {
    "10.244.0.2": lambda: endpoint("10.244.0.2", 1, "web-1"),
    "10.244.1.2": lambda: endpoint("10.244.1.2", 2, "web-2"),
    "10.244.1.3": lambda: endpoint("10.244.1.3", 2, "web-3", ready=False, serving=True, terminating=True),
    "10.244.2.2": lambda: endpoint("10.244.2.2", 3, "gone"),
}
POLICIES: tuple[dict[str, Any], ...] = (
    {},
    {"externalTrafficPolicy": "Local", "healthCheckNodePort": 32000},
    {"internalTrafficPolicy": "Local"},
    {"loadBalancerSourceRanges": ["192.0.2.0/24"]},
    {"sessionAffinity": "ClientIP"},
)
NETWORK_POLICIES: dict[str, dict[str, Any]] = {
    "deny": {},
    "nodes": {"ingress": [{"from": [{"ipBlock": {"cidr": "172.18.0.0/16"}}]}]},
    "leave": {"policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "10.244.1.0/24"}}]}]},
}
MODES = ("nftables", "iptables", "ipvs")

PROBES = (
    *(("client", ip, 80) for ip in (WEB_IP, LB_IP, "10.96.0.99")),
    *(("client", ip, NODE_PORT) for ip in ("172.18.0.11", "172.18.0.12", "192.0.2.12")),
    *(("web-1", WEB_IP, 80), ("agent", WEB_IP, 80), ("agent", "172.18.0.12", NODE_PORT), ("agent", "10.244.0.2", 8080)),
    *(("internet", ip, port) for ip, port in ((LB_IP, 80), ("192.0.2.11", NODE_PORT), ("192.0.2.12", NODE_PORT))),
)
events = st.one_of(
    st.tuples(st.just("endpoints"), st.lists(st.sampled_from(sorted(WEBS)), unique=True)),
    st.tuples(st.sampled_from(("power-off", "power-on", "cut", "heal", "proxy-stop")), st.integers(1, 3)),
    st.tuples(st.just("remove"), st.just("web-2")),
    st.tuples(st.sampled_from(("permit", "forbid")), st.sampled_from(sorted(NETWORK_POLICIES))),
    st.tuples(st.just("wait"), st.sampled_from((0.3, 5.0, 40.0))),
)


class Story:
    """One cluster to which everything of a story happens."""

    def __init__(self, policy: dict[str, Any], mode: str, *, remembers: bool) -> None:
        self.remembers = remembers
        self.cluster = cluster = SmallCluster(3, mode=mode, zones=("zone-a", "zone-b"))
        self.sources = {
            "internet": CLIENT,
            "client": cluster.pod("client", 1, "10.244.0.9"),
            "web-1": cluster.pod("web-1", 1, "10.244.0.2"),
            "agent": cluster.pod("agent", 2, "172.18.0.12", hostNetwork=True),
        }
        cluster.pod("web-2", 2, "10.244.1.2")
        cluster.pod("web-3", 2, "10.244.1.3")
        ports = [{"port": 80, "nodePort": NODE_PORT}]
        cluster.service(type="LoadBalancer", ports=ports, ingress=(LB_IP,), **policy)
        cluster.slice("web", *(make() for make in WEBS.values()))
        cluster.run(60.0)

    def probe(self, times: int = 6) -> list[tuple[Flow, Explanation | None]]:
        """Connect from everywhere to everything, often enough to get each endpoint more than once."""
        flows: list[Flow] = []
        for source, ip, port in PROBES * times:
            if not self.remembers:
                for host in self.cluster.network.hosts.values():
                    host.memory.forget()
            flows.append(self.cluster.connect(self.sources[source], ip, port))
        seen: list[tuple[Flow, Explanation | None]] = []
        for number, flow in enumerate(flows, len(PROBES) - len(flows)):
            explanation = self.cluster.network.explain(flow.decision.id) if number >= 0 else None
            # Legs hold the node's facts and rules themselves, which no other cluster has; explanations tell of both.
            seen.append((replace(flow, arrival=replace(flow.arrival, legs=())), explanation))
        return seen

    def happen(self, what: str, *about: Any) -> None:
        cluster, network = self.cluster, self.cluster.network
        match what:
            case "endpoints":
                cluster.slice("web", *(WEBS[ip]() for ip in about[0]))
            case "power-off" | "power-on":
                network.node_power(f"worker-{about[0]}", what == "power-on")
            case "cut":
                network.topology.cut(f"worker-{about[0]}", "zone-a" if about[0] != 2 else "zone-b")
            case "heal":
                network.topology.heal(f"worker-{about[0]}", "zone-a" if about[0] != 2 else "zone-b")
            case "proxy-stop":
                network.proxies[f"worker-{about[0]}"].stop()
            case "remove":
                if cluster.store.find(Pod, about[0]) is not None:
                    cluster.store.delete(Pod, about[0], grace_s=0)
            case "forbid":
                if cluster.store.find(NetworkPolicy, about[0]) is None:
                    cluster.store.create(network_policy(about[0], **NETWORK_POLICIES[about[0]]))
            case "permit":
                if cluster.store.find(NetworkPolicy, about[0]) is not None:
                    cluster.store.delete(NetworkPolicy, about[0])
            case "wait":
                cluster.run(about[0])


@settings(max_examples=25, deadline=None)
@given(st.lists(events, max_size=5), st.sampled_from(POLICIES), st.sampled_from(MODES))
def test_a_remembered_way_is_the_way_that_would_be_found(
    events: list[tuple[Any, ...]], policy: dict[str, Any], mode: str
) -> None:
    remembering, forgetful = Story(policy, mode, remembers=True), Story(policy, mode, remembers=False)
    assert remembering.probe() == forgetful.probe()
    for event in events:
        remembering.happen(*event)
        forgetful.happen(*event)
        assert remembering.probe() == forgetful.probe()


def test_the_second_packet_of_a_sort_is_not_routed_again() -> None:
    cluster = SmallCluster().web()
    client = cluster.pod("client", 1, "10.244.0.9")
    first = {flow.decision.endpoint: flow for flow in (cluster.connect(client) for _ in range(20))}
    for _ in range(20):
        again = cluster.connect(client)
        assert again.way is first[again.decision.endpoint].way
        assert cluster.explain(again).before == (f"10.244.0.9:{again.decision.src_port}", f"{WEB_IP}:80")
