"""The part of the main screen in which panes stand; `lab.tui.layout` says where."""

from __future__ import annotations

from textual.containers import Container
from textual.widget import Widget

from lab.tui.layout import PANES, Place, Wish, arrange


class Body(Container):
    """Puts its panes where the layout wants them, on every change of size or wish."""

    def __init__(self, *panes: Widget) -> None:
        super().__init__(*panes, id="body")
        self.places: dict[str, Place] = {}
        self.front: list[str] = []
        self.hidden: set[str] = set()
        self.maximised = ""
        self.lesson = False
        self.needs: dict[str, int] = {}

    def place_panes(self) -> None:
        """Move every pane to its place; those without one are not displayed."""
        wish = Wish(frozenset(self.hidden), self.front, self.maximised, self.needs, self.lesson)
        places = arrange(self.size.width, self.size.height, wish) if self.size.area else {}
        if places == self.places:
            return
        self.places = places
        for name in PANES:
            self._put(self.get_child_by_id(name), places.get(name))

    def _put(self, pane: Widget, place: Place | None) -> None:
        pane.display = place is not None
        if place is not None:
            pane.styles.offset = (place.x, place.y)
            pane.styles.width = place.width
            pane.styles.height = place.height

    def bring(self, pane: str) -> None:
        """Make a pane visible: it goes before the one that shares its place."""
        self.hidden.discard(pane)
        self.front = [pane, *(each for each in self.front if each != pane)]
        if self.maximised and self.maximised != pane:
            self.maximised = pane
        self.place_panes()

    def on_resize(self) -> None:
        """The panes' places depend on the size."""
        self.place_panes()
