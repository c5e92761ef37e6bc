"""Connection tracking: entries end by themselves, and never grow without bound."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from lab.clock import Clock
from lab.journal import Decision
from lab.network.arrival import Arrival
from lab.network.conntrack import AffinityTable, Conntrack
from lab.network.flow import Flow
from lab.network.packet import Packet
from lab.network.service_rules import ServicePortRule
from lab.network.way import Way
from lab.settings import Settings

RULE = ServicePortRule("default/web", "", "TCP", 80, "10.96.0.12", affinity_s=10.0)


def flow(number: int, protocol: str = "TCP", endpoint: str = "10.244.0.2:80") -> Flow:
    packet = Packet("10.244.0.9", number, "10.96.0.12", 80, protocol)
    decision = Decision(
        0.0, number, "pod/default/client", "w1", *astuple(packet), "web", "default/web", endpoint, "", "deliver", ""
    )
    way = Way("deliver", "")
    arrival = Arrival(way, (), "w1", packet.src_ip, "deliver", "")
    return Flow(decision, packet, arrival, way, True)


def table(**changes: int) -> Conntrack:
    return Conntrack(Settings(**changes))


def test_a_closed_tcp_flow_stays_in_time_wait() -> None:
    conntrack, one = table(), flow(1)
    conntrack.opened(one, 0.0)
    conntrack.closed(one, 10.0)
    assert conntrack.has_room(129.0)
    assert len(conntrack) == 1
    assert conntrack.has_room(130.0)
    assert len(conntrack) == 0


def test_a_new_connection_on_the_same_ports_takes_the_place_of_a_closing_one() -> None:
    conntrack, old, new = table(), flow(1), flow(1)
    conntrack.opened(old, 0.0)
    conntrack.closed(old, 1.0)
    conntrack.opened(new, 2.0)
    conntrack.has_room(1000.0)
    assert conntrack.flows == {new.packet: new}


def test_udp_lives_30_s_and_as_a_stream_that_was_answered_120_s() -> None:
    conntrack, single, stream = table(), flow(1, "UDP"), flow(2, "UDP")
    for one in (single, stream):
        conntrack.opened(one, 0.0)
    conntrack.closed(stream, 1.0, "ok")
    assert stream.expires_s == 31.0
    assert conntrack.known(stream.packet, 5.0) is stream
    assert stream.expires_s == 125.0
    assert conntrack.known(single.packet, 29.0) is single
    assert conntrack.known(single.packet, 58.0) is single
    assert conntrack.known(single.packet, 89.0) is None
    assert conntrack.known(stream.packet, 124.0) is stream
    assert conntrack.known(stream.packet, 245.0) is None


def test_how_a_connection_ended_tells_how_long_it_is_remembered() -> None:
    for outcome, state, left_s in (
        ("ok", "TIME_WAIT", 120),
        ("error", "TIME_WAIT", 120),
        ("reset", "CLOSE", 10),
        ("refused", "CLOSE", 10),
        ("timeout", "FIN_WAIT", 120),
    ):
        conntrack, one = table(), flow(1)
        conntrack.opened(one, 0.0)
        conntrack.closed(one, 5.0, outcome)
        assert one.state == state
        conntrack.has_room(5.0 + left_s - 0.1)
        assert len(conntrack) == 1
        conntrack.has_room(5.0 + left_s)
        assert len(conntrack) == 0


def test_a_syn_without_a_reply_is_remembered_120_s_after_it_was_last_repeated() -> None:
    conntrack, patient, hasty = table(), flow(1), flow(2)
    for one in (patient, hasty):
        one.open = False
        conntrack.opened(one, 0.0)
    conntrack.gave_up(hasty, 5.0)
    assert (patient.expires_s, hasty.expires_s) == (183.0, 123.0)
    assert conntrack.known(hasty.packet, 100.0) is hasty
    assert hasty.expires_s == 220.0
    established = flow(3)
    conntrack.opened(established, 0.0)
    assert conntrack.known(established.packet, 1.0) is None


def test_an_established_connection_that_nobody_uses_goes_when_the_table_is_full_after_a_day() -> None:
    conntrack = table(conntrack_max=1)
    conntrack.opened(flow(1), 0.0)
    assert not conntrack.has_room(86399.0)
    assert conntrack.has_room(86401.0)


def test_only_udp_entries_are_deleted() -> None:
    conntrack = table()
    lost, kept, tcp = flow(1, "UDP"), flow(2, "UDP"), flow(3)
    for one in (lost, kept, tcp):
        conntrack.opened(one, 0.0)
    assert conntrack.delete_udp(lambda one: one.packet.src_port != 2) == 1
    assert list(conntrack.flows) == [kept.packet, tcp.packet]


def test_a_full_table_counts_whom_it_turned_away() -> None:
    conntrack = table(conntrack_max=1)
    conntrack.opened(flow(1), 0.0)
    assert not conntrack.has_room(0.0)
    assert conntrack.full == 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["TCP", "UDP"]), st.floats(0.01, 20)), max_size=200))
def test_it_holds_no_more_than_what_has_not_ended(steps: list[tuple[str, float]]) -> None:
    conntrack, now, ends = table(conntrack_max=50), 0.0, []
    for number, (protocol, wait) in enumerate(steps):
        now += wait
        if conntrack.has_room(now):
            one = flow(number, protocol)
            conntrack.opened(one, now)
            conntrack.closed(one, now)
            ends.append(now + (30.0 if protocol == "UDP" else 120.0))
        assert sum(end > now for end in ends) <= len(conntrack) <= 50
    conntrack.has_room(now + 1000.0)
    for _ in range(60):
        conntrack.has_room(now + 1000.0)
    assert len(conntrack) == 0


def test_rule_37_affinity_slides_with_every_connection() -> None:
    clock = Clock()
    affinity = AffinityTable(clock)
    assert affinity(RULE, "10.0.0.1") == ""
    for _ in range(5):
        affinity.remember(RULE, "10.0.0.1", "10.244.0.2:80")
        clock.run_until(clock.time() + 9)
        assert affinity(RULE, "10.0.0.1") == "10.244.0.2:80"
    assert affinity(RULE, "10.0.0.2") == ""
    clock.run_until(clock.time() + 2)
    assert affinity(RULE, "10.0.0.1") == ""


def test_affinity_forgets_those_whose_time_is_over() -> None:
    clock = Clock()
    affinity = AffinityTable(clock)
    for number in range(5000):
        affinity.remember(RULE, f"10.0.{number >> 8}.{number & 255}", "10.244.0.2:80")
        if number == 4000:
            clock.run_until(11)
    assert len(affinity) < 1000
