"""Links: latencies, losses, cuts and partitions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.kube.errors import LabError
from lab.network.changes import Changes
from lab.network.quality import Quality
from lab.network.topology import Topology
from lab.settings import Settings

NODE, ZONE, INTERNET = 0.0001, 0.0004, 0.01


def made() -> Topology:
    topology = Topology(Settings(), Changes())
    for name, zone in (("w1", "a"), ("w2", "a"), ("w3", "b"), ("w4", "c"), ("w5", "")):
        topology.add_node(name, zone)
    topology.add_load_balancer("203.0.113.10")
    return topology


@pytest.mark.parametrize(
    ("a", "b", "latency_s"),
    [
        ("node/w1", "node/w1", 0.0),
        ("node/w1", "node/w2", 2 * NODE),
        ("node/w1", "node/w3", 2 * NODE + ZONE),
        ("node/w1", "node/w5", 2 * NODE + ZONE),
        ("internet", "node/w1", INTERNET + NODE),
        ("internet", "lb/203.0.113.10", INTERNET),
        ("lb/203.0.113.10", "node/w3", 2 * NODE),
    ],
)
def test_latency_adds_up_over_the_links(a: str, b: str, latency_s: float) -> None:
    path = made().path(a, b)
    assert path is not None
    assert path.latency_s == pytest.approx(latency_s)
    assert (path.hops[0], path.hops[-1], path.loss) == (a, b, 0.0)


def test_a_node_without_its_uplink_reaches_nobody() -> None:
    topology = made()
    assert topology.cut("w1", "zone/a") == ("node/w1", "zone/a")
    assert topology.path("node/w1", "node/w2") is None
    assert topology.path("node/w1", "node/w3") is None
    assert topology.path("node/w2", "node/w3") is not None


def test_cut_zones_are_not_joined_through_a_third() -> None:
    topology = made()
    topology.cut("a", "b")
    assert topology.path("node/w1", "node/w3") is None
    assert topology.path("node/w1", "node/w4") is not None
    assert topology.down() == [("zone/a", "zone/b")]


def test_two_nodes_without_a_link_of_their_own_are_kept_apart() -> None:
    topology = made()
    topology.cut("w1", "w3")
    assert topology.path("node/w1", "node/w3") is None
    assert topology.path("node/w3", "node/w1") is None
    assert topology.path("node/w2", "node/w3") is not None


def test_a_node_and_the_internet_are_kept_apart_without_touching_load_balancers() -> None:
    topology = made()
    topology.cut("w1", "internet")
    assert topology.path("internet", "node/w1") is None
    assert topology.path("lb/203.0.113.10", "node/w1") is not None


def test_loss_is_the_chance_to_be_lost_on_any_link() -> None:
    topology = made()
    topology.impair("w1", "w2", Quality(loss=0.5))
    topology.impair("w2", "", Quality(loss=0.5, latency_s=0.2))
    path = topology.path("node/w1", "node/w2")
    assert path is not None
    assert path.loss == pytest.approx(0.75)
    assert path.latency_s == pytest.approx(0.2 + 2 * NODE)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ("w9", "a", 'no node, zone or "internet" is named "w9"'),
        ("worker", "a", "is named"),
        ("w1", "node/w1", "both are node/w1"),
        ("interet", "a", 'did you mean "internet"?'),
    ],
)
def test_names_that_make_no_link_are_told(a: str, b: str, message: str) -> None:
    with pytest.raises(LabError, match=message.replace("?", r"\?")):
        made().cut(a, b)


def test_impairments_are_met_by_what_passes_between_their_ends_alone() -> None:
    topology = made()
    before = topology.path("node/w1", "node/w3")
    topology.impair("a", "b", Quality(latency_s=0.05, jitter_s=0.01, bytes_per_s=1000.0))
    topology.impair("w1", "internet", Quality(bytes_per_s=500.0))
    across, inside, out = (topology.path("node/w1", end) for end in ("node/w3", "node/w2", "internet"))
    assert before is not None
    assert across is not None
    assert inside is not None
    assert out is not None
    assert across.latency_s == pytest.approx(before.latency_s + 0.05)
    assert (across.quality.jitter_s, across.quality.bytes_per_s, across.impaired) == (0.01, 1000.0, True)
    assert not inside.impaired
    assert out.quality.bytes_per_s == 500.0
    topology.restore("b", "a")
    assert topology.path("node/w3", "node/w1") == topology.path("node/w1", "node/w3")._replace(
        hops=("node/w3", "zone/b", "zone/a", "node/w1")
    )
    assert topology.path("node/w1", "node/w3") == before


def test_all_that_a_node_sends_and_gets_is_impaired_once() -> None:
    topology = made()
    topology.impair("w1", "", Quality(loss=0.1))
    path = topology.path("node/w1", "internet")
    assert path is not None
    assert path.loss == pytest.approx(0.1)
    assert topology.path("node/w2", "internet").loss == 0.0


def test_every_change_grows_the_version() -> None:
    topology = made()
    versions = [topology.changes.count]
    for change in (topology.cut, topology.heal):
        change("a", "b")
        versions.append(topology.changes.count)
    topology.add_node("w1", "a")
    assert versions == sorted(set(versions))
    assert topology.changes.count == versions[-1]
    topology.add_node("w1", "b")
    assert topology.changes.count > versions[-1]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["w1", "w3", "a", "b", "internet"]), st.sampled_from(["w2", "w4", "c"]))))
def test_healing_every_cut_restores_every_path(pairs: list[tuple[str, str]]) -> None:
    topology, whole = made(), made()
    for a, b in pairs:
        topology.cut(a, b)
    for a, b in pairs:
        topology.heal(a, b)
    nodes = [f"node/w{number}" for number in range(1, 6)]
    assert topology.down() == []
    assert all(topology.path(a, b) == whole.path(a, b) for a in nodes for b in nodes)
