"""Faults that come again and again: by the clock, drawn by the seed, mended each in its time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.engine import Engine
from lab.journal import CommandGiven
from tests.commands.test_on_engine import give, ok, start


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = start()
    yield made
    made.close()


def by_clock(engine: Engine, word: str = "") -> list[tuple[float, str]]:
    events = engine.journal.read().events
    return [(e.time, e.text) for e in events if isinstance(e, CommandGiven) and e.by == "clock" and word in e.text]


def test_one_of_the_commands_is_given_every_so_often(engine: Engine) -> None:
    ok(engine, 'lab chaos --every=20s --each=5s "lab fail node/worker-1" "lab cut link zone-a internet"', 100.0)
    broke = by_clock(engine, "--for=5s")
    assert [time for time, _ in broke] == [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    assert {text for _, text in broke} == {
        "lab fail node/worker-1 --for=5s",
        "lab cut link zone-a internet --for=5s",
    }
    mended = [time for time, text in by_clock(engine) if "recover" in text or "heal" in text]
    assert mended == [5.0, 25.0, 45.0, 65.0, 85.0]


def test_without_commands_everything_can_break_and_the_seed_decides(engine: Engine) -> None:
    again, other = start(), start(seed=2)
    drawn = []
    for one in (engine, again, other):
        ok(one, "lab chaos --every=10s --each=3s", 200.0)
        drawn.append([text for _, text in by_clock(one, "--for=3s")])
    again.close()
    other.close()
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == 21
    assert len({text.split()[1] for text in drawn[0]}) >= 4, "of many sorts"
    assert not any("kube-system" in text or "chaos" in text for text in drawn[0])


def test_it_ends_when_it_is_stopped_and_what_was_broken_is_mended_in_its_time(engine: Engine) -> None:
    ok(engine, 'lab chaos --every=20s --each=5s "lab fail node/worker-1"', 41.0)
    assert ok(engine, "lab chaos stop") == ["chaos stopped"]
    assert ok(engine, "lab chaos stop") == ["there is no chaos"]
    engine.run_for(60.0)
    assert len(by_clock(engine, "lab fail")) == 3
    assert ok(engine, "lab faults") == ["Nothing is broken."]


def test_it_can_have_an_end(engine: Engine) -> None:
    ok(engine, 'lab chaos --every=20s --each=5s --for=30s "lab fail node/worker-1"', 200.0)
    assert len(by_clock(engine, "lab fail")) == 2


def test_lab_mend_ends_it(engine: Engine) -> None:
    ok(engine, 'lab chaos --every=20s --each=5s "lab fail node/worker-1"', 1.0)
    assert "lab chaos stop" in "\n".join(ok(engine, "lab faults"))
    ok(engine, "lab mend", 60.0)
    assert len(by_clock(engine, "lab fail")) == 1


def test_a_node_flaps_until_it_is_steady(engine: Engine) -> None:
    ok(engine, "lab flap node/worker-2 --every=30s --each=5s", 62.0)
    assert [time for time, _ in by_clock(engine, "lab fail node/worker-2")] == [0.0, 30.0, 60.0]
    assert not engine.control_plane.kubelets["worker-2"].powered
    ok(engine, "lab steady worker-2", 60.0)
    assert engine.control_plane.kubelets["worker-2"].powered
    assert len(by_clock(engine, "lab fail node/worker-2")) == 3


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("lab chaos --every=30s", 'required flag "--each" is not set'),
        ("lab chaos --every=0s --each=1s", "0.1s is the shortest time"),
        ('lab chaos --every=9s --each=1s "lab fial node/worker-1"', 'unknown command "fial"'),
        ('lab chaos --every=9s --each=1s "lab fail node/worker-9"', 'nodes "worker-9" not found'),
        ('lab chaos --every=9s --each=1s "kubectl get pods"', "breaks nothing that is mended by itself"),
        ('lab chaos --every=9s --each=1s "lab crash pod/client"', "breaks nothing that is mended by itself"),
        ('lab chaos --every=9s --each=1s "lab chaos --every=1s --each=1s"', "breaks nothing that is mended by itself"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(engine: Engine, text: str, error: str) -> None:
    assert error in give(engine, text).error


def test_a_node_that_flaps_is_on_between(engine: Engine) -> None:
    assert "--each has to be shorter" in give(engine, "lab flap node/worker-2 --every=5s --each=5s").error
    assert ok(engine, "lab faults") == ["Nothing is broken."]


@pytest.mark.parametrize(("line", "hint"), [("lab frail worker-1", "fail"), ("lab fail wroker-1", "worker-1")])
def test_what_is_wrong_within_quotes_gets_the_nearest_name(engine: Engine, line: str, hint: str) -> None:
    error = give(engine, f'lab chaos --every=5s --each=1s "{line}"').error
    assert error.endswith(f'did you mean "{hint}"?')
