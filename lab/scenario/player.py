"""Plays a scenario: boots its cluster, then does and says what stands in it, at the moments that it names.

After `start` everything is on the engine's clock. A screen, a headless run and a test step `engine` and read
its journal; none of them has to know what the scenario will do next.
"""

from __future__ import annotations

import heapq
import math
import time as wall
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count

from msgspec.structs import replace

from lab.cluster.review.errors import errors_in, refuse
from lab.commands.call import WIDTH
from lab.commands.execution import Execution
from lab.commands.run import run
from lab.engine import Engine
from lab.journal import Checked, Narrated
from lab.kube.documents import Documents, documents_from
from lab.kube.errors import LabError, ManifestError
from lab.kube.sources import STDIN, sources_of
from lab.scenario.aftermath import Aftermath
from lab.scenario.experiment import ExperimentRun
from lab.scenario.gauge import Gauge
from lab.scenario.judge import Check, Judge
from lab.scenario.kata import KataRun
from lab.scenario.log import Given, Listeners, Log, Read
from lab.scenario.parties import CLIENT_POD
from lab.scenario.report import Report, make_report, take_baseline
from lab.scenario.scenario import Moment, Scenario, Step
from lab.scenario.usual_traffic import usual_clients
from lab.traffic.client import ClientSpec
from lab.views.unready import Unready, unready

_DRAIN_STEP_S = 0.1


class Player:
    """One run of a scenario; `seed` beats the scenario's own, `again` is what is to be given as it was before."""

    def __init__(
        self, scenario: Scenario, *, seed: int | None = None, waits: bool = False, again: Log | None = None
    ) -> None:
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
        self.not_ready: list[Unready] = []
        """Pods that were not Ready when the story began, by workload and reason."""
        self.on_command: list[Callable[[Execution], object]] = []
        """Called with each command of the timeline when it has been given; it may go on printing afterwards."""
        self.width = WIDTH
        """How many cells a line of what they print may take, for who shows it."""
        self.log = Log()
        """What was given from outside of the story, and what was read."""
        self.listeners = Listeners()
        """Who follows this run; they can be handed on to another run of the same scenario."""
        self.begun = False
        """Whether the story has begun."""
        self._stops: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()
        self._again = Log()
        """What of a log is known already: what was given, and what is to be given again."""
        self._reads_again: deque[Read] = deque()
        if again is not None:
            self.go_on_with(again)
        self.before = take_baseline(self.engine.traffic.measure)
        """What was counted before the story began; reports leave it out."""
        self.aftermath = Aftermath(self.engine)
        """The requests that the end of the story leaves behind."""
        experiment = scenario.experiment
        self.experiment = ExperimentRun(self.engine, experiment, self._give, self.checks) if experiment else None
        self.kata = KataRun(self.engine, scenario.kata) if scenario.kata else None
        self._under_way: dict[Execution, Moment] = {}
        """Commands of the timeline that take their time, such as `kubectl drain`."""
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
            refuse(errors_in(Documents(self.scenario.documents), self.engine.trial))
            self.applied = self.engine.apply(self.scenario.objects)
        except Exception:
            self.engine.close()
            raise

    def begin(self) -> None:
        """At time zero: begin with traffic, timeline, lesson and checks."""
        engine = self.engine
        self.begun = True
        engine.settle()
        self.not_ready = unready(engine.store, engine.journal)
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
        if self.kata is not None:
            self.checks.append(self.kata.check)
            self.kata.start()

    # -- time -----------------------------------------------------------------------------------------------

    def run_until(self, when_s: float, budget_s: float | None = None) -> bool:
        """Run to a moment, with everything that is to be done on the way; False when `budget_s` was not enough."""
        deadline_s = None if budget_s is None else wall.perf_counter() + budget_s
        reached = True
        while reached and self._stops and self._stops[0][0] <= when_s:
            reached = self._run(self._stops[0][0], deadline_s)
            if reached:
                heapq.heappop(self._stops)[2]()
        reached = reached and self._run(when_s, deadline_s)
        self._moment()
        return reached

    def advance(self, elapsed_s: float, budget_s: float) -> None:
        """Run what `elapsed_s` wall seconds are worth (`Engine.advance`), and no further than what is to be done."""
        engine, over, stop_s = self.engine, self.finished, self.next_stop_s
        until_s = engine.now + engine.behind_s + elapsed_s * engine.speed
        if engine.paused or stop_s > until_s:
            engine.advance(elapsed_s, budget_s)
            self._moment()
        else:
            self._run_over_stops(until_s, budget_s)
        if self.finished and not over:
            engine.behind_s = 0.0  # what is owed would be run past the end
            self.run_until(stop_s)

    def _run_over_stops(self, until_s: float, budget_s: float) -> None:
        """To the next stop; while the last requests come to their end, to all up to a moment."""
        deadline_s = wall.perf_counter() + budget_s
        reached = self.run_until(self.next_stop_s, budget_s)
        while reached and self._draining and self.next_stop_s <= until_s:
            reached = self.run_until(self.next_stop_s, max(0.0, deadline_s - wall.perf_counter()))

    def _moment(self) -> None:
        for listener in self.listeners.moment:
            listener()

    def _run(self, when_s: float, deadline_s: float | None) -> bool:
        budget_s = None if deadline_s is None else max(0.0, deadline_s - wall.perf_counter())
        return self.engine.run_until(when_s, budget_s)

    def at_quiet(self, when_s: float, action: Callable[[], object]) -> None:
        """Do something at a moment, after everything that is due then; `run_until` stops there for it."""
        heapq.heappush(self._stops, (when_s, next(self._order), action))

    @property
    def next_stop_s(self) -> float:
        """The next moment at which time must not be skipped: something is to be done, the story ends, or its last
        request may have."""
        now, end_s = self.engine.now, self.scenario.duration_s
        if self._draining:
            end_s += (math.floor((now - end_s) / _DRAIN_STEP_S + 1e-6) + 1) * _DRAIN_STEP_S
        elif now >= end_s:
            end_s = math.inf
        return min(end_s, self._stops[0][0]) if self._stops else end_s

    @property
    def _draining(self) -> bool:
        """Whether the story is over, and requests of it are not."""
        return self.engine.now >= self.scenario.duration_s and not self.finished

    def drain(self) -> None:
        """At the end of the story, run on until its last request has its answer or its timeout."""
        while self._draining:
            self.run_until(self.next_stop_s)

    # -- from outside -----------------------------------------------------------------------------------------

    def give(self, text: str, *, by: str = "prompt", width: int = WIDTH) -> Execution:
        """Give a command that does not stand in the story, after everything that is due now.

        So a run that gives it again at the same moment is the same run.
        """
        self.engine.run_until(self.engine.now)
        given = Given(self.engine.now, text, by)
        self.log.given.append(given)
        if len(self._again.given) < len(self.log.given):
            self._again.given.append(given)
        for listener in self.listeners.given:
            listener(given)
        return run(self.engine, text, by=by, files=self.read_manifests, width=width)

    def go_on_with(self, log: Log) -> None:
        """Give again, at its moment, everything in a log that this run has not been told of yet."""
        for given in log.given[len(self._again.given) :]:
            self.at_quiet(given.time_s, partial(self.give, given.text, by=given.by))
        self._reads_again.extend(log.reads[len(self._again.reads) :])
        self._again = Log(list(log.given), list(log.reads))

    def forget_what_follows(self) -> None:
        """From now on this run goes its own way."""
        self._stops.clear()
        self._reads_again.clear()
        self._again = Log(list(self.log.given), list(self.log.reads))

    def read_manifests(self, path: str) -> Documents:
        """What a command means by `-f PATH`: relative to the scenario's folder, or as it was before."""
        read = self._read_again(path) or self._read(path)
        self.log.reads.append(read)
        if len(self._again.reads) < len(self.log.reads):
            self._again.reads.append(read)
        for listener in self.listeners.read:
            listener(read)
        if read.error:
            raise LabError(read.error)
        return documents_from(read.sources)

    def _read_again(self, path: str) -> Read | None:
        if self._reads_again and self._reads_again[0].path == path:
            return self._reads_again.popleft()
        return None

    def _read(self, path: str) -> Read:
        if path == STDIN:
            return Read(path, error="standard input can be read from the shell only: name a file or a folder")
        try:
            return Read(path, tuple(sources_of(path, self.scenario.folder)))
        except ManifestError as error:
            return Read(path, error=str(error))

    def report(self) -> Report:
        """What came of it, up to now."""
        return make_report(self)

    def _end(self) -> None:
        """The story is over: the experiment is brought back, and the last requests may come to their end."""
        if self.experiment is not None:
            self.experiment.end()
        if self.kata is not None:
            self.kata.end()
        for execution in list(self._under_way):
            self._ended(execution)
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
        execution = self._execute(moment.command)
        if execution.done:
            self._settle(moment, execution)
        else:
            self._under_way[execution] = moment
            execution.on_done.append(self._ended)

    def _ended(self, execution: Execution) -> None:
        """A command that took its time is over, or has no more time."""
        moment = self._under_way.pop(execution, None)
        if moment is not None:
            self._settle(moment, execution)

    def _settle(self, moment: Moment, execution: Execution) -> None:
        """Judge what became of a command."""
        error = execution.error
        if moment.refused:
            refused = moment.refused.lower() in error.lower()
            accepted = "it was accepted" if execution.done else "it had not ended when the story did"
            self._judge(f"refused: {moment.command}", refused, error or accepted, moment)
        elif error:
            self._judge(moment.command, False, error, moment)

    def _give(self, command: str) -> str:
        """Give a command of the story; the error that it has at once, or nothing."""
        return self._execute(command).error

    def _execute(self, command: str) -> Execution:
        execution = run(self.engine, command, by="timeline", files=self.read_manifests, width=self.width)
        for callback in self.on_command:
            callback(execution)
        return execution

    def _judge(self, name: str, passed: bool, said: str, moment: Moment) -> None:
        """A command becomes a check: one that was to be refused, or one that should not have been."""
        message = said.partition("\n")[0]
        now = self.engine.now
        self.checks.append(Check(name, passed, message, now, moment.place))
        self.engine.journal.append(Checked(now, name, passed, message))
