"""The main screen: status, nodes and Pods, Services, routing, events, lesson, prompt and keys.

What a key does to the story is in `lab.tui.transport`, what opens over this screen in `lab.tui.openers`;
where panes stand, and in which order they leave a small terminal, is `lab.tui.layout`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input, Static

from lab.commands.run import complete, find
from lab.recording.timeline import Timeline
from lab.tui.layout import NARROWEST, PANES, SMALLEST, WIDE
from lab.tui.live import Live
from lab.tui.openers import Openers
from lab.tui.past import Past
from lab.tui.screens.message import ConfirmScreen
from lab.tui.telling import Telling
from lab.tui.transport import Transport
from lab.tui.widgets.body import Body
from lab.tui.widgets.events import EventsPane
from lab.tui.widgets.lesson import LessonPane
from lab.tui.widgets.nodes import NodesPane
from lab.tui.widgets.pane import Pane
from lab.tui.widgets.prompt import OutputPane, PromptLine
from lab.tui.widgets.routing import RoutingPane
from lab.tui.widgets.services import ServicesPane
from lab.tui.widgets.status import KeyBar, StatusLine

if TYPE_CHECKING:
    from lab.scenario.player import Player


class MainScreen(Transport, Past, Telling, Openers, Screen[None]):
    """Draws one player's run; `frame` is called by the app's only timer."""

    CSS_PATH = "main.tcss"
    AUTO_FOCUS = "#routing"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "Next pane", id="focus.next", tooltip="Focus the next pane", show=False),
        Binding(
            "shift+tab",
            "app.focus_previous",
            "Previous pane",
            id="focus.previous",
            tooltip="Focus the previous pane",
            show=False,
        ),
        *(
            Binding(
                str(i + 1),
                f"pane('{name}')",
                name.capitalize(),
                id=f"pane.{name}",
                tooltip=f"Show and focus pane {i + 1}, {name}",
                show=False,
            )
            for i, name in enumerate(PANES)
        ),
        Binding(
            "z,m", "maximise", "Maximise", id="pane.maximise", tooltip="Give the focused pane the whole screen, or back"
        ),
        Binding(
            "x", "hide", "Hide", id="pane.hide", tooltip="Hide the focused pane; its number brings it back", show=False
        ),
        Binding("colon", "prompt(':')", "Command", id="prompt.open", tooltip="Type a command", key_display=":"),
        Binding(
            "slash", "prompt('/')", "Filter", id="routing.filter", tooltip="Filter the connections", key_display="/"
        ),
        Binding(
            "escape",
            "back",
            "Back",
            id="back",
            tooltip="Let go, drop the filter, close the output, leave maximised",
            show=False,
        ),
        *Transport.KEYS,
        *Past.KEYS,
        *Openers.KEYS,
    ]

    def __init__(self, player: Player) -> None:
        super().__init__()
        self.player = player
        self.timeline = Timeline(player)
        self.live = Live(player)
        self.output = OutputPane()
        self.prompt = PromptLine(lambda text: complete(self.player.engine, text))
        self.reported = False
        self.hear(player)

    def compose(self) -> ComposeResult:
        """Status on top, panes in the body, output and prompt when asked for, keys at the bottom."""
        yield StatusLine()
        yield Body(NodesPane(), ServicesPane(), RoutingPane(), EventsPane(), LessonPane())
        yield self.output
        with Horizontal(id="prompt-row"):
            yield Static(" : ", id="prompt-mode", markup=False)
            yield self.prompt
        yield KeyBar()
        yield Static("Service Lab needs a terminal of 60x15 or more.\nMake it larger, or press q.", id="too-small")

    def on_mount(self) -> None:
        """Everything gets its first picture at once."""
        self.body.lesson = bool(self.player.steps) or self.player.kata is not None
        self.show_keys()
        self.call_after_refresh(self.frame)

    # -- parts ----------------------------------------------------------------------------------------------

    @property
    def body(self) -> Body:
        """Where the panes stand."""
        return self.query_one(Body)

    @property
    def routing(self) -> RoutingPane:
        """Pane 3."""
        return self.query_one(RoutingPane)

    @property
    def output_width(self) -> int:
        """Cells in a line of what commands print."""
        return max(self.size.width - 2, NARROWEST)

    @property
    def focused_pane(self) -> Pane | None:
        """The pane that has the focus, if one has."""
        return self.focused if isinstance(self.focused, Pane) else None

    def follow(self, player: Player) -> None:
        """Show another run of the same scenario: the same one at another moment, or another branch."""
        self.player = player
        self.live.close()
        self.live = Live(player)
        self.hear(player)
        self.show_keys()

    # -- drawing --------------------------------------------------------------------------------------------

    def frame(self) -> None:
        """Draw what changed since the last frame."""
        live = self.live
        live.collect()
        if not self.is_mounted or self.has_class("-small"):
            return  # under a sheet it goes on: time does, and has to be seen to
        self.query_one(StatusLine).update(live.status(self.timeline))
        places = self.body.places
        if "nodes" in places:
            self.query_one(NodesPane).update(live)
        if "services" in places:
            self.query_one(ServicesPane).update(live)
        if "routing" in places:
            self.routing.update(live)
        if "events" in places:
            self.query_one(EventsPane).update(live)
        if self.body.lesson and self.query_one(LessonPane).update(live):
            self.step_began()
        self.output.update()
        self._fit_panes()

    def _fit_panes(self) -> None:
        """Let the layout know how much there is to show; it moves panes only when that changes things."""
        lesson = self.query_one(LessonPane)
        whole = lesson.page.height if self.body.size.width >= WIDE else lesson.text_height
        needs = {"lesson": whole + 2}
        for name, pane in (("nodes", NodesPane), ("services", ServicesPane)):
            needs[name] = self.query_one(pane).page.height + 3
        if needs != self.body.needs:
            self.body.needs = needs
            self.body.place_panes()

    def show_keys(self) -> None:
        """Keys for the bar: what the focused pane offers first."""
        if self.prompt.display and self.focused is self.prompt:
            self.query_one(KeyBar).offer([(word, "", "") for word in self.prompt.choices[:20]] or self._prompt_hints())
            return
        focused = self.focused_pane
        if focused is self.output:
            mine = [("↑↓", "scroll", ""), ("Esc", "close", "back")]
        else:
            mine = [("↵", "why", "why")] if isinstance(focused, RoutingPane) else [("d", "describe", "describe")]
        pause = ("space", "go on" if self.player.engine.paused else "pause", "toggle_pause")
        self.query_one(KeyBar).offer(
            [
                ("?", "help", "help"),
                ("q", "quit", "quit"),
                (":", "command", "prompt(':')"),
                *mine,
                pause,
                (".", "step", "step"),
                ("+-", "speed", "faster"),
                ("f", "fault", "faults"),
                ("/", "filter", "prompt('/')"),
                ("z", "maximise", "maximise"),
                ("o", "exposed", "exposure"),
                ("1-5", "panes", "app.focus_next"),
            ]
        )

    def _prompt_hints(self) -> list[tuple[str, str, str]]:
        if self.prompt.mode == "/":
            return [("↵", "keep", ""), ("Esc", "no filter", "close_prompt")]
        return [
            ("↵", "run", ""),
            ("Tab", "complete", ""),
            ("↑↓", "history", ""),
            ("PgUp PgDn", "scroll", ""),
            ("Esc", "close", "close_prompt"),
        ]

    # -- panes ----------------------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Below the smallest size only a message stays."""
        self.player.width = self.output_width
        self.set_class(event.size.width < SMALLEST[0] or event.size.height < SMALLEST[1], "-small")

    def on_descendant_focus(self) -> None:
        """Other keys are useful now."""
        self.show_keys()

    def action_pane(self, name: str) -> None:
        """Show a pane and focus it."""
        if name == "lesson" and not self.body.lesson:
            self.notify("This scenario has no lesson.", timeout=2)
            return
        self.body.bring(name)
        self.set_focus(self.body.get_child_by_id(name))
        self.frame()

    def action_maximise(self) -> None:
        """The focused pane alone, or all again."""
        pane = self.focused_pane
        if pane is self.output:
            self.set_class(not self.has_class("-output"), "-output")
            return
        self.body.maximised = "" if self.body.maximised or pane is None else str(pane.id)
        self.body.place_panes()

    def action_hide(self) -> None:
        """Hide the focused pane; the next one gets the focus. The last one stays."""
        pane = self.focused_pane
        if pane is None or pane is self.output or len(self.body.places) < 2:
            return
        self.body.maximised = ""
        self.body.hidden.add(str(pane.id))
        self.focus_next()
        self.body.place_panes()

    def action_back(self) -> None:
        """One thing at a time: the output where the keys go to it, a selection, the filter, the output, maximised."""
        pane = self.focused_pane
        if pane is self.output:
            self._close_output()
        elif self.routing.held:
            self.routing.follow()
        elif self.routing.filter_text:
            self.routing.filter_by("")
        elif self.output.display:
            self._close_output()
        elif pane is not None and pane.selected is not None:
            pane.select(None)
        elif self.body.maximised:
            self.action_maximise()

    def _close_output(self) -> None:
        self.remove_class("-output")
        self.output.display = False
        if self.focused is self.output:
            self._focus_a_pane()

    def action_scroll_output(self, pages: int) -> None:
        """Turn the pages of the output."""
        self.output.action_page(pages)

    def _focus_a_pane(self) -> None:
        self.set_focus(self.routing if "routing" in self.body.places else next(iter(self.query(Pane))))

    # -- prompt ---------------------------------------------------------------------------------------------

    def action_prompt(self, mode: str) -> None:
        """Open the line at the bottom for a command or a filter."""
        self.query_one("#prompt-mode", Static).update(f" {mode} ")
        self.query_one("#prompt-row").display = True
        self.prompt.open(mode, self.routing.filter_text if mode == "/" else "")

    def action_close_prompt(self) -> None:
        """Close it; a filter that was being typed is dropped."""
        if self.prompt.mode == "/":
            self.routing.filter_by("")
        self._leave_prompt()

    def _leave_prompt(self) -> None:
        """The keys go to what the command has printed, to be scrolled and closed; else to a pane."""
        self.query_one("#prompt-row").display = False
        self.prompt.close()
        if self.output.display and self.prompt.mode == ":":
            self.set_focus(self.output)
        else:
            self._focus_a_pane()

    @on(Input.Changed, "#prompt")
    def _typed(self, event: Input.Changed) -> None:
        if self.prompt.mode == "/" and self.prompt.display:
            self.routing.filter_by(event.value)
        self.show_keys()

    def action_submit_prompt(self) -> None:
        """Keep the filter, or give the command; without one, close the prompt."""
        if self.prompt.mode == "/":
            self.routing.filter_by(self.prompt.value)
            self._leave_prompt()
        elif text := self.prompt.take():
            self.ask_and_give(text)
        else:
            self._leave_prompt()

    def ask_and_give(self, text: str) -> None:
        """Run a command, after a question when it takes something away."""
        command = find(text)
        if command is None or not command.danger:
            self.give(text)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.give(text)

        self.app.push_screen(ConfirmScreen(text, command.summary), answered)

    def give(self, text: str, *, by: str = "prompt") -> None:
        """Run a command and show what it prints."""
        if text in ("q", "quit", "exit"):
            self.app.exit()
            return
        self.leave_past()
        self.user_took_over()
        self.output.display = True
        self.output.add(self.player.give(text, by=by, width=self.output_width))
        self.output.update()
