"""The thirty-seven rules of how a Service packet is routed, one test each, in their order."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from lab.kube.decode import decode
from lab.network.builder import RuleBuilder
from lab.network.node_facts import NodeFacts
from lab.network.packet import Packet
from lab.network.router import Verdict, route

NODE, OTHER = "worker-1", "worker-2"
NODE_IP, SECOND_IP = "172.18.0.11", "172.19.0.11"
POD, OUTSIDE = "10.244.7.7", "198.51.100.7"
WEB, EXTERNAL, BALANCER, NODE_PORT = "10.96.0.12", "192.168.50.5", "203.0.113.10", 30080
HERE, THERE, FAR = "10.244.0.2", "10.244.1.2", "10.244.2.2"
BOTH = ("iptables", "nftables")


def ep(ip: str = HERE, node: str = NODE, **more: Any) -> dict[str, Any]:
    """An endpoint; `ready`, `serving`, `terminating`, `zones`, `nodes` as wanted."""
    entry: dict[str, Any] = {"addresses": [ip], "nodeName": node}
    entry["conditions"] = {key: more[key] for key in ("ready", "serving", "terminating") if key in more}
    hints: dict[str, Any] = {}
    if "zones" in more:
        hints["forZones"] = [{"name": zone} for zone in more["zones"]]
    if "nodes" in more:
        hints["forNodes"] = [{"name": name} for name in more["nodes"]]
    return {**entry, "hints": hints} if hints else entry


def draining(ip: str = HERE, node: str = NODE) -> dict[str, Any]:
    return ep(ip, node, ready=False, serving=True, terminating=True)


class World:
    """One Service `web` (port 80, endpoints on 8080) and the node that routes to it."""

    def __init__(self, *endpoints: dict[str, Any], mode: str = "nftables", gone: bool = False, **spec: Any) -> None:
        self.mode = mode
        self.builder = RuleBuilder()
        self.node: dict[str, Any] = {
            "cluster_cidr": "10.244.0.0/16",
            "service_cidrs": ["10.96.0.0/12"],
            "zone": "zone-a",
        }
        ports = spec.pop("slice_ports", [{"name": "", "port": 8080, "protocol": "TCP"}])
        ingress = spec.pop("ingress", [{"ip": BALANCER}] if spec.get("type") == "LoadBalancer" else [])
        body = {
            "clusterIP": WEB,
            "ports": [{"port": 80, **({"nodePort": NODE_PORT} if "type" in spec else {})}],
            **spec,
        }
        self.put("Service", "web", spec=body, status={"loadBalancer": {"ingress": ingress}}, deleted=gone)
        self.put("EndpointSlice", "web-1", addressType="IPv4", endpoints=list(endpoints), ports=ports)

    def put(self, kind: str, name: str, deleted: bool = False, **body: Any) -> None:
        labels = {"kubernetes.io/service-name": name.rpartition("-")[0]}
        meta = {"name": name, "namespace": "default", "labels": labels}
        version = "v1" if kind == "Service" else "discovery.k8s.io/v1"
        self.builder.apply(decode({"apiVersion": version, "kind": kind, "metadata": meta, **body}), deleted=deleted)

    def facts(self) -> NodeFacts:
        node = dict(self.node)
        zone = node.pop("zone")
        return NodeFacts(NODE, zone, [NODE_IP, SECOND_IP, "2001:db8::1"], primary_ips=[NODE_IP], mode=self.mode, **node)

    def all(self, src: str = POD, dst: str = WEB, port: int = 80, protocol: str = "TCP") -> list[Verdict]:
        """What every draw that matters leads to."""
        self.builder.refresh()
        packet, facts = Packet(src, 40000, dst, port, protocol), self.facts()
        return [route(self.builder.table, facts, packet, draw / 12) for draw in range(12)]

    def verdict(self, *packet: Any) -> str:
        verdicts = {verdict.verdict for verdict in self.all(*packet)}
        assert len(verdicts) == 1
        return verdicts.pop()

    def to(self, *packet: Any) -> list[str]:
        """The endpoints that are picked."""
        return sorted({verdict.endpoint.address for verdict in self.all(*packet) if verdict.endpoint})

    def masquerades(self, *packet: Any) -> bool:
        answers = {verdict.masquerade for verdict in self.all(*packet)}
        assert len(answers) == 1
        return answers.pop()


def at(*ips: str) -> list[str]:
    return [f"{ip}:8080" for ip in ips]


LOCAL = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "externalIPs": [EXTERNAL]}
OUTSIDE_ADDRESSES = [(NODE_IP, NODE_PORT), (BALANCER, 80), (EXTERNAL, 80)]


# -- matching -----------------------------------------------------------------------------------------------------


def test_rule_1_a_packet_matches_exactly_and_service_addresses_come_before_node_ports() -> None:
    world = World(ep(), type="NodePort", externalIPs=[NODE_IP], ports=[{"port": NODE_PORT, "nodePort": 30081}])
    assert world.to(OUTSIDE, NODE_IP, NODE_PORT) == at(HERE)
    world.put(
        "Service",
        "other",
        spec={"type": "NodePort", "clusterIP": "10.96.0.13", "ports": [{"port": 80, "nodePort": NODE_PORT}]},
    )
    verdict = world.all(OUTSIDE, NODE_IP, NODE_PORT)[0]
    assert verdict.rule is not None
    assert verdict.rule.service == "default/web"
    assert world.verdict(POD, "10.96.0.14") != "deliver"


@pytest.mark.parametrize("spec", [{"clusterIP": "None"}, {"type": "ExternalName", "externalName": "example.com"}])
def test_rule_2_headless_and_external_name_services_have_no_rules(spec: dict[str, Any]) -> None:
    world = World(ep(), **spec)
    world.builder.refresh()
    assert world.builder.table.version == 0


def test_rule_2_each_family_keeps_only_its_own_addresses() -> None:
    world = World(ep(), clusterIP="fd00::12", clusterIPs=["fd00::12"])
    world.builder = RuleBuilder(("IPv4",))
    world.put("Service", "web", spec={"clusterIP": "fd00::12", "ports": [{"port": 80}]})
    world.builder.refresh()
    assert world.builder.table.version == 0
    both = World(ep(), clusterIP=WEB, clusterIPs=[WEB, "fd00::12"])
    assert both.to() == at(HERE)
    assert both.verdict("fd01::7", "fd00::12") == "reject"


def test_rule_3_ports_join_by_name_and_protocol() -> None:
    ports = [{"name": "web", "port": 80}, {"name": "dns", "port": 80, "protocol": "UDP"}]
    slice_ports = [{"name": "dns", "port": 5353, "protocol": "UDP"}, {"name": "web", "port": 8443, "protocol": "TCP"}]
    world = World(ep(), ports=ports, slice_ports=slice_ports)
    assert world.to(POD, WEB, 80, "TCP") == [f"{HERE}:8443"]
    assert world.to(POD, WEB, 80, "UDP") == [f"{HERE}:5353"]


@pytest.mark.parametrize(
    ("mode", "wrong_port", "unallocated"), [("iptables", "pass", "pass"), ("nftables", "reject", "drop")]
)
def test_rule_4_wrong_ports_and_unallocated_addresses_differ_by_mode(
    mode: str, wrong_port: str, unallocated: str
) -> None:
    world = World(ep(), mode=mode)
    assert world.verdict(POD, WEB, 81) == wrong_port
    assert world.verdict(POD, "10.96.0.99") == unallocated


def test_rule_5_a_slice_without_its_service_has_no_effect() -> None:
    assert World(ep(), gone=True, mode="iptables").verdict() == "pass"


# -- choosing endpoints -------------------------------------------------------------------------------------------


def test_rule_6_terminating_endpoints_serve_only_when_none_is_ready() -> None:
    dying = ep(FAR, OTHER, ready=False, serving=False, terminating=True)
    assert World(ep(), draining(THERE, OTHER), dying).to() == at(HERE)
    assert World(draining(), draining(THERE, OTHER), dying).to() == at(HERE, THERE)
    assert World(dying).verdict() == "reject"


def test_rule_7_a_terminating_local_endpoint_is_used_though_ready_remote_ones_exist() -> None:
    assert World(draining(), ep(THERE, OTHER), **LOCAL).to(OUTSIDE, BALANCER) == at(HERE)


def test_rule_8_no_node_name_is_not_local_and_unset_ready_is_ready() -> None:
    assert World(ep(node=""), internalTrafficPolicy="Local").verdict() == "drop"
    assert World(ep()).verdict() == "deliver"


def test_rule_9_same_node_needs_node_hints_on_every_ready_endpoint() -> None:
    mine, other = ep(nodes=[NODE]), ep(THERE, OTHER, nodes=[OTHER])
    assert World(mine, other).to() == at(HERE)
    assert World(mine, ep(THERE, OTHER)).to() == at(HERE, THERE)
    assert World(mine, other, ep(FAR, OTHER, ready=False)).to() == at(HERE)
    assert World(mine, other, internalTrafficPolicy="Local").to() == at(HERE)


def test_rule_10_same_zone_needs_zone_hints_everywhere_and_a_zone_of_the_node() -> None:
    hinted = [ep(zones=["zone-a"]), ep(THERE, OTHER, zones=["zone-b"])]
    assert World(*hinted).to() == at(HERE)
    assert World(*hinted, ep(FAR, OTHER)).to() == at(HERE, THERE, FAR)
    homeless = World(*hinted)
    homeless.node["zone"] = ""
    assert homeless.to() == at(HERE, THERE)
    elsewhere = World(*hinted)
    elsewhere.node["zone"] = "zone-c"
    assert elsewhere.to() == at(HERE, THERE)


def test_rule_11_external_policy_counts_only_for_services_reachable_from_outside() -> None:
    world = World(ep(THERE, OTHER), externalTrafficPolicy="Local")
    assert world.to() == at(THERE)


def test_rule_12_internal_local_without_outside_never_uses_the_cluster_list() -> None:
    world = World(ep(THERE, OTHER), internalTrafficPolicy="Local")
    world.builder.refresh()
    rule = world.builder.table.services["default/web"][0]
    assert rule.categories(world.facts()).cluster is None
    assert World(ep(THERE, OTHER), internalTrafficPolicy="Local", type="NodePort").to(
        OUTSIDE, NODE_IP, NODE_PORT
    ) == at(THERE)


# -- policies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", BOTH)
def test_rule_13_each_policy_governs_its_own_addresses(mode: str) -> None:
    internal = World(ep(), ep(THERE, OTHER), mode=mode, type="NodePort", internalTrafficPolicy="Local")
    assert internal.to() == at(HERE)
    assert internal.to(OUTSIDE, NODE_IP, NODE_PORT) == at(HERE, THERE)
    assert internal.masquerades(OUTSIDE, WEB)
    assert not internal.masquerades()
    external = World(ep(), ep(THERE, OTHER), mode=mode, **LOCAL)
    assert external.to() == at(HERE, THERE)


@pytest.mark.parametrize(("ip", "port"), OUTSIDE_ADDRESSES)
def test_rule_14_local_from_outside_stays_here_and_keeps_the_client(ip: str, port: int) -> None:
    world = World(ep(), ep(THERE, OTHER), **LOCAL)
    assert world.to(OUTSIDE, ip, port) == at(HERE)
    assert not world.masquerades(OUTSIDE, ip, port)


@pytest.mark.parametrize(("ip", "port"), OUTSIDE_ADDRESSES)
def test_rule_15_local_from_a_pod_short_circuits_to_the_cluster_list(ip: str, port: int) -> None:
    world = World(ep(), ep(THERE, OTHER), **LOCAL)
    assert world.to(POD, ip, port) == at(HERE, THERE)
    assert not world.masquerades(POD, ip, port)


@pytest.mark.parametrize(("ip", "port"), OUTSIDE_ADDRESSES)
def test_rule_16_local_from_the_node_short_circuits_and_masquerades(ip: str, port: int) -> None:
    world = World(ep(), ep(THERE, OTHER), **LOCAL)
    assert world.to(NODE_IP, ip, port) == at(HERE, THERE)
    assert world.masquerades(NODE_IP, ip, port)


def test_rule_17_without_a_detector_pods_get_local_endpoints_only() -> None:
    world = World(ep(), ep(THERE, OTHER), **LOCAL)
    world.node["cluster_cidr"] = None
    assert world.to(POD, BALANCER) == at(HERE)
    assert not world.masquerades(POD, BALANCER)
    assert world.to(NODE_IP, BALANCER) == at(HERE, THERE)


@pytest.mark.parametrize("source", [POD, NODE_IP, OUTSIDE])
@pytest.mark.parametrize(("ip", "port"), OUTSIDE_ADDRESSES)
def test_rule_18_external_cluster_policy_always_masquerades(source: str, ip: str, port: int) -> None:
    world = World(ep(), ep(THERE, OTHER), type="LoadBalancer", externalIPs=[EXTERNAL])
    assert world.to(source, ip, port) == at(HERE, THERE)
    assert world.masquerades(source, ip, port)


# -- masquerade on a cluster IP -----------------------------------------------------------------------------------


def test_rule_19_a_cluster_ip_masquerades_sources_outside_the_pod_cidr() -> None:
    world = World(ep())
    assert world.masquerades(OUTSIDE)
    assert world.masquerades(NODE_IP)
    assert not world.masquerades(POD)
    world.node["cluster_cidr"] = None
    assert not world.masquerades(OUTSIDE)
    world.node["masquerade_all"] = True
    assert world.masquerades(POD)


@pytest.mark.parametrize("mode", BOTH)
def test_a_node_with_an_address_in_the_cluster_cidr_counts_as_a_pod(mode: str) -> None:
    """Rule 19 asks for the CIDR alone, and the short cut of rule 15 comes before that of rule 16."""
    world = World(ep(), ep(THERE, OTHER), mode=mode, **LOCAL)
    world.node["cluster_cidr"] = "172.16.0.0/12"
    assert not world.masquerades(NODE_IP)
    assert world.to(NODE_IP, BALANCER) == at(HERE, THERE)
    assert not world.masquerades(NODE_IP, BALANCER)
    world.node["masquerade_all"] = True
    assert world.masquerades(NODE_IP)


@pytest.mark.parametrize("spec", [{}, LOCAL])
def test_rule_20_a_hairpin_is_always_masqueraded(spec: dict[str, Any]) -> None:
    world = World(ep(), **spec)
    assert world.masquerades(HERE)
    assert not world.masquerades(POD)


# -- reject or drop -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("policy", ["Cluster", "Local"])
@pytest.mark.parametrize("source", [POD, NODE_IP, OUTSIDE])
def test_rule_21_nothing_usable_anywhere_is_refused_at_once(mode: str, policy: str, source: str) -> None:
    spec = {**LOCAL, "externalTrafficPolicy": policy, "internalTrafficPolicy": policy}
    world = World(ep(ready=False), mode=mode, **spec)
    for ip, port in [(WEB, 80), *OUTSIDE_ADDRESSES]:
        assert world.verdict(source, ip, port) == "reject"


@pytest.mark.parametrize("mode", BOTH)
def test_rule_22_usable_elsewhere_but_not_here_is_dropped_under_local(mode: str) -> None:
    world = World(ep(THERE, OTHER), mode=mode, internalTrafficPolicy="Local", **LOCAL)
    assert world.verdict() == "drop"
    for ip, port in OUTSIDE_ADDRESSES:
        assert world.verdict(OUTSIDE, ip, port) == "drop"


def test_rule_23_nothing_is_masqueraded_unless_delivered() -> None:
    assert not World().masquerades(OUTSIDE)
    assert not World(ep(THERE, OTHER), internalTrafficPolicy="Local").masquerades(OUTSIDE)
    assert not World(mode="iptables").masquerades(OUTSIDE, "10.96.0.99")


# -- loadBalancerSourceRanges -------------------------------------------------------------------------------------

GUARDED = {"type": "LoadBalancer", "externalIPs": [EXTERNAL], "loadBalancerSourceRanges": ["198.51.100.0/28"]}


def test_rule_24_source_ranges_guard_the_load_balancer_address_only() -> None:
    world = World(ep(), **GUARDED)
    assert world.verdict("203.0.113.200", BALANCER) == "drop"
    assert world.verdict(OUTSIDE, BALANCER) == "deliver"
    for ip, port in [(NODE_IP, NODE_PORT), (WEB, 80), (EXTERNAL, 80)]:
        assert world.verdict("203.0.113.200", ip, port) == "deliver"


@pytest.mark.parametrize("source", [POD, NODE_IP])
def test_rule_25_outside_every_range_is_dropped_before_any_short_circuit(source: str) -> None:
    assert World(ep(), **GUARDED, externalTrafficPolicy="Local").verdict(source, BALANCER) == "drop"
    ranges = [f"{source}/32"]
    assert World(ep(), **{**GUARDED, "loadBalancerSourceRanges": ranges}).verdict(source, BALANCER) == "deliver"


def test_rule_26_a_node_in_a_range_may_use_the_balancers_address_as_source() -> None:
    assert World(ep(), **GUARDED).verdict(BALANCER, BALANCER) == "drop"
    ranges = [f"{NODE_IP}/32"]
    assert World(ep(), **{**GUARDED, "loadBalancerSourceRanges": ranges}).verdict(BALANCER, BALANCER) == "deliver"


def test_rule_27_space_is_trimmed_and_leading_zeros_are_decimal() -> None:
    spec = {**GUARDED, "clusterIP": "010.096.000.012", "loadBalancerSourceRanges": [" 198.051.100.000/28 "]}
    world = World(ep(), **spec)
    assert world.verdict(OUTSIDE, BALANCER) == "deliver"
    assert world.verdict() == "deliver"


# -- ipMode -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ip_mode", "verdict"), [("Proxy", "pass"), ("VIP", "deliver"), (None, "deliver")])
def test_rule_28_ip_mode_proxy_is_not_intercepted(ip_mode: str | None, verdict: str) -> None:
    ingress = {"ip": BALANCER, **({"ipMode": ip_mode} if ip_mode else {})}
    world = World(ep(), type="LoadBalancer", ingress=[ingress])
    assert world.verdict(POD, BALANCER) == verdict
    assert world.verdict() == world.verdict(OUTSIDE, NODE_IP, NODE_PORT) == "deliver"


# -- node ports ---------------------------------------------------------------------------------------------------


def test_rule_29_iptables_serves_node_ports_on_every_local_address() -> None:
    world = World(ep(), mode="iptables", type="NodePort")
    for ip in (NODE_IP, SECOND_IP):
        assert world.verdict(OUTSIDE, ip, NODE_PORT) == "deliver"
    assert world.verdict("127.0.0.1", "127.0.0.1", NODE_PORT) == "deliver"
    assert world.masquerades("127.0.0.1", "127.0.0.1", NODE_PORT)
    assert world.verdict("::1", "::1", NODE_PORT) == "pass"
    world.node |= {"localhost_node_ports": False, "node_port_addresses": ["127.0.0.0/8"]}
    assert world.verdict("127.0.0.1", "127.0.0.1", NODE_PORT) == "pass"


@pytest.mark.parametrize(
    ("listed", "second"), [((), "deliver"), (("0.0.0.0/0",), "deliver"), (("127.0.0.1/32",), "pass")]
)
def test_a_listed_loopback_address_is_that_one_and_no_other(listed: tuple[str, ...], second: str) -> None:
    world = World(ep(), mode="iptables", type="NodePort")
    world.node["node_port_addresses"] = listed
    assert world.verdict("127.0.0.1", "127.0.0.1", NODE_PORT) == "deliver"
    assert world.verdict("127.0.0.1", "127.0.0.2", NODE_PORT) == second


def test_rule_30_nftables_serves_node_ports_on_listed_addresses_only() -> None:
    world = World(ep(), type="NodePort")
    assert world.verdict(OUTSIDE, NODE_IP, NODE_PORT) == "deliver"
    assert world.verdict(OUTSIDE, SECOND_IP, NODE_PORT) == "pass"
    assert world.verdict("127.0.0.1", "127.0.0.1", NODE_PORT) == "pass"
    world.node["node_port_addresses"] = ["172.19.0.0/24", "127.0.0.0/8"]
    assert world.verdict(OUTSIDE, SECOND_IP, NODE_PORT) == "deliver"
    assert world.verdict(OUTSIDE, NODE_IP, NODE_PORT) == "pass"
    assert world.verdict("127.0.0.1", "127.0.0.1", NODE_PORT) == "pass"


@pytest.mark.parametrize(("mode", "unlisted"), [("iptables", "reject"), ("nftables", "pass")])
def test_rule_31_only_iptables_rejects_on_addresses_that_are_not_listed(mode: str, unlisted: str) -> None:
    world = World(mode=mode, type="NodePort")
    world.node["node_port_addresses"] = ["172.18.0.0/24"]
    assert world.verdict(OUTSIDE, NODE_IP, NODE_PORT) == "reject"
    assert world.verdict(OUTSIDE, SECOND_IP, NODE_PORT) == unlisted


# -- health checks (33 and 34 in full: test_health_check.py) ------------------------------------------------------


@pytest.mark.parametrize("mode", BOTH)
def test_rule_32_a_health_check_port_is_accepted_on_any_local_address_while_it_exists(mode: str) -> None:
    spec = {**LOCAL, "healthCheckNodePort": 30999}
    world = World(ep(), mode=mode, **spec)
    reasons = {world.all(OUTSIDE, ip, 30999)[0].reason for ip in (NODE_IP, SECOND_IP)}
    assert reasons == {"health-check-port"}
    assert World(ep(), mode=mode, gone=True, **spec).all(OUTSIDE, NODE_IP, 30999)[0].reason == "no-rule"
    cluster = World(ep(), mode=mode, **{**spec, "externalTrafficPolicy": "Cluster"})
    assert cluster.all(OUTSIDE, NODE_IP, 30999)[0].reason == "no-rule"


# -- connections (33 to 35 and 37 need a running network: test_network.py, test_conntrack.py) ---------------------


@pytest.mark.parametrize("mode", BOTH)
def test_rule_36_the_choice_is_uniform_and_depends_on_nothing_before(mode: str) -> None:
    world = World(ep(), ep(THERE, OTHER), ep(FAR, OTHER), mode=mode)
    picks = Counter(verdict.endpoint.address for verdict in world.all() if verdict.endpoint)
    assert set(picks.values()) == {4}


def test_rule_36_a_chain_of_probabilities_picks_what_one_number_picks() -> None:
    def chain(draw: float, count: int) -> int:
        for index in range(count):
            odds = 1 / (count - index)
            if draw < odds:
                return index
            draw = (draw - odds) / (1 - odds)  # what is left of the number is uniform again
        return count - 1

    for count in (1, 2, 3, 7):
        for step in range(200):
            draw = (step + 0.5) / 200
            assert chain(draw, count) == int(draw * count)


@pytest.mark.parametrize("mode", BOTH)
def test_rule_37_affinity_is_asked_by_service_port_and_source_and_only_while_eligible(mode: str) -> None:
    world = World(ep(), ep(THERE, OTHER), mode=mode, sessionAffinity="ClientIP")
    world.builder.refresh()
    asked: list[tuple[str, str]] = []

    def remembers(address: str) -> Verdict:
        def affinity(rule: Any, ip: str) -> str:
            asked.append((rule.id, ip))
            return address

        return route(world.builder.table, world.facts(), Packet(POD, 1, WEB, 80), 0.0, affinity)

    assert remembers(f"{THERE}:8080").endpoint == world.all()[-1].endpoint
    assert remembers(f"{THERE}:8080").reason == "session-affinity"
    assert remembers("10.244.9.9:8080").endpoint == world.all()[0].endpoint
    assert set(asked) == {("default/web/TCP", POD)}
