"""Judging expectations while a run goes on: windows are opened and closed, and moments looked at, on the clock."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lab.engine import Engine
from lab.journal import Checked
from lab.kube.errors import LabError
from lab.scenario import measures
from lab.scenario.aftermath import UNFINISHED, UNSENT, Aftermath
from lab.scenario.scenario import Expectation

LOOK_EVERY_S = 1.0
"""How often a condition that must hold throughout, or once, is looked at."""


@dataclass
class Check:
    """Something that is judged, and how it stands."""

    name: str
    passed: bool | None = None
    """None until it was judged."""
    message: str = ""
    at_s: float | None = None
    """When it was judged."""
    place: str = ""


class Judge:
    """Judges one expectation; `check` says how it stands."""

    def __init__(self, engine: Engine, expectation: Expectation) -> None:
        self.engine = engine
        self.expectation = expectation
        self.check = Check(label(expectation), place=expectation.place)
        self._opened: measures.Reading | None = None
        self._window: measures.Reading | None = None
        self._unsent = 0
        self._aftermath = Aftermath(engine, expectation.traffic, self._judge_window)

    def schedule(self) -> None:
        """Put everything that is to be looked at on the clock."""
        wanted, clock = self.expectation, self.engine.clock
        if wanted.expression.metric.about == "traffic":
            clock.at(wanted.from_s, self._open)
            clock.at(wanted.to_s, self._close)
        elif wanted.sooner or wanted.throughout:
            for second in _seconds(wanted.from_s, wanted.to_s):
                clock.at(second, self._look)
        else:
            clock.at(wanted.to_s, self._look)

    def _read(self) -> measures.Reading:
        groups = (self.expectation.traffic,) if self.expectation.traffic else ()
        return measures.read(self.engine.traffic.measure, self.engine.now, groups, self.expectation.service)

    def _count_unsent(self) -> int:
        """Requests that nobody was there to send; which Service they were for is only known of one's own traffic."""
        known = self.expectation.traffic or not self.expectation.service
        return sum(client.unsent for client in self._aftermath.clients()) if known else 0

    def _open(self) -> None:
        self._opened = self._read()
        self._unsent = self._count_unsent()

    def _close(self) -> None:
        assert self._opened is not None
        self._window = self._read().since(self._opened)
        self._unsent = self._count_unsent() - self._unsent
        self._aftermath.begin()

    def _judge_window(self) -> None:
        """Judge when what was due in the window has ended too: whoever still waits was not answered well."""
        assert self._window is not None
        service = self.expectation.service
        late = [result for result in self._aftermath.late if not service or result.service == service]
        window = self._window.with_late(late, {UNFINISHED: self._aftermath.unfinished, UNSENT: self._unsent})
        expression = self.expectation.expression
        value = measures.traffic_value(expression, window)
        if not window.summary.requests and expression.metric.unit in ("share", "duration"):
            self._decide(False, "there were no requests in this window")
        else:
            self._decide(expression.holds(value), expression.show(value))

    def _look(self) -> None:
        if self.check.passed is not None:
            return
        wanted = self.expectation
        last = self.engine.now >= wanted.to_s
        try:
            value = measures.cluster_value(wanted.expression, self.engine, wanted.namespace)
        except LabError as error:
            if last or wanted.throughout:
                self._decide(False, str(error))
            return
        holds = wanted.expression.holds(value)
        if last or (wanted.sooner and holds) or (wanted.throughout and not holds):
            self._decide(holds, wanted.expression.show(value))

    def _decide(self, passed: bool, message: str) -> None:
        now = self.engine.now
        self.check.passed, self.check.message, self.check.at_s = passed, message, now
        self.engine.journal.append(Checked(now, self.check.name, passed, message))


def _seconds(first_s: float, last_s: float) -> list[float]:
    inside = range(math.ceil(first_s), math.ceil(last_s))
    return list(dict.fromkeys([first_s, *(float(second) for second in inside), last_s]))


def label(wanted: Expectation) -> str:
    """An expectation in a line: `success >= 99% (shoppers, 10s to 60s)`."""
    notes = [wanted.traffic] if wanted.traffic else []
    if wanted.service and not wanted.expression.subject:
        notes.append(wanted.service)
    if wanted.sooner:
        notes.append(f"by {wanted.to_s:g}s")
    elif wanted.expression.metric.about == "traffic" or wanted.throughout:
        notes.append(f"{wanted.from_s:g}s to {wanted.to_s:g}s")
    else:
        notes.append(f"at {wanted.to_s:g}s")
    return f"{wanted.text} ({', '.join(notes)})"
