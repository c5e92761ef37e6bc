"""What all NetworkPolicies together say to a connection, and who decided."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.clock import Clock
from lab.cluster.store import Change
from lab.kube.kinds.networkpolicy import NetworkPolicy
from lab.network.changes import Changes
from lab.network.policy import OWN_NODE, Policies, deciding
from lab.settings import Settings
from tests.network.policies import Plugin, namespace, pod, policy

WEB = pod("web", "10.244.0.2", app="web")
SHOP = pod("shop", "10.244.0.3", app="shop")
FAR = pod("far", "10.244.1.4", "other", app="shop")
WORLD = (WEB, SHOP, FAR, namespace("default"), namespace("other", team="red"))
SHOP_IP, FAR_IP, STRANGER = "10.244.0.3", "10.244.1.4", "198.51.100.7"

DENY = policy("deny", policyTypes=["Ingress", "Egress"])
ALLOW_SHOP = policy("allow-shop", ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "shop"}}}]}])
ALLOW_8080 = policy("allow-8080", ingress=[{"ports": [{"port": 8080}]}])


def test_policies_add_up() -> None:
    plugin = Plugin(*WORLD, DENY, ALLOW_SHOP, ALLOW_8080)
    assert plugin.lets_in(SHOP_IP, 9000)
    assert plugin.lets_in(STRANGER, 8080)
    assert not plugin.lets_in(STRANGER, 9000)


def test_the_first_policy_that_allows_is_named_and_all_that_isolate_where_none_does() -> None:
    plugin = Plugin(*WORLD, DENY, ALLOW_SHOP, ALLOW_8080)
    allowed, denied = (
        plugin.ingress("default/web", SHOP_IP, 8080, "TCP"),
        plugin.ingress("default/web", "1.2.3.4", 1, "TCP"),
    )
    assert allowed is not None
    assert denied is not None
    assert deciding([allowed]) == "default/allow-8080"
    assert deciding([denied]) == "default/allow-8080,default/allow-shop,default/deny"
    assert deciding([allowed, denied]) == deciding([denied]), "who denied it decided it"
    assert deciding([allowed, allowed]) == "default/allow-8080"
    assert str(allowed) == (
        "default/web is isolated for ingress, and NetworkPolicy default/allow-8080 allows it "
        "from 10.244.0.3 (default/shop)"
    )


def test_a_ruling_tells_its_story() -> None:
    plugin = Plugin(*WORLD, policy("deny", policyTypes=["Egress"]))
    denied = plugin.egress("default/web", SHOP_IP, 8080, "TCP")
    free = plugin.egress("other/far", STRANGER, 443, "TCP")
    assert str(denied) == (
        "default/web is isolated for egress by NetworkPolicy default/deny, which does not allow it "
        "to 10.244.0.3:8080 (default/shop)"
    )
    assert "no NetworkPolicy selects it" in str(free)


def test_a_policy_is_about_the_pods_of_its_own_namespace() -> None:
    plugin = Plugin(*WORLD, DENY)
    assert not plugin.lets_in(STRANGER, target="default/shop")
    assert plugin.lets_in(STRANGER, target="other/far")


def test_pods_of_the_hosts_network_are_neither_subject_nor_peer() -> None:
    spec = msgspec.structs.replace(WEB.spec, host_network=True)
    plugin = Plugin(msgspec.structs.replace(WEB, spec=spec), SHOP, DENY, ALLOW_SHOP)
    assert plugin.ingress("default/web", STRANGER, 80, "TCP") is None
    shop_on_host = msgspec.structs.replace(SHOP, spec=msgspec.structs.replace(SHOP.spec, host_network=True))
    plugin = Plugin(WEB, shop_on_host, DENY, ALLOW_SHOP)
    assert not plugin.lets_in(SHOP_IP, 9000)


def test_a_pod_and_itself_and_a_pod_and_its_own_node_are_never_kept_apart() -> None:
    plugin = Plugin(*WORLD, DENY)
    assert plugin.lets_in("10.244.0.2")
    assert plugin.lets_out("10.244.0.2")
    ruling = plugin.ingress("default/web", "172.18.0.11", 8080, "TCP", OWN_NODE)
    assert ruling is not None
    assert (ruling.allowed, ruling.policies) == (True, ())
    assert OWN_NODE in str(ruling)


def test_policies_pods_and_namespaces_come_change_and_go() -> None:
    plugin = Plugin()
    assert not plugin.active
    plugin.add(
        *WORLD, DENY, policy("red", ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"team": "red"}}}]}])
    )
    assert plugin.active
    assert plugin.lets_in(FAR_IP)
    plugin.add(namespace("other", team="blue"))
    assert not plugin.lets_in(FAR_IP)
    plugin.add(namespace("other", team="red"))
    plugin.remove(FAR)
    assert not plugin.lets_in(FAR_IP), "nobody has the address any more"
    plugin.add(pod("near", FAR_IP, app="shop"), ALLOW_SHOP)
    assert plugin.lets_in(FAR_IP), "another Pod has the address"
    plugin.remove(DENY).remove(ALLOW_SHOP).remove(policy("red"))
    assert not plugin.active
    assert plugin.lets_in(STRANGER)


def test_the_version_grows_only_when_a_ruling_may_change() -> None:
    plugin = Plugin(*WORLD)
    assert plugin.changes.count == 0, "without policies nothing is judged"
    plugin.add(DENY)
    before = plugin.changes.count
    plugin.add(pod("new", "10.244.0.9"))
    assert plugin.changes.count > before


def test_a_plugin_acts_a_moment_after_it_has_heard_and_only_on_what_matters() -> None:
    clock = Clock()
    plugin = Policies(clock, Settings(policy_sync_latency_s=0.5), Changes())
    for obj in (*WORLD, DENY):
        plugin.heard(Change("ADDED", None, obj))
    clock.run_until(0.4)
    assert not plugin.active
    clock.run_until(0.6)
    assert plugin.active
    before = plugin.changes.count
    status = msgspec.structs.replace(WEB.status, reason="Because")
    plugin.heard(Change("MODIFIED", WEB, msgspec.structs.replace(WEB, status=status)))
    clock.run_until(2.0)
    assert plugin.changes.count == before


# -- laws ---------------------------------------------------------------------------------------------------------

LABELS = st.dictionaries(st.sampled_from(["app", "tier"]), st.sampled_from(["web", "shop"]), max_size=2)
SELECTORS = LABELS.map(lambda labels: {"matchLabels": labels})
CIDRS = st.sampled_from(["0.0.0.0/0", "10.244.0.0/16", "10.244.1.0/24", "198.51.100.0/24", "172.18.0.0/24"])
PEERS = st.one_of(
    st.fixed_dictionaries({"podSelector": SELECTORS}),
    st.fixed_dictionaries({"namespaceSelector": SELECTORS}),
    st.fixed_dictionaries({"namespaceSelector": SELECTORS, "podSelector": SELECTORS}),
    st.fixed_dictionaries({"ipBlock": st.fixed_dictionaries({"cidr": CIDRS})}),
)
PORTS = st.fixed_dictionaries(
    {"port": st.sampled_from([53, 80, 8080, "http", "dns"]), "protocol": st.sampled_from(["TCP", "UDP"])}
)
INGRESS_RULES = st.lists(
    st.fixed_dictionaries({"from": st.lists(PEERS, max_size=2), "ports": st.lists(PORTS, max_size=2)}), max_size=2
)
EGRESS_RULES = st.lists(
    st.fixed_dictionaries({"to": st.lists(PEERS, max_size=2), "ports": st.lists(PORTS, max_size=2)}), max_size=2
)
TYPES = st.sampled_from([["Ingress"], ["Egress"], ["Ingress", "Egress"]])


@st.composite
def policies(draw: st.DrawFn, most: int = 4) -> list[NetworkPolicy]:
    return [
        policy(
            f"p{number}",
            draw(st.sampled_from(["default", "other"])),
            draw(LABELS),
            policyTypes=draw(TYPES),
            ingress=draw(INGRESS_RULES),
            egress=draw(EGRESS_RULES),
        )
        for number in range(draw(st.integers(0, most)))
    ]


ASKED = [
    (pod_name, ip, port, protocol)
    for pod_name in ("default/web", "default/shop", "other/far")
    for ip in ("10.244.0.2", SHOP_IP, FAR_IP, STRANGER, "172.18.0.12")
    for port, protocol in ((8080, "TCP"), (80, "TCP"), (53, "UDP"))
]


def verdicts(plugin: Plugin) -> list[tuple[bool, bool]]:
    return [
        (plugin.lets_in(ip, port, protocol, name), plugin.lets_out(ip, port, protocol, name))
        for name, ip, port, protocol in ASKED
    ]


def test_without_a_policy_everything_is_allowed() -> None:
    assert set(verdicts(Plugin(*WORLD))) == {(True, True)}


def test_a_default_deny_alone_denies_everything_but_itself() -> None:
    plugin = Plugin(*WORLD, DENY, policy("deny", "other", policyTypes=["Ingress", "Egress"]))
    own = {"default/web": "10.244.0.2", "default/shop": SHOP_IP, "other/far": FAR_IP}
    for (name, ip, _, _), found in zip(ASKED, verdicts(plugin), strict=True):
        assert found == ((True, True) if ip == own[name] else (False, False))


@settings(max_examples=50, deadline=None)
@given(policies(), st.randoms(use_true_random=False))
def test_the_order_of_policies_does_not_matter(made: list[NetworkPolicy], random: Any) -> None:
    shuffled = list(made)
    random.shuffle(shuffled)
    one, other = Plugin(*WORLD, *made), Plugin(*shuffled, *WORLD)
    for name, ip, port, protocol in ASKED:
        assert one.ingress(name, ip, port, protocol) == other.ingress(name, ip, port, protocol)
        assert one.egress(name, ip, port, protocol) == other.egress(name, ip, port, protocol)


@settings(max_examples=50, deadline=None)
@given(policies(3), INGRESS_RULES, EGRESS_RULES)
def test_one_more_rule_never_denies_more(made: list[NetworkPolicy], ingress: list[Any], egress: list[Any]) -> None:
    base = policy("base", policyTypes=["Ingress", "Egress"])
    richer = policy("base", policyTypes=["Ingress", "Egress"], ingress=ingress, egress=egress)
    before, after = verdicts(Plugin(*WORLD, *made, base)), verdicts(Plugin(*WORLD, *made, richer))
    for old, new in zip(before, after, strict=True):
        assert old[0] <= new[0]
        assert old[1] <= new[1]


@settings(max_examples=50, deadline=None)
@given(policies(), policies())
def test_what_was_learned_step_by_step_equals_what_is_learned_at_once(
    first: list[NetworkPolicy], then: list[NetworkPolicy]
) -> None:
    stepwise = Plugin(*WORLD, *first)
    verdicts(stepwise)
    for obj in first:
        stepwise.remove(obj)
    stepwise.add(*then)
    assert verdicts(stepwise) == verdicts(Plugin(*WORLD, *then))
