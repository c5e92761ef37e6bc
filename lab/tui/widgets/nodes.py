"""Pane 1: the nodes as boxes with their Pods, laid out anew only when the cluster changed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from lab.tui.live import Live
from lab.tui.widgets.pane import Pane
from lab.views.nodes_canvas import NodeMap
from lab.views.page import Subject
from lab.views.spans import Line, line


class NodesPane(Pane):
    """Nodes, their zones and Pods, and the ways in from the internet. Boxes stand side by side: arrows go there too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "go(-1,0)", "Left", id="pane.left", tooltip="Select what is to the left", show=False),
        Binding("right,l", "go(1,0)", "Right", id="pane.right", tooltip="Select what is to the right", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(1, "Nodes and Pods", id="nodes")
        self._laid_out: object = None
        self._second: int | None = None

    def update(self, live: Live) -> None:
        """Draw what is there now."""
        self.extent = self.size
        body = self.parent.size.height if isinstance(self.parent, Widget) else 0
        rows = max(self.inner.height, body // 2 - 2)  # what the layout gives it when it needs that much
        state = (live.state, self.inner, rows)
        if state != self._laid_out:
            self._laid_out = state
            self.set_page(live.nodes_page(self.inner.width, self.inner.height, rows))
        elif live.figures.second == self._second:
            return
        self._second = live.figures.second
        self.show()

    def show(self) -> int:
        """Cells have no room for names: the selected one stands in the frame."""
        self.foot = self._name_of_selected()
        return super().show()

    def _name_of_selected(self) -> Line:
        subject = self.selected
        dense = isinstance(self.page, NodeMap) and self.page.dense
        return line((f"{subject.name} ", "accent")) if dense and isinstance(subject, Subject) else ()
