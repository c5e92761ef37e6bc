"""Playing without a screen: a line a virtual second, or JSON Lines, and the closing report."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TextIO

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
from lab.kube.time import clock_text
from lab.scenario.comparison import compare
from lab.scenario.comparison import to_text as to_table
from lab.scenario.player import Player
from lab.scenario.progress import Bar, run, start
from lab.scenario.report import to_text
from lab.traffic.histogram import Histogram
from lab.views import format as fmt

_BELOW = " " * 9
"""Before what belongs to the line above."""
_MOST_EVENTS = 4
"""How many events of a second are told."""


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


def play_all(players: Sequence[Player], options: Options, out: TextIO) -> bool:
    """Play one scenario, or all its variants one after the other with a comparison at the end; whether every
    expectation of every one holds. Raises `LabError`."""
    for player in players:
        if len(players) > 1 and options.form == "text":
            out.write(f"{'' if player is players[0] else chr(10)}== {player.scenario.title} ==\n")
        play(player, options, out)
    if len(players) > 1:
        compared = compare(players[0].scenario.name, [(each.scenario.variant, each.report()) for each in players])
        if options.form == "text":
            out.write("".join(f"{line}\n" for line in ["", *to_table(compared)]))
        else:
            out.write(f"{msgspec.json.encode(compared).decode()}\n")
    return all(player.passed for player in players)


def play(player: Player, options: Options, out: TextIO) -> bool:
    """Play to the end and report to `out`; whether every expectation holds. Raises `LabError`."""
    end_s = player.scenario.duration_s
    printer = _Printer(player, options.form, out)
    with Bar("booting", player.engine.now, 0.0) as bar:
        for now_s in start(player):
            bar.show(now_s)
    with Bar("playing", 0.0, end_s) as bar:
        for at_s, whole in _moments(player, end_s, options.speed):
            if whole:
                bar.hide()
                printer.second(at_s)
            bar.show(at_s, f"{clock_text(at_s)} of {clock_text(end_s)}")
        player.drain()
    printer.rest()
    printer.close()
    return player.passed


def _moments(player: Player, end_s: float, speed: float | None) -> Iterator[tuple[float, bool]]:
    """Step a started player to the end; yields after each whole second (True), and when one takes long (False)."""
    tune_gc()
    began = time.monotonic()
    at_s = 0.0
    while at_s < end_s:
        at_s = min(float(int(at_s) + 1), end_s)
        for now_s in run(player, at_s):
            yield now_s, False
        if speed is not None:
            time.sleep(max(0.0, began + at_s / speed - time.monotonic()))
        yield at_s, True


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
        self._names: frozenset[str] | None = None
        player.engine.journal.listen(self._count, RequestFinished)
        player.on_command.append(self._command)

    def second(self, at_s: float) -> None:
        """Print the second that ended at `at_s`, and the checks judged in it."""
        events = self._new_events()
        line = self._second(at_s, [text for event in events if (text := notable(event))])
        if self._json:
            self._print_json(line)
        else:
            self._print(*second_lines(line, self._width()))
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
            self._print(*(f"{_BELOW}| {text}".rstrip() for output in outputs for text in output.lines))
            for check in checks:
                self._print(f"{_BELOW}{'ok    ' if check.passed else 'FAILED'}  {check.name}: {check.message}")
        self._out.flush()

    def close(self) -> None:
        """Print the closing report."""
        report = self._player.report()
        if self._json:
            self._print_json(report)
        else:
            width = self._width()
            self._print("", *(to_text(report) if width is None else to_text(report, width)))

    def _command(self, execution: Execution) -> None:
        def keep(lines: list[str]) -> None:
            self._outputs.append(Output(self._player.engine.now, execution.text, list(lines)))

        told = execution.error.splitlines()
        if execution.output or len(told) > 1:  # the first line of an error is told with what happened
            keep([*execution.output, *told[1:]])
        execution.on_output.append(keep)

    def _count(self, event: Event) -> None:
        assert isinstance(event, RequestFinished)
        if event.time < 0.0 or not self._is_clients(event.client):
            return
        self._ok += event.outcome == "ok"
        self._latencies.append(event.latency_s)

    def _is_clients(self, client: str) -> bool:
        """Whether a request counts: those of the clients do, as on the screen; all where there are no clients."""
        if self._names is None:  # known since the story has begun
            self._names = frozenset(each.name for each in self._player.clients)
        return not self._names or client in self._names

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


def second_lines(second: Second, width: int | None) -> list[str]:
    """`00:42    240 rps  99.2% ok  p50 12 ms   p99 38 ms   pods 11/12  nodes 3/4  node/worker-2 off`.

    What happened stands in lines of its own where one is too narrow for it. `width` is that of the terminal.
    """
    asked = second.requests > 0
    traffic = (
        f"{second.requests:>5} rps {fmt.percent(second.ok, second.requests):>6} ok"
        f"  p50 {fmt.latency(second.p50_s) if asked else '-':<7} p99 {fmt.latency(second.p99_s) if asked else '-':<7}"
    )
    cluster = f"pods {second.pods_ready}/{second.pods}  nodes {second.nodes_ready}/{second.nodes}"
    figures = f"{fmt.moment(second.time_s)} {traffic} {cluster}"
    left_out = len(second.events) - _MOST_EVENTS
    events = [*second.events[:_MOST_EVENTS], *([f"and {left_out} more"] if left_out > 0 else [])]
    whole = f"{figures}  {'; '.join(events)}".rstrip()
    if width is None or len(whole) <= width:
        return [whole]
    return [_cut(line, width) for line in (figures, *(f"{_BELOW}{event}" for event in events))]


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: max(width - 1, 0)]}…"


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
