"""Rings of what was newest in the journal."""

from msgspec.structs import replace

from lab.journal import Journal, NetworkChanged, Noted, RequestFinished
from lab.tui.logs import EventLog, RoutingLog
from tests.views.test_decision_rows import ANSWER, DECISION


def test_a_decision_and_its_request_become_one_row() -> None:
    journal = Journal()
    log = RoutingLog(journal)
    journal.append(DECISION)
    assert log.collect()
    assert log.rows[0].finished is None
    journal.append(ANSWER)
    assert log.collect()
    assert [row.finished for row in log.rows] == [ANSWER]
    assert not log.collect()


def test_a_request_without_a_decision_has_a_row_of_its_own() -> None:
    journal = Journal()
    log = RoutingLog(journal)
    journal.append(RequestFinished(1.0, 2, 0, "pod/default/client", "wbe", "", 0, "nxdomain", 0.001))
    log.collect()
    assert log.rows[0].decision is None


def test_the_ring_keeps_the_newest() -> None:
    journal = Journal()
    log = RoutingLog(journal, kept=10)
    for number in range(1, 26):
        journal.append(replace(DECISION, id=number))
        log.collect()
    assert [row.decision.id for row in log.rows if row.decision] == list(range(16, 26))
    assert log.seen == 25


def test_nothing_is_listened_to_after_close() -> None:
    journal = Journal()
    log = RoutingLog(journal)
    log.close()
    journal.append(DECISION)
    assert not log.collect()


def test_the_same_said_again_makes_a_count() -> None:
    journal = Journal()
    log = EventLog(journal)
    for time in (1.0, 2.0, 3.0):
        journal.append(Noted(time, "Warning", "BackOff", "Pod", "default", "web-1", "restarting"))
    journal.append(NetworkChanged(4.0, "node/worker-1", "off"))
    log.collect()
    assert [(happening.times, happening.event.time) for happening in log.happenings] == [(3, 3.0), (1, 4.0)]
