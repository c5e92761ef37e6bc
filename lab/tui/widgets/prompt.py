"""The `:` prompt and the `/` filter: one line with completion and history, and the panel of what was printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import Input

from lab.commands.execution import Execution
from lab.tui.widgets.pane import Pane
from lab.views import format as fmt
from lab.views.page import Lines
from lab.views.spans import Line, fold, line

Complete = Callable[[str], list[str]]
_KEPT_LINES = 500
_KEPT_HISTORY = 200


def completed(text: str, word: str) -> str:
    """`text` with its last word replaced by a completion of it."""
    start = len(text) if not text or text[-1].isspace() else text.rindex(text.split()[-1])
    return text[:start] + word


class _Ghost(Suggester):
    """The first completion, shown dim behind the cursor."""

    def __init__(self, complete: Complete) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        """The line as the first completion would make it."""
        words = self._complete(value) if value.strip() else []
        return completed(value, words[0]) if words else None


class PromptLine(Input):
    """An input of one line. Up and down go through history, tab takes the completion."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "older", "Older", id="prompt.older", tooltip="The command before", show=False),
        Binding("down", "newer", "Newer", id="prompt.newer", tooltip="The command after", show=False),
        Binding(
            "tab", "take", "Complete", id="prompt.complete", tooltip="Take the completion; again: the next", show=False
        ),
        Binding("pageup", "turn(-1)", "Page up", id="prompt.page_up", tooltip="The output, a page up", show=False),
        Binding(
            "pagedown", "turn(1)", "Page down", id="prompt.page_down", tooltip="The output, a page down", show=False
        ),
        Binding("escape", "leave", "Leave", id="prompt.leave", tooltip="Close the prompt", show=False),
    ]

    def __init__(self, complete: Complete) -> None:
        super().__init__(id="prompt", compact=True, select_on_focus=False)
        self.complete = complete
        self.mode = ":"
        self.history: list[str] = []
        self._ghost = _Ghost(complete)
        self._at = 0
        self._offered: list[str] = []
        """The lines that Tab offers in turn."""

    def open(self, mode: str, value: str = "") -> None:
        """Show it for a command (`:`) or a filter (`/`)."""
        self.mode = mode
        self.suggester = self._ghost if mode == ":" else None
        self.placeholder = (
            "kubectl scale deployment/web --replicas=5"
            if mode == ":"
            else "words that a connection has; -word: has not"
        )
        self.value = value
        self.cursor_position = len(value)
        self._at = len(self.history)
        self._offered = []
        self.display = True
        self.screen.set_focus(self)  # at once: what is typed fast after the key belongs here

    def close(self) -> None:
        """Take it away."""
        self.display = False

    def remember(self, text: str) -> None:
        """Keep a command for up and down."""
        if text and (not self.history or self.history[-1] != text):
            self.history.append(text)
            del self.history[:-_KEPT_HISTORY]
        self._at = len(self.history)

    @property
    def choices(self) -> list[str]:
        """What the last word could become."""
        return self.complete(self.value) if self.mode == ":" else []

    def action_older(self) -> None:
        """The command before."""
        self._recall(-1)

    def action_newer(self) -> None:
        """The command after."""
        self._recall(1)

    def _recall(self, by: int) -> None:
        if self.mode != ":":
            return
        self._at = max(0, min(self._at + by, len(self.history)))
        self.value = self.history[self._at] if self._at < len(self.history) else ""
        self.cursor_position = len(self.value)

    def action_take(self) -> None:
        """Complete the last word as far as all completions agree, wholly when there is one; then offer one by one."""
        if self.value in self._offered:
            at = self._offered.index(self.value) + 1
            self._become(self._offered[at % len(self._offered)])
            return
        choices = self.choices
        self._offered = []
        if not choices:
            return
        common = _common(choices)
        text = completed(self.value, common)
        if len(choices) == 1 and not common.endswith(("=", "/")):
            text += " "
        elif text == self.value:
            self._offered = [completed(self.value, choice) for choice in choices]
            text = self._offered[0]
        self._become(text)

    def _become(self, text: str) -> None:
        self.value = text
        self.cursor_position = len(text)

    async def action_turn(self, pages: int) -> None:
        """Turn the pages of what was printed."""
        await self.screen.run_action(f"scroll_output({pages})")

    def take(self) -> str:
        """The command that was typed; the line is empty for the next one."""
        text = self.value.strip().lstrip(": ")  # `:` opens the prompt, and is often typed when it is open
        self.remember(text)
        self.value, self._offered = "", []
        return text

    async def action_submit(self) -> None:
        """Let the screen take what was typed, before the next key."""
        await self.screen.run_action("submit_prompt")

    async def action_leave(self) -> None:
        """Close the prompt."""
        await self.screen.run_action("close_prompt")


def _common(words: list[str]) -> str:
    first, last = min(words), max(words)
    for i, letter in enumerate(first):
        if i >= len(last) or last[i] != letter:
            return first[:i]
    return first


class OutputPane(Pane):
    """What commands printed, newest at the bottom; `curl` goes on printing while the clock runs.

    Of a command that has printed more than fits, its beginning is shown.
    """

    def __init__(self) -> None:
        super().__init__(0, "Output", id="output")
        self.text: list[Line] = []
        self._begun = 0
        """Where in `text` the newest command begins."""
        self._follows = False
        """Whether it went on printing, so that its end is what one waits for."""
        self._dirty = False

    def clear(self) -> None:
        """Forget everything."""
        self.text.clear()
        self._dirty = True

    def add(self, execution: Execution) -> None:
        """Show a command and everything that it prints, now and later."""
        self._begun, self._follows = len(self.text), False
        self._write([line((": ", "key"), (execution.text, "strong"))])
        self._write([line(text) for text in execution.output])
        if execution.done:
            self._end(execution)
            return
        execution.on_output.append(self._goes_on)
        execution.on_done.append(self._end)

    def update(self) -> None:
        """Draw what was written since."""
        if self._dirty:
            self._dirty = False
            self.extent = self.size
            folded = [fold(each, self.inner.width) for each in self.text]
            self.set_page(Lines([each for lines in folded for each in lines]))
            self.styles.height = self.page.height + 2  # the stylesheet bounds it
            end = max(self.page.height - self.inner.height, 0)
            self.top = end if self._follows else min(sum(map(len, folded[: self._begun])), end)
            self.show()

    def show(self) -> int:
        """The frame tells when there is more to read."""
        hidden = self.page.height - self.inner.height - self.top
        self.foot = line((f"{fmt.count(hidden, 'more line')}: ", "dim"), ("PgDn ", "key")) if hidden > 0 else ()
        return super().show()

    def on_resize(self) -> None:
        """Lines are folded anew."""
        super().on_resize()
        self._dirty = True
        self.update()

    def _goes_on(self, lines: list[str]) -> None:
        self._follows = True
        self._write([line(text) for text in lines])

    def _end(self, execution: Execution) -> None:
        self._write([line((text, "bad")) for text in execution.error.splitlines()])

    def _write(self, lines: list[Line]) -> None:
        self.text.extend(lines)
        surplus = max(len(self.text) - _KEPT_LINES, 0)
        del self.text[:surplus]
        self._begun = max(self._begun - surplus, 0)
        self._dirty = True
