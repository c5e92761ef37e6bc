"""What a story does to the screen: a step selects what it asks to watch, or shows what the commands print."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.cluster.controllers.ownership import root_of
from lab.commands.execution import Execution
from lab.kube.kinds.pod import Pod
from lab.scenario.story import OUTPUT
from lab.tui.widgets.nodes import NodesPane
from lab.tui.widgets.pane import Pane
from lab.tui.widgets.prompt import OutputPane
from lab.tui.widgets.services import ServicesPane
from lab.views.page import Subject

if TYPE_CHECKING:
    from textual.screen import Screen

    from lab.scenario.player import Player
    from lab.tui.live import Live

    _Base = Screen[None]
else:
    _Base = object

_KEPT = 20
"""How many commands of the timeline are remembered."""


class Telling(_Base):
    """Needs `player`, `live` and `output`, which the main screen has."""

    if TYPE_CHECKING:
        player: Player
        live: Live
        output: OutputPane

        @property
        def output_width(self) -> int:
            """The main screen's."""

    _heard: Player | None = None
    _shows_commands = False
    """Whether the output stands there because the story asked for it."""

    def hear(self, player: Player) -> None:
        """Follow the commands of a run's timeline, and of no other run."""
        if self._heard is not None:
            self._heard.on_command.remove(self._commanded)
        self._heard, player.width = player, self.output_width
        self._commands: list[tuple[float, Execution]] = []
        player.on_command.append(self._commanded)

    def _commanded(self, execution: Execution) -> None:
        self._commands.append((self.player.engine.now, execution))
        del self._commands[:-_KEPT]
        if self._shows_commands:
            self.output.add(execution)

    def user_took_over(self) -> None:
        """The output is the user's now: the story leaves it alone."""
        self._shows_commands = False

    def step_began(self) -> None:
        """Another step is told."""
        watched = self.live.watched
        self._show_commands(watched == OUTPUT)
        kind, _, name = watched.partition("/")
        if kind == "service":
            self._select(ServicesPane, lambda subject: (subject.kind, subject.name) == ("Service", name))
        elif name:
            self._select(NodesPane, lambda subject: self._is(subject, kind, name))

    def _show_commands(self, wanted: bool) -> None:
        if self._shows_commands and not wanted:
            self.output.display = False
        elif wanted:
            begun_s = self.live.step_began_s
            self.output.clear()
            for execution in [execution for given_s, execution in self._commands if given_s >= begun_s]:
                self.output.add(execution)
            self.output.display = True
        self._shows_commands = wanted

    def _is(self, subject: Subject, kind: str, name: str) -> bool:
        """Whether an object is the one that is meant, or a Pod of the workload that is."""
        if (subject.kind.lower(), subject.name) == (kind, name):
            return True
        pod = self.player.engine.store.find(Pod, subject.name, subject.namespace) if subject.kind == "Pod" else None
        owner = root_of(self.player.engine.store, pod) if pod is not None else None
        return owner is not None and (owner.kind.lower(), owner.name) == (kind, name)

    def _select(self, kind: type[Pane], fits: Callable[[Subject], bool]) -> None:
        pane = self.query_one(kind)
        subjects = (target.subject for target in pane.page.targets)
        found = next((subject for subject in subjects if isinstance(subject, Subject) and fits(subject)), None)
        if found is not None:
            pane.select(found)
