"""Plays a scenario: boots its cluster, then does and says what stands in it, at the moments that it names.

After `start` everything is on the engine's clock. A screen, a headless run and a test step `engine` and read
its journal; none of them has to know what the scenario will do next.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable

from msgspec.structs import replace

from lab.commands.execution import Execution
from lab.commands.run import run
from lab.engine import Engine
from lab.journal import Checked, Narrated
from lab.kube import manifest
from lab.kube.meta import KubeObject
from lab.scenario.aftermath import Aftermath
from lab.scenario.experiment import ExperimentRun
from lab.scenario.gauge import Gauge
from lab.scenario.judge import Check, Judge
from lab.scenario.parties import CLIENT_POD, in_namespace
from lab.scenario.report import Report, make_report, take_baseline
from lab.scenario.scenario import Moment, Scenario, Step
from lab.scenario.usual_traffic import usual_clients
from lab.traffic.client import ClientSpec

_DRAIN_STEP_S = 0.1


class Player:
    """One run of a scenario; `seed` beats the scenario's own."""

    def __init__(self, scenario: Scenario, *, seed: int | None = None, waits: bool = False) -> None:
        self.scenario = scenario
        self.waits = waits
        """Whether time stops at the steps of a lesson that ask for it: somebody is there to let it go on."""
        self.seed = scenario.seed if seed is None else seed
        self.engine = Engine(scenario.cluster, seed=self.seed, apps=scenario.apps)
        self.steps: tuple[Step, ...] = scenario.lesson
        self.clients: tuple[ClientSpec, ...] = scenario.clients
        self.checks: list[Check] = []
        """The scenario's expectations in the order of its file, then what went wrong with its timeline."""
        self.applied: list[str] = []
        """What `kubectl apply` would have printed of the manifests."""
        self.not_ready: list[str] = []
        """Pods that were not Ready when the story began."""
        self.on_command: list[Callable[[Execution], object]] = []
        """Called with each command of the timeline when it has been given; it may go on printing afterwards."""
        self.before = take_baseline(self.engine.traffic.measure)
        """What was counted before the story began; reports leave it out."""
        self.aftermath = Aftermath(self.engine)
        """The requests that the end of the story leaves behind."""
        experiment = scenario.experiment
        self.experiment = ExperimentRun(self.engine, experiment, self._give, self.checks) if experiment else None
        self._step_times = [step.at_s for step in self.steps]

    @property
    def finished(self) -> bool:
        """Whether the story is over and its last request has ended; the cluster runs on while somebody steps it."""
        return self.aftermath.over

    @property
    def step_index(self) -> int:
        """The step of the lesson that is being told; -1 before the first."""
        return bisect_right(self._step_times, self.engine.now) - 1

    @property
    def passed(self) -> bool:
        """Whether nothing that was judged so far is broken."""
        return all(check.passed is not False for check in self.checks)

    def start(self) -> None:
        """Boot, apply the manifests, run to time zero, and put the story on the clock. Raises `LabError`."""
        self.boot()
        self.engine.settle()
        self.begin()

    def boot(self) -> None:
        """Start the cluster and apply the manifests, at the beginning of time; for who shows it while it settles."""
        try:
            self.engine.boot()
            self.applied = self.engine.apply(self.scenario.objects)
        except Exception:
            self.engine.close()
            raise

    def begin(self) -> None:
        """At time zero: begin with traffic, timeline, lesson and checks."""
        engine = self.engine
        self.not_ready = engine.settle()
        self.before = take_baseline(engine.traffic.measure)
        if self.scenario.usual_traffic:
            self.clients += tuple(usual_clients(engine, f"pod/{CLIENT_POD}"))
        for client in self.clients:
            engine.traffic.add_client(replace(client, stop_s=min(client.stop_s, self.scenario.duration_s)))
        for moment in self.scenario.timeline:
            engine.clock.at(moment.at_s, self._happen if moment.when is None else self._await, moment)
        for step in self.steps:
            engine.clock.at(step.at_s, self._tell, step)
        for judge in [Judge(engine, wanted) for wanted in self.scenario.expectations]:
            self.checks.append(judge.check)
            judge.schedule()
        if self.scenario.duration_s < math.inf:
            engine.clock.at(self.scenario.duration_s, self._end)
        if self.experiment is not None:
            self.experiment.start()

    def drain(self) -> None:
        """At the end of the story, run on until its last request has its answer or its timeout."""
        while self.engine.now >= self.scenario.duration_s and not self.finished:
            self.engine.run_for(_DRAIN_STEP_S)

    def report(self) -> Report:
        """What came of it, up to now."""
        return make_report(self)

    def read_manifests(self, path: str) -> list[KubeObject]:
        """The objects that a command means by `-f PATH`: relative to the scenario's folder."""
        found = manifest.load([path], self.scenario.folder)
        return [in_namespace(obj) for obj in found.objects]

    def _end(self) -> None:
        """The story is over: the experiment is brought back, and the last requests may come to their end."""
        if self.experiment is not None:
            self.experiment.end()
        self.aftermath.begin()

    def _say(self, text: str) -> None:
        self.engine.journal.append(Narrated(self.engine.now, text))

    def _tell(self, step: Step) -> None:
        self._say(f"{step.title}. {step.text}".strip())
        if step.wait and self.waits:
            self.engine.paused = True
            self.engine.clock.stop()

    def _await(self, moment: Moment) -> None:
        """From now on, look whether the moment has come."""
        when = moment.when
        assert when is not None
        self._look(moment, Gauge(self.engine, when.expression, when.scope, when.over_s))

    def _look(self, moment: Moment, gauge: Gauge) -> None:
        if gauge.look() and gauge.full:
            self._happen(moment)
        elif self.engine.now < self.scenario.duration_s:
            self.engine.clock.after(gauge.every_s, self._look, moment, gauge)

    def _happen(self, moment: Moment) -> None:
        if moment.say:
            self._say(moment.say)
        if not moment.command:
            return
        error = self._give(moment.command)
        if moment.refused:
            refused = moment.refused.lower() in error.lower()
            self._judge(f"refused: {moment.command}", refused, error or "it was accepted", moment)
        elif error:
            self._judge(moment.command, False, error, moment)

    def _give(self, command: str) -> str:
        """Give a command of the story; the error, or nothing."""
        execution = run(self.engine, command, by="timeline", files=self.read_manifests)
        for callback in self.on_command:
            callback(execution)
        return execution.error

    def _judge(self, name: str, passed: bool, said: str, moment: Moment) -> None:
        """A command becomes a check: one that was to be refused, or one that should not have been."""
        message = said.partition("\n")[0]
        now = self.engine.now
        self.checks.append(Check(name, passed, message, now, moment.place))
        self.engine.journal.append(Checked(now, name, passed, message))
