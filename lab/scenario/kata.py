"""A kata under way: whether all its conditions hold at once, looked at once a virtual second until they do."""

from __future__ import annotations

from lab.engine import Engine
from lab.journal import Checked, Narrated
from lab.scenario.gauge import Gauge
from lab.scenario.judge import Check
from lab.scenario.scenario import Kata

LOOK_EVERY_S = 1.0
NAME = "the kata is solved"


class KataRun:
    """The task, and how far it is."""

    def __init__(self, engine: Engine, kata: Kata) -> None:
        self.engine = engine
        self.kata = kata
        self.hints_shown = 0
        """How many hints somebody has asked for; the run does not know of it."""
        self.conditions = [Check(condition.label) for condition in kata.solved]
        """How each condition stands; `passed` is None before it was looked at."""
        self.check = Check(NAME)
        self._gauges = [Gauge(engine, each.expression, each.scope, each.over_s) for each in kata.solved]

    @property
    def solved(self) -> bool:
        """Whether it has been solved."""
        return self.check.passed is True

    def start(self) -> None:
        """Begin to look."""
        self.engine.riddle = True
        self._look()

    def end(self) -> None:
        """Time is up."""
        if not self.solved:
            missing = [each.name for each in self.conditions if not each.passed]
            self._judge(False, f"not yet: {', '.join(missing)}" if missing else "not all at once")

    def hint(self) -> str:
        """The next hint, or the last one again; empty when there is none."""
        hints = self.kata.hints
        self.hints_shown = min(self.hints_shown + 1, len(hints))
        return hints[self.hints_shown - 1] if hints else ""

    def _look(self) -> None:
        for check, gauge in zip(self.conditions, self._gauges, strict=True):
            check.passed = gauge.look() and gauge.full
        if all(check.passed for check in self.conditions):
            self._judge(True, f"after {self.engine.now:.0f} s")
            if self.kata.debrief:
                self.engine.journal.append(Narrated(self.engine.now, self.kata.debrief))
        else:
            self.engine.clock.after(LOOK_EVERY_S, self._look)

    def _judge(self, passed: bool, message: str) -> None:
        self.engine.riddle = False
        now = self.engine.now
        self.check.passed, self.check.message, self.check.at_s = passed, message, now
        self.engine.journal.append(Checked(now, NAME, passed, message))
