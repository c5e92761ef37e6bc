"""`lab` alone: the scenarios that come along, what each shows, and enter to play."""

from __future__ import annotations

from functools import partial
from itertools import groupby
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from lab.scenario.catalogue import Entry, catalogue
from lab.tui.widgets.pane import Pane
from lab.tui.widgets.status import KeyBar
from lab.views.page import Lines, Target
from lab.views.spans import Line, clip, line, wrap

_STAYS_S = 0.15


class ScenarioList(Pane):
    """The scenarios, folder by folder."""

    def fill(self, entries: list[Entry]) -> None:
        """Draw the list and select the first one."""
        lines: list[Line] = []
        targets: list[Target] = []
        for folder, members in groupby(entries, key=lambda entry: entry.folder):
            lines += [*([()] if lines else []), line((f" {folder}", "dim"))]
            for entry in members:
                targets.append(Target(len(lines), 0, 200, entry))
                lines.append(line("   ", entry.name))
        self.set_page(Lines(lines or [line((" No scenarios came along.", "dim"))], targets))
        if targets:
            self.select(self.selected if self.selected in entries else entries[0])
        self.show()


class Preview(Pane):
    """What the selected scenario is about, and how it goes; enter plays it from here too."""

    entry: Entry | None = None
    outlines: dict[Path, list[Line]]

    def on_mount(self) -> None:
        """Nothing has been read yet."""
        self.outlines = {}

    def tell(self, entry: Entry) -> None:
        """Show another scenario: what it is about at once, its outline when the user stays on it for a moment."""
        self.entry = entry
        self.redraw()
        if entry.path not in self.outlines:
            self.set_timer(_STAYS_S, partial(self._read, entry))

    def _read(self, entry: Entry) -> None:
        if entry == self.entry:
            self.outlines[entry.path] = outline(entry)
            self.redraw()

    def on_resize(self) -> None:
        """Text is wrapped anew."""
        super().on_resize()
        self.redraw()

    async def action_activate(self) -> None:
        """Play what is shown."""
        await self.app.run_action(("", "open", (self.entry,)), self.screen)

    def redraw(self) -> None:
        """Name, about, and the outline of the file."""
        if self.entry is None:
            return
        size = self.inner.width - 2
        lines = [line((self.entry.name, "strong")), (), *wrap(self.entry.about, size), ()]
        lines.extend(clip(each, size) for each in self.outlines.get(self.entry.path, ()))
        self.set_page(Lines([line(" ", *each) for each in lines]))
        self.show()


def outline(entry: Entry) -> list[Line]:
    """The scenario's cluster, length, steps and expectations; its fault in one line when it cannot be read."""
    from lab.kube.errors import LabError
    from lab.scenario.loader import load
    from lab.views import format as fmt

    try:
        scenario = load(entry.path)
    except LabError as error:
        return [line((str(error).splitlines()[0], "bad"))]
    nodes = scenario.cluster.nodes
    zones = len(dict.fromkeys(node.zone for node in nodes if node.zone))
    where = fmt.count(len(nodes), "node") + (f" in {fmt.count(zones, 'zone')}" if zones > 1 else "")
    lines = [line(("lasts   ", "dim"), fmt.moment(scenario.duration_s), ("   on ", "dim"), where)]
    if scenario.lesson:
        lines += [(), line(("Steps", "dim"))]
        lines += [line((fmt.moment(step.at_s)[:-2] + "  ", "dim"), step.title) for step in scenario.lesson]
    if scenario.expectations:
        lines += [(), line(("Expects", "dim"))]
        lines += [line(("○ ", "dim"), each.text) for each in scenario.expectations]
    return lines


class PickerScreen(Screen[None]):
    """Choose a scenario."""

    CSS_PATH = "picker.tcss"
    AUTO_FOCUS = "#list"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.quit", "Leave", id="picker.quit", tooltip="Leave Service Lab"),
        Binding("question_mark", "help", "Help", id="picker.help", tooltip="Keys and commands", key_display="?"),
        Binding("1", "pane('list')", "List", id="picker.list", tooltip="To the list", show=False),
        Binding("2", "pane('preview')", "Preview", id="picker.preview", tooltip="To what it shows", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.scenarios = ScenarioList(1, "Service Lab", id="list")
        self.preview = Preview(2, "What it shows", id="preview")
        self.keys = KeyBar()

    def compose(self) -> ComposeResult:
        """The list, the preview, the keys."""
        with Horizontal():
            yield self.scenarios
            yield self.preview
        yield self.keys

    def on_mount(self) -> None:
        """Fill the list once its size is known."""
        self.keys.offer(
            [("↑↓", "choose", ""), ("↵", "play", ""), ("?", "help", "help"), ("q Esc", "leave", "app.quit")]
        )
        self.scenarios.fill(catalogue())

    def action_pane(self, name: str) -> None:
        """Focus one of the two."""
        self.set_focus(self.get_widget_by_id(name))

    def action_help(self) -> None:
        """Show keys and commands."""
        from lab.tui.screens.help import help_sheet

        self.app.push_screen(help_sheet(self))

    @on(Pane.Selected)
    def _selected(self, event: Pane.Selected) -> None:
        if isinstance(event.subject, Entry):
            self.preview.tell(event.subject)

    def action_open(self, selected: object) -> None:
        """Play a scenario."""
        if isinstance(selected, Entry):
            self.app.play_file(selected.path)  # type: ignore[attr-defined]
