"""The `:` prompt and the `/` filter: one line with completion and history, and the panel of what was printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import Input

from lab.commands.execution import Execution
from lab.tui.widgets.pane import Pane
from lab.views.page import Lines
from lab.views.spans import Line, line

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
        Binding("tab", "take", "Complete", id="prompt.complete", tooltip="Take the completion", show=False),
        Binding("escape", "leave", "Leave", id="prompt.leave", tooltip="Close the prompt", show=False),
    ]

    def __init__(self, complete: Complete) -> None:
        super().__init__(id="prompt", compact=True, select_on_focus=False)
        self.complete = complete
        self.mode = ":"
        self.history: list[str] = []
        self._ghost = _Ghost(complete)
        self._at = 0

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
        """Complete the last word: as far as all completions agree, or wholly when there is one."""
        choices = self.choices
        if not choices:
            return
        common = _common(choices)
        text = completed(self.value, common)
        if len(choices) == 1 and not common.endswith(("=", "/")):
            text += " "
        elif text == self.value:
            text = completed(self.value, choices[0])
        self.value = text
        self.cursor_position = len(text)

    def take(self) -> str:
        """The command that was typed; the line is empty for the next one."""
        text = self.value.strip()
        self.remember(text)
        self.value = ""
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
    """What commands printed, newest at the bottom; `curl` goes on printing while the clock runs."""

    def __init__(self) -> None:
        super().__init__(0, "Output", id="output")
        self.text: list[Line] = []
        self._dirty = False

    def add(self, execution: Execution) -> None:
        """Show a command and everything that it prints, now and later."""
        self._write([line((": ", "key"), (execution.text, "strong"))])
        self._write([line(text) for text in execution.output])
        if execution.done:
            self._end(execution)
            return
        execution.on_output.append(lambda lines: self._write([line(text) for text in lines]))
        execution.on_done.append(self._end)

    def update(self) -> None:
        """Draw what was written since."""
        if self._dirty:
            self._dirty = False
            self.extent = self.size
            self.set_page(Lines(self.text))
            self.styles.height = len(self.text) + 2  # the stylesheet bounds it
            self.top = max(len(self.text) - self.inner.height, 0)
            self.show()

    def on_resize(self) -> None:
        """The newest line stays in view."""
        super().on_resize()
        self._dirty = True
        self.update()

    def _end(self, execution: Execution) -> None:
        self._write([line((text, "bad")) for text in execution.error.splitlines()])

    def _write(self, lines: list[Line]) -> None:
        self.text.extend(lines)
        del self.text[:-_KEPT_LINES]
        self._dirty = True
