"""What a Service must say and what an update may change: rules 1 to 14 of the Service API, in their order.

ETP is externalTrafficPolicy.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lab.cluster.validation import service_errors, status_errors
from lab.kube.versions import NEWEST, features_of
from tests.cluster.service_api import Api, Body, defaulted, service, wrong

# -- validation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "release", "fields"),
    [
        ("web-1", "1.29", []),
        ("1web", "1.36", ["metadata.name"]),
        ("1web", "1.37", []),
        ("Web", NEWEST, ["metadata.name"]),
        ("w" * 63, NEWEST, []),
        ("w" * 64, NEWEST, ["metadata.name"]),
    ],
)
def test_rule_1_a_name_is_a_dns_label_that_may_begin_with_a_digit_since_1_37(
    name: str, release: str, fields: list[str]
) -> None:
    assert wrong(service(name), release=release) == fields


def test_rule_1_a_namespace_is_a_label_and_the_topology_annotations_agree() -> None:
    assert wrong(service(meta={"namespace": "a.b"})) == ["metadata.namespace"]
    annotations = {f"service.kubernetes.io/topology-{key}": "Auto" for key in ("mode", "aware-hints")}
    assert wrong(service(meta={"annotations": annotations})) == []
    annotations["service.kubernetes.io/topology-mode"] = "Disabled"
    path = "metadata.annotations[service.kubernetes.io/topology-mode]"
    assert wrong(service(meta={"annotations": annotations})) == [path]


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"ports": []}, ["spec.ports"]),
        ({"ports": [], "clusterIP": "None", "clusterIPs": ["None"]}, []),
        ({"ports": [], "type": "ExternalName", "externalName": "db.example.com"}, []),
        ({"ports": [{"port": 80}, {"port": 81, "name": "b"}]}, ["spec.ports[0].name"]),
        ({"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "a"}]}, ["spec.ports[1].name"]),
        ({"ports": [{"port": 80, "name": "A_b"}]}, ["spec.ports[0].name"]),
        ({"ports": [{"port": 0}]}, ["spec.ports[0].port", "spec.ports[0].targetPort"]),
        ({"ports": [{"port": 65536, "targetPort": 80}]}, ["spec.ports[0].port"]),
        ({"ports": [{"port": 80, "protocol": "ICMP"}]}, ["spec.ports[0].protocol"]),
        ({"ports": [{"port": 80, "protocol": "SCTP"}]}, []),
        ({"ports": [{"port": 80, "targetPort": "no-such-name-is-that-long"}]}, ["spec.ports[0].targetPort"]),
        ({"ports": [{"port": 80, "targetPort": "http"}]}, []),
        ({"ports": [{"port": 80, "appProtocol": "kubernetes.io/h2c"}]}, []),
        ({"ports": [{"port": 80, "appProtocol": "not a name"}]}, ["spec.ports[0].appProtocol"]),
    ],
)
def test_rule_2_ports_have_numbers_protocols_and_more_than_one_have_names(spec: Body, fields: list[str]) -> None:
    assert wrong(service(**spec)) == fields


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80}]}, ["spec.ports[1]"]),
        ({"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80, "protocol": "UDP"}]}, []),
        (
            {
                "type": "NodePort",
                "ports": [{"name": "a", "port": 80, "nodePort": 30080}, {"name": "b", "port": 81, "nodePort": 30080}],
            },
            ["spec.ports[1].nodePort"],
        ),
        ({"ports": [{"port": 80, "nodePort": 30080}]}, ["spec.ports[0].nodePort"]),
    ],
)
def test_rule_3_ports_and_node_ports_are_unique_and_cluster_ip_has_no_node_port(spec: Body, fields: list[str]) -> None:
    assert wrong(service(**spec)) == fields


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.8"]}, ["spec.clusterIPs"]),
        ({"clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9", "10.96.0.8"]}, ["spec.clusterIPs"]),
        ({"clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9", "fd00::9"], "ipFamilies": ["IPv4", "IPv6"]}, []),
        (
            {"clusterIP": "fd00::9", "clusterIPs": ["fd00::9", "10.96.0.9"], "ipFamilies": ["IPv4", "IPv6"]},
            ["spec.clusterIPs[0]", "spec.clusterIPs[1]"],
        ),
        ({"clusterIP": "None", "clusterIPs": ["None", "10.96.0.9"]}, ["spec.clusterIPs"]),
        ({"clusterIP": "None", "clusterIPs": ["None"], "type": "NodePort"}, ["spec.clusterIPs[0]"]),
        ({"clusterIP": "None", "clusterIPs": ["None"], "type": "LoadBalancer"}, ["spec.clusterIPs[0]"]),
        ({"clusterIP": "None", "clusterIPs": ["None"]}, []),
    ],
)
def test_rule_4_cluster_ips_agree_with_each_other_and_with_the_families(spec: Body, fields: list[str]) -> None:
    assert wrong(service(**spec)) == fields


@pytest.mark.parametrize(
    ("more", "fields"),
    [
        ({"externalName": "db.example.com"}, []),
        ({"externalName": "db.example.com."}, []),
        ({"externalName": "db.example.com.."}, ["spec.externalName"]),
        ({"externalName": "-db"}, ["spec.externalName"]),
        ({}, ["spec.externalName"]),
        ({"externalName": "db", "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"]}, ["spec.clusterIPs"]),
        (
            {"externalName": "db", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"},
            ["spec.ipFamilies", "spec.ipFamilyPolicy"],
        ),
    ],
)
def test_rule_5_an_external_name_is_a_dns_name_and_has_no_addresses(more: Body, fields: list[str]) -> None:
    assert wrong(service(type="ExternalName", **more)) == fields


@pytest.mark.parametrize(
    ("timeout", "fields"), [(1, []), (86400, []), (0, ["timeoutSeconds"]), (86401, ["timeoutSeconds"])]
)
def test_rule_6_affinity_lasts_from_a_second_to_a_day(timeout: int, fields: list[str]) -> None:
    config = {"clientIP": {"timeoutSeconds": timeout}}
    found = wrong(service(sessionAffinity="ClientIP", sessionAffinityConfig=config))
    assert [path.rpartition(".")[2] for path in found] == fields


def test_rule_6_without_affinity_there_is_no_configuration_of_it() -> None:
    new = service(sessionAffinity="None", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 5}})
    features = features_of()
    bare = defaulted(new)
    raw = replace(bare, spec=replace(bare.spec, session_affinity_config=new.spec.session_affinity_config))
    assert [e.path for e in service_errors(raw, None, features, allocated=False)] == ["spec.sessionAffinityConfig"]


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"externalTrafficPolicy": "Local"}, ["spec.externalTrafficPolicy"]),
        ({"externalTrafficPolicy": "Local", "externalIPs": ["203.0.113.9"]}, []),
        ({"externalTrafficPolicy": "Local", "type": "NodePort"}, []),
        ({"externalTrafficPolicy": "Nowhere", "type": "NodePort"}, ["spec.externalTrafficPolicy"]),
        (
            {"externalTrafficPolicy": "Cluster", "type": "LoadBalancer", "healthCheckNodePort": 30999},
            ["spec.healthCheckNodePort"],
        ),
        (
            {"externalTrafficPolicy": "Local", "type": "NodePort", "healthCheckNodePort": 30999},
            ["spec.healthCheckNodePort"],
        ),
    ],
)
def test_rule_7_etp_is_for_who_can_be_reached_from_outside(spec: Body, fields: list[str]) -> None:
    assert wrong(service(**spec)) == fields


def test_rule_7_a_health_check_node_port_comes_with_load_balancer_and_local_alone() -> None:
    api = Api()
    assert api.create(type="LoadBalancer", externalTrafficPolicy="Local")["healthCheckNodePort"] >= 30000
    assert "healthCheckNodePort" not in api.create("other", type="LoadBalancer")


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"internalTrafficPolicy": "Local"}, []),
        ({"internalTrafficPolicy": "Nowhere"}, ["spec.internalTrafficPolicy"]),
        ({"allocateLoadBalancerNodePorts": False}, ["spec.allocateLoadBalancerNodePorts"]),
        ({"allocateLoadBalancerNodePorts": False, "type": "LoadBalancer"}, []),
        ({"loadBalancerClass": "example.com/lb"}, ["spec.loadBalancerClass"]),
        ({"loadBalancerClass": "example.com/lb", "type": "LoadBalancer"}, []),
        ({"loadBalancerSourceRanges": ["10.0.0.0/8"]}, ["spec.LoadBalancerSourceRanges"]),
        ({"loadBalancerSourceRanges": [" 10.0.0.0/8 "], "type": "LoadBalancer"}, []),
        ({"loadBalancerSourceRanges": ["10.0.0.0"], "type": "LoadBalancer"}, ["spec.LoadBalancerSourceRanges[0]"]),
    ],
)
def test_rule_8_what_belongs_to_load_balancers_is_for_them_alone(spec: Body, fields: list[str]) -> None:
    assert wrong(service(**spec)) == fields


def test_rule_8_the_field_for_source_ranges_beats_the_annotation() -> None:
    annotation = {"service.beta.kubernetes.io/load-balancer-source-ranges": "nonsense"}
    path = "metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]"
    assert wrong(service(type="LoadBalancer", meta={"annotations": annotation})) == [path]
    ranges = {"loadBalancerSourceRanges": ["10.0.0.0/8"]}
    assert wrong(service(type="LoadBalancer", meta={"annotations": annotation}, **ranges)) == []


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "127.0.0.1", "::1", "169.254.1.1", "fe80::1", "224.0.0.1"])
def test_rule_9_external_ips_are_addresses_of_machines(address: str) -> None:
    assert wrong(service(externalIPs=[address])) == ["spec.externalIPs[0]"]
    assert wrong(service(externalIPs=["203.0.113.9", "2001:db8::9"])) == []


@pytest.mark.parametrize(("release", "fields"), [("1.35", []), ("1.36", ["spec.externalIPs[0]"])])
def test_rule_9_addresses_are_read_leniently_until_1_36(release: str, fields: list[str]) -> None:
    old = service(externalIPs=["203.000.113.009"])
    assert wrong(old, release=release) == fields
    assert wrong(old, old, release) == [], "what is stored already may stay"


@pytest.mark.parametrize(
    ("wish", "release", "fields"),
    [
        ("PreferClose", "1.31", []),
        ("PreferSameZone", "1.33", ["spec.trafficDistribution"]),
        ("PreferSameZone", "1.34", []),
        ("PreferSameNode", "1.34", []),
        ("PreferFar", NEWEST, ["spec.trafficDistribution"]),
    ],
)
def test_rule_10_what_traffic_distribution_may_say(wish: str, release: str, fields: list[str]) -> None:
    assert wrong(service(trafficDistribution=wish), release=release) == fields


@pytest.mark.parametrize(
    ("ingress", "fields"),
    [
        ({"ip": "203.0.113.9", "ipMode": "VIP"}, []),
        ({"ip": "203.0.113.9", "ipMode": "Sometimes"}, ["status.loadBalancer.ingress[0].ipMode"]),
        ({"hostname": "lb.example.com", "ipMode": "VIP"}, ["status.loadBalancer.ingress[0].ipMode"]),
        ({"hostname": "203.0.113.9"}, ["status.loadBalancer.ingress[0].hostname"]),
    ],
)
def test_a_balancers_status_has_an_ip_mode_with_each_ip(ingress: Body, fields: list[str]) -> None:
    new = service(type="LoadBalancer", status={"loadBalancer": {"ingress": [ingress]}})
    assert [error.path for error in status_errors(new, None, features_of())] == fields


# -- update -------------------------------------------------------------------------------------------------------

FIXED = {"clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}
BOTH = {
    **FIXED,
    "clusterIPs": ["10.96.0.9", "fd00::9"],
    "ipFamilies": ["IPv4", "IPv6"],
    "ipFamilyPolicy": "RequireDualStack",
}


def test_rule_11_a_cluster_ip_is_for_ever_unless_the_service_goes_to_or_from_external_name() -> None:
    other = {**FIXED, "clusterIP": "10.96.0.8", "clusterIPs": ["10.96.0.8"]}
    assert wrong(service(**other), service(**FIXED)) == ["spec.clusterIPs[0]"]
    named = service(type="ExternalName", externalName="db.example.com")
    assert wrong(named, service(**FIXED)) == wrong(service(**FIXED), named) == []


def test_rule_12_the_second_family_goes_with_single_stack_and_the_first_never() -> None:
    dropped = {**BOTH, "clusterIPs": ["10.96.0.9"], "ipFamilies": ["IPv4"]}
    assert set(wrong(service(**dropped), service(**BOTH))) == {"spec.ipFamilyPolicy"}
    assert wrong(service(**{**dropped, "ipFamilyPolicy": "SingleStack"}), service(**BOTH)) == []
    turned = {**FIXED, "clusterIP": "fd00::9", "clusterIPs": ["fd00::9"], "ipFamilies": ["IPv6"]}
    assert {path.partition("[")[0] for path in wrong(service(**turned), service(**BOTH))} == {
        "spec.clusterIPs",
        "spec.ipFamilies",
    }


def test_rule_13_class_and_health_check_port_are_fixed_while_they_are_of_use() -> None:
    balanced = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 30999}
    moved = service(**{**balanced, "healthCheckNodePort": 30998})
    assert wrong(moved, service(**balanced)) == ["spec.healthCheckNodePort"]
    classed = service(type="LoadBalancer", loadBalancerClass="example.com/a")
    other = service(type="LoadBalancer", loadBalancerClass="example.com/b")
    assert "spec.loadBalancerClass" in wrong(other, classed)
    assert wrong(service(type="NodePort"), classed) == []


def test_rule_14_what_a_put_leaves_out_stays() -> None:
    api = Api()
    made = api.create(type="LoadBalancer", externalTrafficPolicy="Local", ports=[{"name": "a", "port": 80}])
    put = api.put(type="LoadBalancer", externalTrafficPolicy="Local", ports=[{"name": "a", "port": 8080}])
    kept = ("clusterIP", "clusterIPs", "healthCheckNodePort")
    assert [put[key] for key in kept] == [made[key] for key in kept]
    assert put["ports"][0]["nodePort"] == made["ports"][0]["nodePort"]


def test_rule_14_a_new_type_wipes_what_was_sent_unchanged_and_refuses_what_was_not() -> None:
    api = Api()
    made = api.create(type="NodePort")
    api.refuses(api.put, type="ClusterIP", ports=[{"port": 80, "nodePort": 31999}])
    put = api.put(type="ClusterIP", ports=made["ports"], externalTrafficPolicy="Cluster")
    assert "nodePort" not in put["ports"][0]
    assert "externalTrafficPolicy" not in put
