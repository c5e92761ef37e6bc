"""Playing without a screen: a line a virtual second, or JSON Lines, and the closing report."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

import msgspec

from lab.clock import tune_gc
from lab.commands.execution import Execution
from lab.journal import (
    Checked,
    CommandGiven,
    CommandRefused,
    Event,
    HealthChecked,
    Narrated,
    NetworkChanged,
    Noted,
    RequestFinished,
)
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.scenario.player import Player
from lab.scenario.report import to_text
from lab.traffic.histogram import Histogram
from lab.views import format as fmt

if TYPE_CHECKING:
    from rich.progress import Progress

_PATIENCE_S = 1.0
"""How many wall seconds pass before a progress bar appears."""
_BOOT_STEP_S = 5.0


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a scenario is played without a screen."""

    form: str = "text"
    """text or jsonl."""
    speed: float | None = None
    """Virtual seconds a wall second; None is flat out."""


class Second(msgspec.Struct, frozen=True, tag_field="type", tag="second"):
    """How things stood at the end of a virtual second, and how the traffic of that second fared."""

    time_s: float
    requests: int
    ok: int
    p50_s: float
    p99_s: float
    pods: int
    pods_ready: int
    nodes: int
    nodes_ready: int
    events: list[str]
    """What happened in this second that a user would want to know."""


class Output(msgspec.Struct, frozen=True, tag_field="type", tag="output"):
    """What a command of the timeline has printed."""

    time_s: float
    command: str
    lines: list[str]


class CheckLine(msgspec.Struct, frozen=True, tag_field="type", tag="check"):
    """An expectation that was judged."""

    time_s: float
    name: str
    passed: bool
    message: str


def play(player: Player, options: Options, out: TextIO) -> bool:
    """Play to the end and report to `out`; whether every expectation holds. Raises `LabError`."""
    end_s = player.scenario.duration_s
    printer = _Printer(player, options.form, out)
    for at_s in _with_progress(_moments(player, end_s, options.speed), player.engine.now, end_s, out):
        if at_s > 0.0:
            printer.second(at_s)
    player.drain()
    printer.rest()
    printer.close()
    return player.passed


def _moments(player: Player, end_s: float, speed: float | None) -> Iterator[float]:
    """Step the player to the end; yields now and then while the cluster boots, then after each whole second."""
    engine = player.engine
    player.boot()
    while engine.now < 0.0:
        engine.run_until(min(engine.now + _BOOT_STEP_S, 0.0))
        yield engine.now
    player.begin()
    tune_gc()
    began = time.monotonic()
    at_s = 0.0
    while at_s < end_s:
        at_s = min(float(int(at_s) + 1), end_s)
        engine.run_until(at_s)
        if speed is not None:
            time.sleep(max(0.0, began + at_s / speed - time.monotonic()))
        yield at_s


# -- what is printed ------------------------------------------------------------------------------------------------


class _Printer:
    """Prints seconds as they pass."""

    def __init__(self, player: Player, form: str, out: TextIO) -> None:
        self._player = player
        self._out = out
        self._json = form == "jsonl"
        self._position = 0
        self._ok = 0
        self._latencies: list[float] = []
        self._outputs: list[Output] = []
        player.engine.journal.listen(self._count, RequestFinished)
        player.on_command.append(self._command)

    def second(self, at_s: float) -> None:
        """Print the second that ended at `at_s`, and the checks judged in it."""
        events = self._new_events()
        line = self._second(at_s, [text for event in events if (text := notable(event))])
        if self._json:
            self._print_json(line)
        else:
            self._print(_second_text(line, self._width()))
        self._print_news(events)

    def rest(self) -> None:
        """Print what the last requests have brought after the end of the story."""
        self._print_news(self._new_events())

    def _print_news(self, events: list[Event]) -> None:
        """Print what commands have printed, and the checks judged."""
        checks = [CheckLine(e.time, e.name, e.passed, e.message) for e in events if isinstance(e, Checked)]
        outputs, self._outputs = self._outputs, []
        if self._json:
            self._print_json(*outputs, *checks)
        else:
            self._print(*(f"         | {text}".rstrip() for output in outputs for text in output.lines))
            for check in checks:
                self._print(f"         {'ok    ' if check.passed else 'FAILED'}  {check.name}: {check.message}")
        self._out.flush()

    def close(self) -> None:
        """Print the closing report."""
        report = self._player.report()
        if self._json:
            self._print_json(report)
        else:
            self._print("", *to_text(report))

    def _command(self, execution: Execution) -> None:
        def keep(lines: list[str]) -> None:
            self._outputs.append(Output(self._player.engine.now, execution.text, list(lines)))

        if execution.output:
            keep(execution.output)
        execution.on_output.append(keep)

    def _count(self, event: Event) -> None:
        assert isinstance(event, RequestFinished)
        if event.time < 0.0:
            return
        self._ok += event.outcome == "ok"
        self._latencies.append(event.latency_s)

    def _new_events(self) -> list[Event]:
        reading = self._player.engine.journal.read(self._position)
        self._position = reading.position
        return [event for event in reading.events if event.time >= 0.0]

    def _second(self, at_s: float, events: list[str]) -> Second:
        engine = self._player.engine
        latencies, ok = Histogram().add_all(self._latencies), self._ok
        self._latencies, self._ok = [], 0
        pods = [pod for pod in engine.store.list(Pod) if not pod.finished and not pod.terminating]
        nodes = engine.store.list(Node)
        return Second(
            time_s=at_s,
            requests=len(latencies),
            ok=ok,
            p50_s=latencies.percentile(50),
            p99_s=latencies.percentile(99),
            pods=len(pods),
            pods_ready=sum(1 for pod in pods if pod.ready),
            nodes=len(nodes),
            nodes_ready=sum(1 for node in nodes if node.ready),
            events=events,
        )

    def _print(self, *lines: str) -> None:
        self._out.write("".join(f"{line}\n" for line in lines))

    def _print_json(self, *values: msgspec.Struct) -> None:
        self._print(*(msgspec.json.encode(value).decode() for value in values))

    def _width(self) -> int | None:
        """How wide a line may be; None when nobody looks at it on a terminal."""
        if not self._out.isatty():
            return None
        import shutil

        return shutil.get_terminal_size().columns


def _second_text(second: Second, width: int | None) -> str:
    """`00:42    240 rps  99.2% ok  p50 12 ms   p99 38 ms   pods 11/12  nodes 3/4  node/worker-2 off`."""
    asked = second.requests > 0
    traffic = (
        f"{second.requests:>5} rps {fmt.percent(second.ok, second.requests):>6} ok"
        f"  p50 {fmt.latency(second.p50_s) if asked else '-':<7} p99 {fmt.latency(second.p99_s) if asked else '-':<7}"
    )
    cluster = f"pods {second.pods_ready}/{second.pods}  nodes {second.nodes_ready}/{second.nodes}"
    line = f"{fmt.moment(second.time_s)} {traffic} {cluster}  {'; '.join(second.events[-2:])}".rstrip()
    return line if width is None or len(line) <= width else f"{line[: width - 1]}…"


def notable(event: Event) -> str:
    """An event in a few words when it is worth a user's notice, else nothing."""
    match event:
        case NetworkChanged(what=what, state=state):
            return f"{what} {state}"
        case CommandGiven(text=text):
            return f"$ {text}"
        case CommandRefused(error=error):
            return f"refused: {error}"
        case HealthChecked(node=node, healthy=healthy, service=service):
            return f"load balancer of {service}: {node} is {'healthy' if healthy else 'unhealthy'}"
        case Noted(type="Warning", reason=reason, kind=kind, name=name):
            return f"{reason} {kind.lower()}/{name}"
        case Narrated(text=text):
            return f'"{text.partition(". ")[0].rstrip(".")}"'
    return ""


def _with_progress(moments: Iterator[float], from_s: float, to_s: float, out: TextIO) -> Iterator[float]:
    """The same moments, with a bar on stderr when it takes long and no line shows that it goes on."""
    if not sys.stderr.isatty():
        yield from moments
        return
    began = time.monotonic()
    bar: Progress | None = None
    try:
        for at_s in moments:
            wanted = time.monotonic() - began > _PATIENCE_S and (at_s < 0.0 or not out.isatty())
            if bar is None and wanted:
                bar = _bar(to_s - from_s)
            elif bar is not None and not wanted:
                bar.stop()
                bar = None
            if bar is not None:
                bar.update(bar.task_ids[0], completed=at_s - from_s)
            yield at_s
    finally:
        if bar is not None:
            bar.stop()


def _bar(total_s: float) -> Progress:
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    bar.add_task("playing", total=total_s)
    bar.start()
    return bar
