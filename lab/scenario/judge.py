"""Judging expectations while a run goes on: windows are opened and closed, and moments looked at, on the clock."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from lab.engine import Engine
from lab.journal import Checked
from lab.kube.errors import LabError
from lab.scenario import measures
from lab.scenario.aftermath import Aftermath
from lab.scenario.expect import OVER_S, RECOVERED
from lab.scenario.gauge import NO_REQUESTS, Gauge, Recovery, figure, read
from lab.scenario.notation import parse_share
from lab.scenario.scenario import Expectation
from lab.traffic.failures import UNFINISHED, UNSENT


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
    value: float | None = None
    """What was measured, when it is a number: seconds, a share, a count."""


class Judge:
    """Judges one expectation; `check` says how it stands."""

    def __init__(self, engine: Engine, expectation: Expectation) -> None:
        self.engine = engine
        self.expectation = expectation
        self.check = Check(label(expectation), place=expectation.place)
        self._gauge = Gauge(engine, expectation.expression, expectation.scope, expectation.over_s or OVER_S)
        self._recovery: Recovery | None = None
        self._opened: measures.Reading | None = None
        self._window: measures.Reading | None = None
        self._unsent = 0
        self._aftermath = Aftermath(engine, expectation.scope.traffic, self._judge_window)

    def schedule(self) -> None:
        """Put everything that is to be looked at on the clock."""
        wanted, clock = self.expectation, self.engine.clock
        if wanted.expression.metric.name == "recovery":
            self._schedule(wanted.from_s, wanted.to_s, self._recover)
        elif self._gauge.of_traffic and not wanted.over_s:
            clock.at(wanted.from_s, self._open)
            clock.at(wanted.to_s, self._close)
        elif wanted.sooner or wanted.throughout:
            self._schedule(wanted.from_s, wanted.to_s, self._look)
        elif self._gauge.of_traffic:
            self._schedule(max(0.0, wanted.to_s - wanted.over_s), wanted.to_s, self._look)
        else:
            clock.at(wanted.to_s, self._look)

    def _schedule(self, from_s: float, to_s: float, look: Callable[[], None]) -> None:
        for second in _seconds(from_s, to_s):
            self.engine.clock.at(second, look)

    # -- over a window --------------------------------------------------------------------------------------

    def _count_unsent(self) -> int:
        """Requests that nobody was there to send; which Service they were for is only known of one's own traffic."""
        scope = self.expectation.scope
        known = scope.traffic or not scope.service
        return sum(client.unsent for client in self._aftermath.clients()) if known else 0

    def _open(self) -> None:
        self._opened = read(self.engine, self.expectation.scope)
        self._unsent = self._count_unsent()

    def _close(self) -> None:
        assert self._opened is not None
        self._window = read(self.engine, self.expectation.scope).since(self._opened)
        self._unsent = self._count_unsent() - self._unsent
        self._aftermath.begin()

    def _judge_window(self) -> None:
        """Judge when what was due in the window has ended too: whoever still waits was not answered well."""
        assert self._window is not None
        service = self.expectation.scope.service
        late = [result for result in self._aftermath.late if not service or result.service == service]
        window = self._window.with_late(late, {UNFINISHED: self._aftermath.unfinished, UNSENT: self._unsent})
        expression = self.expectation.expression
        try:
            value = figure(expression, window, self.engine)
        except LabError as error:
            self._decide(False, str(error))
        else:
            self._decide(expression.holds(value), expression.show(value), value)

    def _recover(self) -> None:
        """Judge a second of the window; at its end, say when the last bad one was over."""
        wanted = self.expectation
        if self._recovery is None:
            said = wanted.expression.filter
            self._recovery = Recovery(self.engine, wanted.scope, parse_share(said) if said else RECOVERED)
            return
        self._recovery.look()
        if self.engine.now < wanted.to_s:
            return
        if not self._recovery.requests:
            self._decide(False, NO_REQUESTS)
        else:
            value_s = self._recovery.value_s
            self._decide(wanted.expression.holds(value_s), wanted.expression.show(value_s), value_s)

    # -- at a moment ----------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Look at the cluster, or at the last seconds of traffic as soon as there are enough of them."""
        if self.check.passed is not None:
            return
        wanted = self.expectation
        last = self.engine.now >= wanted.to_s
        holds = self._gauge.look()
        if not self._gauge.full and not last:
            return
        if last or (wanted.sooner and holds) or (wanted.throughout and not holds):
            closest = self._gauge.closest if wanted.throughout and holds else None
            try:
                value = self._gauge.value() if closest is None else closest
            except LabError as error:
                self._decide(holds, str(error))
            else:
                self._decide(holds, wanted.expression.show(value), value)

    def _decide(self, passed: bool, message: str, value: float | str | None = None) -> None:
        now, check = self.engine.now, self.check
        check.passed, check.message, check.at_s = passed, message, now
        check.value = None if isinstance(value, str) else value
        self.engine.journal.append(Checked(now, self.check.name, passed, message))


def _seconds(first_s: float, last_s: float) -> list[float]:
    inside = range(math.ceil(first_s), math.ceil(last_s))
    return list(dict.fromkeys([first_s, *(float(second) for second in inside), last_s]))


def label(wanted: Expectation) -> str:
    """An expectation in a line: `success >= 99% (shoppers, 10s to 60s)`."""
    scope = wanted.scope
    notes = [scope.traffic] if scope.traffic else []
    if scope.service and wanted.expression.subject not in (scope.service, scope.service.rpartition("/")[2]):
        notes.append(scope.service)
    if wanted.over_s:
        notes.append(f"over {wanted.over_s:g}s")
    if wanted.sooner:
        notes.append(f"by {wanted.to_s:g}s")
    elif wanted.throughout or (wanted.expression.metric.about == "traffic" and not wanted.over_s):
        notes.append(f"{wanted.from_s:g}s to {wanted.to_s:g}s")
    else:
        notes.append(f"at {wanted.to_s:g}s")
    return f"{wanted.text} ({', '.join(notes)})"
