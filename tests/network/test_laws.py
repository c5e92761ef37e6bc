"""Laws of the network: what holds of chance, of explanations and of rule tables in any state at all."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.kube.kinds.service import Service
from lab.network.builder import RuleBuilder
from lab.network.endpoints import EndpointInfo
from lab.network.explanation import Explanation
from lab.network.flow import Flow
from lab.network.node_facts import IPTABLES, NFTABLES, NodeFacts
from lab.network.packet import DELIVER, PASS, Packet
from lab.network.program import written
from lab.network.router import route
from lab.network.rule_table import RuleTable
from lab.network.service_rules import ServicePortRule
from tests.network.program import walk_iptables, walk_nftables
from tests.network.small_cluster import WEB_IP, SmallCluster, endpoint
from tests.network.test_builder import service, slice_
from tests.network.test_memory import MODES, POLICIES, Story
from tests.network.test_memory import events as happenings

# -- chance ------------------------------------------------------------------------------------------------------

CRITICAL = {2: 10.828, 3: 13.816, 5: 18.467, 8: 24.322}
"""Of chi-square at p = 0.001, by the number of endpoints: 1, 2, 4 and 7 degrees of freedom."""
DRAWS = 20_000


def chi_square(seen: Counter[str], stated: dict[str, float]) -> float:
    """How far what was seen is from what was stated; nothing may be seen that was not stated."""
    assert not seen.keys() - stated.keys()
    total = sum(seen.values())
    return sum((seen[key] - total * odds) ** 2 / (total * odds) for key, odds in stated.items())


@pytest.mark.parametrize("mode", [IPTABLES, NFTABLES])
@pytest.mark.parametrize("count", list(CRITICAL))
def test_choices_are_as_frequent_as_the_printed_rules_state(mode: str, count: int) -> None:
    ready = [EndpointInfo(f"10.244.0.{i}:80", f"10.244.0.{i}", 80, "w1") for i in range(1, count + 1)]
    other = EndpointInfo("10.244.0.99:80", "10.244.0.99", 80, "w1", "", False, False, False)
    rule = ServicePortRule("default/web", "", "TCP", 80, WEB_IP, endpoints=(*ready[:1], other, *ready[1:]))
    table = RuleTable().with_service(rule.service, (rule,))
    node = NodeFacts("w1", "", ("172.18.0.11",), mode=mode)
    packet = Packet("10.244.0.200", 40000, WEB_IP, 80)
    walker = walk_iptables.Walker if mode == IPTABLES else walk_nftables.Walker
    ends = walker(written(table, node, "IPv4"), list(node.ips)).walk(packet)
    stated = {end.endpoint: end.probability for end in ends}
    assert len(stated) == count
    assert sum(stated.values()) == pytest.approx(1.0)
    random, seen = Random(f"{mode}/{count}"), Counter[str]()
    for _ in range(DRAWS):
        chosen = route(table, node, packet, random.random()).endpoint
        assert chosen is not None
        seen[chosen.address] += 1
    assert chi_square(seen, stated) < CRITICAL[count]


@pytest.mark.parametrize("mode", [IPTABLES, NFTABLES])
def test_connections_of_a_cluster_are_as_frequent_too(mode: str) -> None:
    """With the node's own chance, and the ways that it remembers."""
    cluster = SmallCluster(2, mode=mode, seed=3).web()
    cluster.slice("web", *(endpoint(f"10.244.1.{i}", 2) for i in range(2, 7)))
    client = cluster.run().pod("client", 1, "10.244.0.9")
    seen = Counter(cluster.connect(client).decision.endpoint for _ in range(3_000))
    assert chi_square(seen, {f"10.244.1.{i}:8080": 1 / 5 for i in range(2, 7)}) < CRITICAL[5]


# -- explanations ------------------------------------------------------------------------------------------------


def check_explanation(flow: Flow, told: Explanation | None) -> None:
    """The router, asked again, says what the decision says."""
    decision = flow.decision
    assert told is not None
    assert told.decision == decision
    assert told.hops == decision.hops
    if not told.steps:
        assert (decision.endpoint, decision.masquerade, decision.table) == ("", False, 0)
        return
    assert told.table == decision.table
    said = {step.stage: step.text for step in told.steps}
    verdict, _, reason = said["verdict"].partition(":")[0].partition(" ")
    if (verdict, reason) != (decision.verdict, f"({decision.reason})"):
        # The rules let it go, and it came to grief on its way or at its end.
        assert verdict in (DELIVER, PASS), (said, decision)
    assert (told.after.destination if told.after else "") == decision.endpoint
    assert ("masquerade" in said and not said["masquerade"].startswith("none")) == decision.masquerade
    if decision.endpoint:
        assert decision.endpoint in [each.address for each in told.candidates if each.eligible]


@settings(max_examples=50, deadline=None)
@given(st.lists(happenings, max_size=5), st.sampled_from(POLICIES), st.sampled_from(MODES))
def test_an_explanation_is_of_the_decision_that_was_made(
    events: list[tuple[Any, ...]], policy: dict[str, Any], mode: str
) -> None:
    story = Story(policy, mode, remembers=True)
    for event in events:
        story.happen(*event)
    for flow, _ in story.probe(times=2):
        check_explanation(flow, story.cluster.network.explain(flow.decision.id))


# -- rule tables -------------------------------------------------------------------------------------------------

NAMES = ("web", "api", "db")
KINDS = ("plain", "ports", "node port", "balancer", "external", "affinity", "headless")
ADDRESSES = ("10.244.0.2", "10.244.0.3", "10.244.1.2")
changes = st.one_of(
    st.tuples(st.just("service"), st.sampled_from(NAMES), st.sampled_from(KINDS)),
    st.tuples(
        st.just("slice"),
        st.sampled_from(NAMES),
        st.tuples(st.sampled_from("ab"), st.lists(st.sampled_from(ADDRESSES), unique=True)),
    ),
    st.tuples(st.just("forget"), st.integers(0, 20), st.none()),
)


def spec_of(kind: str, number: int) -> dict[str, Any]:
    """Node ports belong to one Service alone, as the API server sees to; external IPs may be claimed by several."""
    specs: dict[str, dict[str, Any]] = {
        "plain": {},
        "ports": {"ports": [{"name": "http", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"}]},
        "node port": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080 + number}]},
        "balancer": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",
            "healthCheckNodePort": 32000 + number,
        },
        "external": {"externalIPs": ["203.0.113.99"]},
        "affinity": {"sessionAffinity": "ClientIP"},
        "headless": {"clusterIP": "None"},
    }
    return specs[kind]


def changed(what: str, which: str, how: Any) -> Any:
    """The Service or slice of a change as it is now."""
    if what == "slice":
        return slice_(which, how[0], *how[1])
    number = NAMES.index(which) + 1
    return service(which, number, **spec_of(how, number))


def meaning(table: RuleTable) -> dict[str, Any]:
    """All that a table says, without its version."""

    def known(value: Any) -> Any:
        if isinstance(value, ServicePortRule):
            return [getattr(value, name) for name in ServicePortRule.__struct_fields__ if name != "plans"]
        return [known(each) for each in value] if isinstance(value, tuple) else value

    entries = {name: getattr(table, name) for name in RuleTable.__struct_fields__ if name != "version"}
    return {name: {key: known(value) for key, value in entry.items()} for name, entry in entries.items()}


def scratch(objects: dict[tuple[str, str], Any]) -> RuleTable:
    builder = RuleBuilder()
    for key in sorted(objects):
        builder.apply(objects[key])
    builder.refresh()
    return builder.table


@settings(max_examples=50, deadline=None)
@given(st.lists(changes, max_size=20))
def test_a_table_built_step_by_step_is_the_one_built_from_scratch(changes: list[tuple[Any, ...]]) -> None:
    builder, objects = RuleBuilder(), dict[tuple[str, str], Any]()
    for what, which, how in changes:
        before = builder.table
        if what == "forget":
            if not objects:
                continue
            obj = objects.pop(sorted(objects)[which % len(objects)])
        else:
            obj = changed(what, which, how)
            objects[obj.kind, obj.name] = obj
        builder.apply(obj, deleted=what == "forget")
        builder.refresh()
        touched = f"default/{obj.name if isinstance(obj, Service) else obj.service}"
        for name, rules in before.services.items():
            assert name == touched or builder.table.services[name] is rules
        assert meaning(builder.table) == meaning(scratch(objects))
