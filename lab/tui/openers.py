"""What opens over the main screen: why, describe, faults, exposure, help, the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from lab.journal import Decision
from lab.kube.kinds import BY_NAME
from lab.tui.widgets.pane import Pane
from lab.views.decisions import Row
from lab.views.page import Subject

if TYPE_CHECKING:
    from textual.screen import Screen

    from lab.scenario.player import Player
    from lab.tui.live import Live

    _Base = Screen[None]
else:
    _Base = object


class Openers(_Base):
    """Needs `player`, `live`, `focused_pane` and `give`, which the main screen has."""

    KEYS: ClassVar[list[BindingType]] = [
        Binding("d", "describe", "Describe", id="open.describe", tooltip="kubectl describe what is selected"),
        Binding(
            "w",
            "why",
            "Why",
            id="open.why",
            tooltip="Explain the selected connection; the newest when none is",
            show=False,
        ),
        Binding("f", "faults", "Fault", id="open.faults", tooltip="Break or mend what is selected"),
        Binding(
            "o", "exposure", "Exposed", id="open.exposure", tooltip="Every address and port that is open to the outside"
        ),
        Binding("H", "hint", "Hint", id="kata.hint", tooltip="The next hint of a kata", show=False),
        Binding("question_mark", "help", "Help", id="open.help", tooltip="Keys and commands", key_display="?"),
        Binding("R", "report", "Report", id="open.report", tooltip="What came of the run so far", show=False),
        Binding("q", "quit", "Quit", id="quit", tooltip="Leave Service Lab"),
    ]
    if TYPE_CHECKING:
        player: Player
        live: Live

        @property
        def focused_pane(self) -> Pane | None:
            """The main screen's."""

        def give(self, text: str, *, by: str = "prompt") -> None:
            """The main screen's."""

    # -- what is selected -------------------------------------------------------------------------------------

    def subject(self) -> Subject | None:
        """The object that the focused pane has selected: itself, an event's, or the Pod that a connection reached."""
        pane = self.focused_pane
        return subject_of(pane.selected) if pane is not None else None

    def action_open(self, selected: object) -> None:
        """What enter does: explain a connection, describe an object."""
        if isinstance(selected, Row):
            self._explain(selected)
        else:
            self._describe(subject_of(selected))

    # -- sheets -----------------------------------------------------------------------------------------------

    def action_why(self) -> None:
        """Explain the selected connection, or the newest one."""
        pane = self.focused_pane
        row = pane.selected if pane is not None else None
        rows = self.live.routing.rows
        if not isinstance(row, Row):
            row = rows[-1] if rows else None
        if row is None:
            self.notify("No connection has been made yet.", timeout=2)
        else:
            self._explain(row)

    def _explain(self, row: Row) -> None:
        from lab.tui.screens.explain import ExplainScreen

        self.app.push_screen(ExplainScreen(self.player.engine, row))

    def action_describe(self) -> None:
        """Describe what is selected."""
        subject = self.subject()
        if subject is None:
            self.notify("Select a node, Pod or Service first: 1 or 2, then the arrows.", timeout=3)
        else:
            self._describe(subject)

    def _describe(self, subject: Subject | None) -> None:
        if subject is not None:
            from lab.tui.screens.describe import describe_sheet

            self.app.push_screen(describe_sheet(self.player.engine, subject))

    def action_exposure(self) -> None:
        """Show what is open to the outside."""
        from lab.tui.screens.describe import exposure_sheet

        self.app.push_screen(exposure_sheet(self.player.engine))

    def action_hint(self) -> None:
        """The next hint, in the pane with the task."""
        kata = self.player.kata
        if kata is None:
            self.notify("Hints are for katas: lab play nobody-home.", timeout=3)
            return
        kata.hint()

    def action_help(self) -> None:
        """Show keys and commands."""
        from lab.tui.screens.help import help_sheet

        self.app.push_screen(help_sheet(self))

    def action_report(self) -> None:
        """Show the report as it stands."""
        from lab.tui.screens.report import ReportScreen

        self.app.push_screen(ReportScreen(self.player.report(), finished=self.player.finished))

    # -- faults -----------------------------------------------------------------------------------------------

    def action_faults(self) -> None:
        """The menu of what can be broken about what is selected, and about the cluster as a whole."""
        from lab.commands.fault import choices
        from lab.tui.screens.faults import FaultsScreen

        subject, engine = self.subject(), self.player.engine
        rows = choices(engine, subject) if subject is not None else []

        def chosen(command: str | None) -> None:
            if command:
                self.give(command, by="key")

        self.app.push_screen(
            FaultsScreen(subject.path if subject and rows else "", rows, choices(engine, None)), chosen
        )

    def action_quit(self) -> None:
        """Leave."""
        self.app.exit()


def subject_of(selected: object) -> Subject | None:
    """The object behind a selection of any pane."""
    if isinstance(selected, Subject):
        return selected if selected.kind in BY_NAME else None
    if isinstance(selected, tuple) and len(selected) == 2 and isinstance(selected[1], Subject):
        return selected[1]
    if isinstance(selected, Row) and selected.decision is not None:
        return _reached(selected.decision)
    return None


def _reached(decision: Decision) -> Subject | None:
    if decision.pod:
        return Subject("Pod", *decision.pod.partition("/")[::2])
    return Subject("Service", *decision.service.partition("/")[::2]) if decision.service else None
