"""A chaos experiment: show the steady state, do the method, show the steady state again, and bring everything back.

The shape is the Chaos Toolkit's: https://chaostoolkit.org/reference/concepts/. Without a steady state to begin with,
nothing is done to the cluster; the rollbacks are given in any case.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from lab.engine import Engine
from lab.journal import Checked, Narrated
from lab.kube.errors import LabError
from lab.scenario import measures
from lab.scenario.gauge import Gauge, figure, read
from lab.scenario.judge import Check
from lab.scenario.scenario import Condition, Experiment, MethodStep

Give = Callable[[str], str]
"""Gives a command, and returns its error, or nothing."""


class ExperimentRun:
    """One experiment under way; its checks are told to `checked` as they are judged."""

    def __init__(self, engine: Engine, experiment: Experiment, give: Give, checks: list[Check]) -> None:
        self.engine = engine
        self.experiment = experiment
        self.over = False
        """Whether its rollbacks have been given."""
        self._give = give
        self._checks = checks
        self._task: asyncio.Task[Any] | None = None

    def start(self) -> None:
        """Begin now."""
        self._task = self.engine.clock.spawn(self._run(), "experiment")

    def end(self) -> None:
        """The story is over: what has not ended by now has failed, and is brought back."""
        if self._task is not None and not self._task.done():
            self._judge("method", False, "the story ended before the experiment did")
            self._task.cancel()
        self._roll_back()

    async def _run(self) -> None:
        if await self._steady("before"):
            for step in self.experiment.method:
                await self._step(step)
            await self._steady("after")
        else:
            self._say("The steady state does not hold: the method is left out.")
        self._roll_back()

    def _roll_back(self) -> None:
        """Give every rollback, whatever becomes of the others."""
        if self.over:
            return
        self.over = True
        for command in self.experiment.rollbacks:
            error = self._give(command)
            if error:
                self._judge(f"rollback: {command}", False, error)

    # -- the steady state -----------------------------------------------------------------------------------

    async def _steady(self, when: str) -> bool:
        """Measure all conditions of the hypothesis over the same time."""
        conditions = self.experiment.steady_state
        before = [self._reading(each) for each in conditions]
        if conditions:
            await asyncio.sleep(self.experiment.over_s)
        held = [
            self._measure(f"steady state {when}: {each.text}", each, earlier)
            for each, earlier in zip(conditions, before, strict=True)
        ]
        return all(held)

    def _reading(self, condition: Condition) -> measures.Reading | None:
        of_traffic = condition.expression.metric.about == "traffic"
        return read(self.engine, condition.scope) if of_traffic else None

    def _measure(self, name: str, condition: Condition, earlier: measures.Reading | None, place: str = "") -> bool:
        expression, engine = condition.expression, self.engine
        try:
            if earlier is None:
                value = measures.cluster_value(expression, engine, condition.scope.namespace)
            else:
                value = figure(expression, read(engine, condition.scope).since(earlier), engine)
        except LabError as error:
            return self._judge(name, False, str(error), place)
        return self._judge(name, expression.holds(value), expression.show(value), place)

    # -- the method -----------------------------------------------------------------------------------------

    async def _step(self, step: MethodStep) -> None:
        if step.say:
            self._say(step.say)
        if step.command:
            error = self._give(step.command)
            if error:
                self._judge(f"method: {step.command}", False, error, step.place)
        if step.wait is not None:
            await self._wait(step, step.wait)
        if step.check is not None:
            earlier = self._reading(step.check)
            if earlier is not None:
                await asyncio.sleep(step.check.over_s)
            self._measure(f"method: {step.check.text}", step.check, earlier, step.place)
        if step.pause_s:
            await asyncio.sleep(step.pause_s)

    async def _wait(self, step: MethodStep, condition: Condition) -> None:
        gauge = Gauge(self.engine, condition.expression, condition.scope, condition.over_s)
        began_s, name = self.engine.now, f"method: {condition.text}"
        while not (gauge.look() and gauge.full):
            left_s = began_s + step.within_s - self.engine.now
            if left_s <= 0.0:
                self._judge(name, False, f"not within {step.within_s:g} s", step.place)
                return
            await asyncio.sleep(min(gauge.every_s, left_s))
        self._judge(name, True, f"after {self.engine.now - began_s:.1f} s", step.place)

    # -- telling --------------------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        self.engine.journal.append(Narrated(self.engine.now, text))

    def _judge(self, name: str, passed: bool, message: str, place: str = "") -> bool:
        now = self.engine.now
        self._checks.append(Check(name, passed, message, now, place))
        self.engine.journal.append(Checked(now, name, passed, message))
        return passed
