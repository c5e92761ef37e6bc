"""What the API server fills in and gives out: the defaults, and rules 15 to 18 of the Service API."""

from __future__ import annotations

import pytest

from lab.cluster.addresses import band
from lab.kube.encode import encode
from lab.kube.kinds.service import Service
from tests.cluster.service_api import DUAL, Api, Body, defaulted, service


def test_what_the_api_server_fills_in() -> None:
    spec = encode(defaulted(service(type="LoadBalancer", sessionAffinity="ClientIP")))["spec"]
    assert isinstance(spec, dict)
    assert spec["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert spec["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}
    assert (spec["externalTrafficPolicy"], spec["internalTrafficPolicy"]) == ("Cluster", "Cluster")
    assert spec["allocateLoadBalancerNodePorts"] is True
    plain = encode(defaulted(service()))["spec"]
    assert isinstance(plain, dict)
    assert (plain["type"], plain["sessionAffinity"]) == ("ClusterIP", "None")
    assert not {"externalTrafficPolicy", "allocateLoadBalancerNodePorts"} & plain.keys()
    named = encode(defaulted(service(type="ExternalName", externalName="db")))["spec"]
    assert isinstance(named, dict)
    assert "internalTrafficPolicy" not in named
    ingress = {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}}
    assert defaulted(service(type="LoadBalancer", status=ingress)).status.load_balancer.ingress[0].ip_mode == "VIP"


# -- allocation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cidr", "spec", "policy", "families"),
    [
        ("10.96.0.0/16", {}, "SingleStack", ["IPv4"]),
        (DUAL, {}, "SingleStack", ["IPv4"]),
        (DUAL, {"ipFamilies": ["IPv6"]}, "SingleStack", ["IPv6"]),
        (DUAL, {"ipFamilyPolicy": "PreferDualStack"}, "PreferDualStack", ["IPv4", "IPv6"]),
        (
            DUAL,
            {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6"]},
            "RequireDualStack",
            ["IPv6", "IPv4"],
        ),
        ("10.96.0.0/16", {"ipFamilyPolicy": "PreferDualStack"}, "PreferDualStack", ["IPv4"]),
        (DUAL, {"clusterIP": "fd00:10:96::77"}, "SingleStack", ["IPv6"]),
        ("10.96.0.0/16", {"clusterIP": "None"}, "RequireDualStack", ["IPv4", "IPv6"]),
        ("10.96.0.0/16", {"clusterIP": "None", "selector": {"a": "b"}}, "SingleStack", ["IPv4"]),
    ],
)
def test_rule_15_families_and_their_policy(cidr: str, spec: Body, policy: str, families: list[str]) -> None:
    made = Api(cidr).create(**spec)
    assert (made["ipFamilyPolicy"], made["ipFamilies"]) == (policy, families)
    if made["clusterIP"] != "None":
        assert [":" in ip for ip in made["clusterIPs"]] == [family == "IPv6" for family in families]


def test_rule_15_require_dual_stack_needs_a_cluster_of_both() -> None:
    api = Api()
    assert "spec.ipFamilyPolicy" in api.refuses(api.create, ipFamilyPolicy="RequireDualStack")


def test_rule_16_one_port_over_two_protocols_shares_a_node_port() -> None:
    dns = [{"name": "tcp", "port": 53}, {"name": "udp", "port": 53, "protocol": "UDP"}]
    first, second = Api().create(type="NodePort", ports=dns)["ports"]
    assert first["nodePort"] == second["nodePort"]
    api = Api()
    both = [{"name": "a", "port": 80, "nodePort": 30080}, {"name": "b", "port": 81, "nodePort": 30080}]
    assert "nodePort" in api.refuses(api.create, type="NodePort", ports=both)


def test_rule_16_across_services_the_protocol_makes_no_difference() -> None:
    api = Api()
    api.create(type="NodePort", ports=[{"port": 53, "nodePort": 30053}])
    udp = [{"port": 53, "nodePort": 30053, "protocol": "UDP"}]
    said = api.refuses(api.create, name="other", type="NodePort", ports=udp)
    assert "provided port is already allocated" in said


def test_rule_16_without_allocation_only_what_is_asked_for_is_given() -> None:
    ports = [{"name": "a", "port": 80, "nodePort": 30080}, {"name": "b", "port": 81}]
    made = Api().create(type="LoadBalancer", allocateLoadBalancerNodePorts=False, ports=ports)
    assert [port.get("nodePort") for port in made["ports"]] == [30080, None]


def test_rule_17_what_a_new_type_has_no_use_for_is_free_again() -> None:
    api = Api()
    made = api.create(type="LoadBalancer", externalTrafficPolicy="Local")
    numbers = (made["ports"][0]["nodePort"], made["healthCheckNodePort"])
    api.put(type="LoadBalancer", externalTrafficPolicy="Cluster")
    assert [api.holds(number) for number in numbers] == [True, False]
    api.put(type="ClusterIP")
    assert [api.holds(number) for number in numbers] == [False, False]
    assert api.holds(made["clusterIP"])
    api.put(type="ExternalName", externalName="db.example.com")
    assert not api.holds(made["clusterIP"])


def test_rule_17_a_dry_run_takes_nothing() -> None:
    api = Api()
    shown = api.chain.admit(service(type="NodePort"), None, dry_run=True)
    assert isinstance(shown, Service)
    assert not api.holds(shown.spec.cluster_ip)
    assert not api.holds(shown.spec.ports[0].node_port)


@pytest.mark.parametrize(("size", "ips", "ports"), [(16, 0, 0), (256, 16, 16), (2768, 173, 86), (65536, 256, 128)])
def test_rule_18_the_static_bands(size: int, ips: int, ports: int) -> None:
    assert (band(size, divisor=16, most=256), band(size, divisor=32, most=128)) == (ips, ports)


def test_rule_18_automatic_picks_leave_the_static_bands_alone() -> None:
    api = Api()
    made = [api.create(f"web-{number}", type="NodePort") for number in range(50)]
    assert all(spec["ports"][0]["nodePort"] > 30085 for spec in made)
    assert not any(spec["clusterIP"].startswith("10.96.0.") for spec in made)


def test_the_allocator_speaks_before_validation_and_gives_up_at_the_first_thing() -> None:
    """The registry allocates in beginCreate, before it validates (pkg/registry/core/service/storage/storage.go)."""
    api = Api()
    taken = {"type": "NodePort", "clusterIP": "10.96.0.77", "ports": [{"port": 80, "nodePort": 30077}]}
    api.create("first", **taken)
    both = api.refuses(api.create, **taken)
    assert "10.96.0.77: provided IP is already allocated" in both
    assert "nodePort" not in both
    bad_name = {"port": 80, "nodePort": 30077, "name": "Bad_Name"}
    early = api.refuses(api.create, type="NodePort", ports=[bad_name])
    assert "provided port is already allocated" in early
    assert "Bad_Name" not in early
    assert "Bad_Name" in api.refuses(api.create, type="NodePort", ports=[{**bad_name, "nodePort": 30078}])
    assert not api.holds(30078)


def test_families_that_contradict_their_addresses_are_refused_before_anything_else() -> None:
    api = Api(DUAL)
    api.create(ipFamilyPolicy="RequireDualStack")
    found = api.refuses(api.put, ipFamilyPolicy="SingleStack", ipFamilies=["IPv6"])
    assert "expected an IPv6 value as indicated by `ipFamilies[0]`" in found
    assert "may not change once set" not in found
