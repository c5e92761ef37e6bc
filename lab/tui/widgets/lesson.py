"""Pane 5: the step of the lesson that is being told, and how the expectations stand."""

from __future__ import annotations

from lab.tui.live import Live
from lab.tui.widgets.pane import Pane
from lab.views import format as fmt
from lab.views.lesson import Step, lesson_lines, tally
from lab.views.page import Lines
from lab.views.spans import Line, line


class LessonPane(Pane):
    """Starts at its first line whenever the next step is told."""

    def __init__(self) -> None:
        super().__init__(5, "Lesson", id="lesson")
        self._made_of: object = None
        self._step = -2
        self._told: list[Step] = []
        self._text: list[Line] = []
        self.text_height = 0
        """How many lines the text takes, without the expectations below it."""

    def update(self, live: Live) -> bool:
        """Draw the step of now; whether another one has begun."""
        self.extent = self.size
        steps, current = live.steps, live.current_step
        expectations = live.expectations()
        told = steps[max(current, 0) :][:1]
        state = (current, told, expectations, live.waiting, self.inner)
        if state == self._made_of:
            return False
        self._made_of = state
        begun, self._step = current != self._step, current
        more, self._told = told != self._told, told
        lines = lesson_lines(steps, current, expectations, self.inner.width, waiting=live.waiting)
        before, self._text = self._text, lines[: len(lines) - (len(expectations) + 1) * bool(expectations)]
        self.set_page(Lines(lines))
        self.text_height = len(self._text)
        self.note = line(*tally(expectations), (f" step {max(current + 1, 1)}/{len(steps)}", "accent"))
        if begun:
            self.top = 0
        elif more:
            self._bring_up(before)
        self.show()
        return begun

    def _bring_up(self, before: list[Line]) -> None:
        """Where text was added that is cut off, such as a hint, scroll to where it begins."""
        if len(self._text) > max(len(before), self.top + self.inner.height):
            pairs = enumerate(zip(before, self._text, strict=False))
            added = next((y for y, (old, new) in pairs if old != new), len(before))
            self.top = min(added, self.page.height - self.inner.height)

    def show(self) -> int:
        """The frame tells when there is more to read."""
        self.foot = self._more()
        return super().show()

    def _more(self) -> Line:
        hidden = self.text_height - self.inner.height - self.top
        if hidden <= 0:
            return ()
        return line((f"{fmt.count(hidden, 'more line')}: ", "dim"), ("5", "key"), (" then ", "dim"), ("↓ ", "key"))
