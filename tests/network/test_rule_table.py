"""Rule tables: persistent, incremental, and the same whatever order the events came in."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.network.rule_table import RuleTable
from lab.network.service_rules import ServicePortRule

SHARED = "192.168.50.5"


def rule(name: str, number: int, **more: object) -> ServicePortRule:
    return ServicePortRule(f"default/{name}", "", "TCP", 80, f"10.96.0.{number}", **more)  # type: ignore[arg-type]


def test_a_newer_table_leaves_the_older_one_alone() -> None:
    old = RuleTable().with_service("default/a", (rule("a", 1),))
    new = old.with_service("default/a", ())
    assert ("10.96.0.1", "TCP", 80) in old.addresses
    assert len(new.addresses) == len(new.services) == len(new.cluster_ips) == 0
    assert (old.version, new.version) == (1, 2)


def test_exchanging_rules_takes_every_address_of_the_old_ones_away() -> None:
    first = rule(
        "a", 1, node_port=30080, external_ips=(SHARED,), load_balancer_ips=("203.0.113.10",), health_check_port=30999
    )
    table = RuleTable().with_service("default/a", (first,)).with_service("default/a", (rule("a", 2),))
    assert [key[0] for key in table.addresses] == ["10.96.0.2"]
    assert len(table.node_ports) == len(table.health_check_ports) == 0


@settings(max_examples=40, deadline=None)
@given(st.permutations(["a", "b", "c", "a-gone", "b-gone"]))
def test_the_first_service_by_name_holds_a_contested_address(steps: list[str]) -> None:
    table, present = RuleTable(), {}
    for step in steps:
        name, _, gone = step.partition("-")
        number = ord(name)
        present[name] = None if gone else rule(name, number, external_ips=(SHARED,))
        table = table.with_service(f"default/{name}", () if gone else (present[name],))  # type: ignore[arg-type]
        holders = sorted(name for name, held in present.items() if held is not None)
        match = table.addresses.get((SHARED, "TCP", 80))
        assert (match.rule.service if match else None) == (f"default/{holders[0]}" if holders else None)
    assert len(table.contested) <= 1
