"""The journal: typed events in order, their hash, who listens, and nothing lost silently."""

from __future__ import annotations

import hashlib
import io

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.journal import Checked, CommandGiven, Event, Journal, Narrated, Noted, ObjectChanged, RequestFinished


def noted(moment):
    return Narrated(time=float(moment), text=f"event {moment}")


def test_events_are_read_in_the_order_they_were_appended():
    journal = Journal()
    events = [noted(moment) for moment in range(5)]
    for event in events:
        journal.append(event)
    assert len(journal) == 5
    assert journal.read() == (events, 5, 0)
    assert list(journal.tail()) == events[::-1]


def test_reading_on_from_a_position():
    journal = Journal()
    journal.append(noted(1))
    events, position, lost = journal.read()
    assert (len(events), position, lost) == (1, 1, 0)
    assert journal.read(position) == ([], 1, 0)
    journal.append(noted(2))
    assert journal.read(position) == ([noted(2)], 2, 0)


def test_a_reader_is_told_how_many_events_have_left_memory():
    journal = Journal(kept=10)
    for moment in range(25):
        journal.append(noted(moment))
    events, position, lost = journal.read(3)
    assert [event.time for event in events] == list(range(15, 25))
    assert (position, lost) == (25, 12)
    assert journal.read(20).lost == 0
    assert len(journal) == 25


def test_listeners_hear_their_types_at_once_and_until_they_stop():
    journal, heard = Journal(), []
    stop = journal.listen(heard.append, Narrated, Checked)
    journal.append(noted(1))
    assert heard == [noted(1)]
    journal.append(CommandGiven(time=2.0, text="kubectl get pods", by="prompt"))
    journal.append(Checked(time=3.0, name="success", passed=True))
    assert [type(event) for event in heard] == [Narrated, Checked]
    stop()
    journal.append(noted(4))
    assert len(heard) == 2


def test_a_listener_may_append_and_stop_listening():
    journal, heard = Journal(), []

    def once(event):
        heard.append(event)
        stop()
        journal.append(Checked(time=event.time, name="seen", passed=True))

    stop = journal.listen(once, Narrated)
    journal.listen(heard.append, Narrated)
    journal.append(noted(1))
    journal.append(noted(2))
    assert heard == [noted(1), noted(1), noted(2)]
    assert [type(event) for event in journal.read().events] == [Narrated, Checked, Narrated]


def test_the_digest_is_over_the_bytes_that_are_written():
    journal, sink = Journal(), io.BytesIO()
    journal.write_to(sink)
    for moment in range(1000):
        journal.append(noted(moment))
    journal.close()
    assert journal.digest == hashlib.sha256(sink.getvalue()).hexdigest()


def test_a_sink_gets_what_comes_after_it():
    journal, sink = Journal(), io.BytesIO()
    journal.append(noted(1))
    journal.write_to(sink)
    journal.append(noted(2))
    journal.close()
    assert sink.getvalue() == msgspec.msgpack.encode(noted(2))


@pytest.mark.parametrize(
    ("event", "tag"),
    [
        (ObjectChanged(time=0.0, change="ADDED", kind="Pod", namespace="default", name="web", version=1), "object"),
        (Noted(time=0.0, type="Normal", reason="Pulled", kind="Pod", namespace="d", name="web", message="m"), "noted"),
    ],
)
def test_an_event_says_what_it_is(event, tag):
    assert msgspec.to_builtins(event)["event"] == tag
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=type(event)) == event


def test_every_type_of_event_has_a_tag_of_its_own():
    tags = [kind.__struct_config__.tag for kind in Event.__subclasses__()]
    assert len(set(tags)) == len(tags) > 5


requests = st.builds(
    RequestFinished,
    time=st.floats(0, 1000),
    id=st.integers(1, 10**9),
    decision=st.integers(0, 10**9),
    client=st.text(max_size=5),
    service=st.text(max_size=5),
    pod=st.text(max_size=5),
    status=st.integers(0, 599),
    outcome=st.sampled_from(["ok", "timeout"]),
    latency_s=st.floats(0, 10),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(requests, max_size=40), st.lists(st.integers(0, 40), max_size=5))
def test_equal_events_have_an_equal_digest_whenever_it_is_asked(events, moments):
    often, once = Journal(), Journal()
    for position, event in enumerate(events):
        often.append(event)
        once.append(event)
        if position in moments:
            assert often.digest
    assert often.digest == once.digest
    if events:
        once.append(events[0])
        assert often.digest != once.digest
