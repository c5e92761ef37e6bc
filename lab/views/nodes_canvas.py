"""Nodes as boxes side by side in their zones, with their Pods; the ways in from the internet on top.

The map is laid out once for a state of the cluster and a width; lines are drawn when they are asked for,
with the rates of that moment. Where Pods in wide boxes would not fit the rows there are, boxes become as
narrow as `BOX_CLOSE` and hold as many columns of names as fit; more than `ROOMY_TOTAL` Pods that do not fit
even so become dense cells: one glyph each, and the name in the pane's frame when one is selected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.views import format as fmt
from lab.views.page import Subject, Target
from lab.views.spans import Line, Span, cells, fit, fit_name, fit_text, line, width
from lab.views.states import READY, UNKNOWN, State, node_state, pod_state

ROOMY_TOTAL = 80
BOX_MIN, BOX_MOST, BOX_CLOSE = 30, 58, 22
NAME_CELLS = 20
SYSTEM = "kube-system"

Rate = Callable[[str, str], float | None]
"""Requests a second of a Pod (namespace, name); None where nothing is measured."""


class NodeFacts(NamedTuple):
    """A node, its Pods, and what the API does not say about it."""

    node: Node
    pods: tuple[Pod, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    """(word, role) such as ("no power", "bad") or ("no proxy", "warn")."""
    powered: bool = True


class _Box(NamedTuple):
    facts: NodeFacts
    x: int
    width: int
    rows: tuple[tuple[Pod, ...], ...]
    columns: int


class NodeMap:
    """The laid-out map: a `Page`."""

    def __init__(self, ways_in: Sequence[Line], bands: Sequence[Sequence[_Box]], size: int, rate: Rate, dense: bool):
        self.rate = rate
        self.dense = dense
        self._size = size
        self._rows: list[tuple[str, object, int]] = [("way", way, 0) for way in ways_in]
        self.targets: list[Target] = []
        for band in bands:
            self._add_band(band)

    @property
    def height(self) -> int:
        """How many lines there are."""
        return len(self._rows)

    def line(self, y: int) -> Line:
        """Line `y`, with the rates of now."""
        what, content, row = self._rows[y]
        if what == "way":
            return content  # type: ignore[return-value]
        parts: list[Span] = []
        position = 0
        boxes: Sequence[_Box] = content  # type: ignore[assignment]
        for box in boxes:
            parts.append(Span(" " * (box.x - position)))
            parts.extend(self._box_line(box, row))
            position = box.x + box.width
        return fit(line(*parts), self._size)

    def _add_band(self, band: Sequence[_Box]) -> None:
        top = len(self._rows)
        tallest = max(len(box.rows) for box in band)
        self._rows.extend(("band", band, row) for row in range(-1, tallest + 1))
        for box in band:
            self.targets.append(Target(top, box.x, box.x + box.width, Subject("Node", "", box.facts.node.name)))
        for row in range(tallest):
            for box in band:
                self._add_pods(box, row, top + 1 + row)

    def _add_pods(self, box: _Box, row: int, y: int) -> None:
        pods = box.rows[row] if row < len(box.rows) else ()
        for i, pod in enumerate(pods):
            subject = Subject("Pod", pod.namespace, pod.name)
            size = 2 if self.dense else (box.width - 2) // box.columns
            x = box.x + 1 + self.dense + size * i
            end = x + size if self.dense or i + 1 < box.columns else box.x + box.width - 1
            self.targets.append(Target(y, x, end, subject))

    def _box_line(self, box: _Box, row: int) -> Line:
        powered = box.facts.powered
        state = node_state(box.facts.node) if powered else UNKNOWN
        edge = "bad" if state.role == "bad" or any(role == "bad" for _, role in box.facts.notes) else "frame"
        if row == -1:
            return _box_top(box, state, edge)
        if row == len(box.rows):
            return (Span("╰" + "─" * (box.width - 2) + "╯", edge),)
        if row > len(box.rows):
            return (Span(" " * box.width),)
        inside = box.width - 2
        drawn = _cells(box.rows[row]) if self.dense else self._names(box.rows[row], inside, box.columns)
        if not powered:
            drawn = _without_power(drawn)
        return line(("│", edge), *fit(drawn, inside), ("│", edge))

    def _names(self, pods: tuple[Pod, ...], size: int, columns: int) -> Line:
        if not pods:
            return (Span(" no Pods", "dim"),)
        return line(*(span for pod in pods for span in self._pod_line(pod, size // columns)))

    def _pod_line(self, pod: Pod, size: int) -> Line:
        state = pod_state(pod)
        right = self._figure(pod, state)
        if size - 5 - width(right) < cells(pod.name) and state.word == "Ready" and size < BOX_MIN - 2:
            right = ()  # in a narrow box the name matters more than the rate
        quiet = "dim" if pod.namespace == SYSTEM else ""
        room = size - 4 - width(right) - bool(right)
        name = pod.name if pod.namespace in ("default", SYSTEM) else f"{pod.namespace}/{pod.name}"
        name = name if cells(name) <= room else pod.name
        gap = " " if right else ""
        return line((f" {state.glyph} ", state.role), (fit_text(fit_name(name, room), room), quiet), gap, *right, " ")

    def _figure(self, pod: Pod, state: State) -> Line:
        if state.word not in ("Ready", "Terminating"):
            return (Span(state.word, state.role),)
        value = self.rate(pod.namespace, pod.name)
        figure = (Span(f"{fmt.rate(value)}/s", "dim" if value == 0 else ""),) if value is not None else ()
        return line(("Terminating  ", state.role), *figure) if state.word == "Terminating" else figure


def node_map(
    nodes: Sequence[NodeFacts],
    *,
    width: int,
    rows: int = 0,
    ways_in: Sequence[Line] = (),
    waiting: Sequence[Pod] = (),
    rate: Rate = lambda namespace, name: None,
) -> NodeMap:
    """Lay nodes out in bands of boxes, zone by zone; `waiting` are Pods without a node.

    `rows` are the lines there are for it; 0 for as many as it needs.
    """
    tops = [fit(way, width) for way in ways_in] + [_waiting_line(waiting, width)] * bool(waiting)
    if not nodes:
        tops.append(fit((Span(" No nodes yet.", "dim"),), width))
    ordered = _by_zone(nodes)

    def drawn(least: int, dense: bool = False) -> NodeMap:
        return NodeMap(tops, _bands(ordered, width, least, dense), width, rate, dense)

    total = sum(len(facts.pods) for facts in nodes)
    few = total <= ROOMY_TOTAL
    if not few and total > rows * (width // NAME_CELLS):
        return drawn(BOX_CLOSE, dense=True)  # no need to lay thousands of names out to see that
    roomy = drawn(BOX_MIN)
    if few and (not rows or roomy.height <= rows):
        return roomy
    close = drawn(BOX_CLOSE)
    if few or close.height <= rows:
        return min(roomy, close, key=lambda page: page.height)
    return drawn(BOX_CLOSE, dense=True)


def _by_zone(nodes: Sequence[NodeFacts]) -> list[NodeFacts]:
    zones: dict[str, list[NodeFacts]] = {}
    for facts in nodes:
        zones.setdefault(facts.node.zone, []).append(facts)
    return [facts for zone in zones.values() for facts in zone]


def _bands(nodes: list[NodeFacts], size: int, least: int, dense: bool) -> list[list[_Box]]:
    if not nodes:
        return []
    columns = max(1, min(len(nodes), (size + 1) // (least + 1)))
    columns = -(-len(nodes) // -(-len(nodes) // columns))  # as even as the number of bands allows
    box = min((size - columns + 1) // columns, BOX_MOST)
    return [
        [
            _box(facts, i * (box + 1), box, _columns(box, least, dense))
            for i, facts in enumerate(nodes[start : start + columns])
        ]
        for start in range(0, len(nodes), columns)
    ]


def _columns(box: int, least: int, dense: bool) -> int:
    """How many Pods stand beside each other in a box."""
    if dense:
        return max((box - 4) // 2, 1)
    return max((box - 2) // NAME_CELLS, 1) if least < BOX_MIN else 1


def _box(facts: NodeFacts, x: int, size: int, each: int) -> _Box:
    pods = sorted(facts.pods, key=lambda pod: pod.namespace == SYSTEM)
    rows = tuple(tuple(pods[i : i + each]) for i in range(0, len(pods), each)) or ((),)
    return _Box(facts, x, size, rows, each)


def _box_top(box: _Box, state: State, edge: str) -> Line:
    node = box.facts.node
    words = [] if state.word in ("Ready", UNKNOWN.word) else [(state.word, state.role)]
    words.extend(box.facts.notes)
    while words and sum(cells(word) + 1 for word, _ in words) + cells(node.name) > box.width - 6:
        words.pop()  # the name matters more; glyph and edge still tell that something is wrong
    tail: list[tuple[str, str]] = [part for word, role in words for part in ((word, role), (" ", ""))]
    used = sum(cells(text) for text, _ in tail)
    room = box.width - 6 - used
    name = fit_name(node.name, max(room, 6))
    left = room - cells(name)
    zone = f"{node.zone} " if node.zone and cells(node.zone) + 1 <= left else ""
    fill = "─" * max(left - cells(zone), 0)
    head = line(
        ("╭", edge), (f" {state.glyph} ", state.role), (name, "strong"), " ", (zone, "dim"), *tail, (fill, edge)
    )
    return line(*fit(head, box.width - 1), ("╮", edge))


def _cells(pods: tuple[Pod, ...]) -> Line:
    return line(" ", *((pod_state(pod).glyph + " ", pod_state(pod).role) for pod in pods))


def _without_power(drawn: Line) -> Line:
    """Pods of a node without power, whatever the API still says of them: nobody knows, and nothing answers."""
    return line(*((span.text.replace(READY.glyph, UNKNOWN.glyph), "dim") for span in drawn))


def _waiting_line(pods: Sequence[Pod], size: int) -> Line:
    names = "  ".join(pod.name for pod in pods)
    return fit(line((" ○ ", "warn"), (fmt.count(len(pods), "Pod") + " without a node: ", "warn"), names), size)
