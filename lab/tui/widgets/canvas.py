"""The ground of every pane: lines of spans drawn through the Line API, each Strip made once per content.

Nothing here is a widget per object. A canvas keeps what it drew on each row; `show` compares and refreshes
only the rows that differ. Colours come from component classes, one a role, so that themes decide.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.filter import ANSIToTruecolor, LineFilter
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from lab.views.spans import ROLES, Line, fit, width

_KEPT_STRIPS = 4000


def component(role: str) -> str:
    """The component class that gives a role its colour."""
    return f"role--{role or 'text'}"


class Canvas(Widget):
    """A widget that draws `row(y)` for every line it has, and nothing that did not change."""

    COMPONENT_CLASSES = {component(role) for role in ROLES} | {"role--selected"}
    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.auto_links = False
        self._strips: LRUCache[Hashable, Strip] = LRUCache(_KEPT_STRIPS)
        self._looks: dict[str, Style] = {}
        self._drawn: list[tuple[Line, tuple[int, int] | None] | None] = []
        self.extent = Size(0, 0)
        """The cells there are to draw on; `size` is worked out anew at every look, which costs more than a line."""

    # -- what subclasses say --------------------------------------------------------------------------------

    def row(self, y: int) -> Line:
        """What stands on line `y` of the widget; any width."""
        return ()

    def marked(self, y: int) -> tuple[int, int] | None:
        """The cells of line `y` that are selected, if any."""
        return None

    # -- drawing --------------------------------------------------------------------------------------------

    def show(self) -> int:
        """Refresh the lines that differ from what was drawn last; how many there were."""
        self.extent = size = self.size
        drawn = self._drawn
        if len(drawn) != size.height:
            self._drawn = drawn = [None] * size.height
        changed = 0
        start = -1
        for y in range(size.height):
            key = (self.row(y), self.marked(y))
            if key != drawn[y]:
                drawn[y] = key
                changed += 1
                start = y if start < 0 else start
            elif start >= 0:
                self.refresh(Region(0, start, size.width, y - start))
                start = -1
        if start >= 0:
            self.refresh(Region(0, start, size.width, size.height - start))
        return changed

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Without the one that looks for ANSI colours: a canvas draws in the theme's own, and each line would pay."""
        return [each for each in super().get_line_filters() if not isinstance(each, ANSIToTruecolor)]

    def render_lines(self, crop: Region) -> list[Strip]:
        """The strips of a region."""
        self.extent = self.size
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """The strip of line `y`: the same object as before when nothing about it changed."""
        known = self._drawn[y] if y < len(self._drawn) else None
        content, mark = known if known is not None else (self.row(y), self.marked(y))
        key = (content, mark, self.extent.width)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._strip(content, mark)
        return strip

    def _strip(self, content: Line, mark: tuple[int, int] | None) -> Strip:
        size = self.extent.width
        content = content if width(content) == size else fit(content, size)
        strip = Strip(self._segments(content), size)
        if mark is None:
            return strip
        start, end = mark
        middle = strip.crop(start, end)
        chosen = self.look("selected")
        lit = Strip([Segment(segment.text, (segment.style or Style()) + chosen) for segment in middle], end - start)
        return Strip.join([strip.crop(0, start), lit, strip.crop(end, size)])

    def _segments(self, content: Line) -> list[Segment]:
        """One segment for each run of one role: a frame costs its runs, not its cells."""
        segments: list[Segment] = []
        run, run_role = "", content[0].role if content else ""
        for text, role in content:
            if role == run_role:
                run += text
                continue
            segments.append(Segment(run, self.look(run_role)))
            run, run_role = text, role
        segments.append(Segment(run, self.look(run_role)))
        return segments

    def look(self, role: str) -> Style:
        """The style that the theme gives a role on this widget."""
        style = self._looks.get(role)
        if style is None:
            partial = role == "selected"
            style = self._looks[role] = self.get_component_rich_style(component(role), partial=partial)
        return style

    def forget(self) -> None:
        """Drop what depends on the theme or the size."""
        self._strips.clear()
        self._looks.clear()
        self._drawn = []

    def notify_style_update(self) -> None:
        """The theme, or what applies of it here, has changed."""
        super().notify_style_update()
        self.forget()

    def on_resize(self) -> None:
        """Every line is new."""
        self.extent = self.size
        self.forget()
        self.refresh()
