"""Pane 2: Services, their endpoints, and each endpoint's share of the traffic."""

from __future__ import annotations

from lab.tui.live import Live
from lab.tui.widgets.pane import Pane


class ServicesPane(Pane):
    """Made anew when the cluster or a rate changed; rates change once a virtual second."""

    def __init__(self) -> None:
        super().__init__(2, "Services", id="services")
        self._made_of: object = None

    def update(self, live: Live) -> None:
        """Draw what is there now."""
        self.extent = self.size
        state = (live.engine.store.version, live.figures.second, self.inner.width)
        if state != self._made_of:
            self._made_of = state
            self.set_page(live.services_page(self.inner.width))
            self.show()
