"""How well packets travel: what a link adds to their time, how many it loses, how much it carries."""

from __future__ import annotations

from typing import NamedTuple


class Quality(NamedTuple):
    """One link's, or that of all links on a way, in one direction."""

    latency_s: float = 0.0
    loss: float = 0.0
    """The probability that a packet is lost, 0 to 1."""
    jitter_s: float = 0.0
    """A packet is late by up to this, evenly distributed."""
    bytes_per_s: float = 0.0
    """What the narrowest link carries; 0 for more than anybody sends."""

    def then(self, latency_s: float, loss: float, jitter_s: float, bytes_per_s: float) -> Quality:
        """This, and after it a link like that."""
        narrow = min(self.bytes_per_s or bytes_per_s, bytes_per_s or self.bytes_per_s)
        lost = 1.0 - (1.0 - self.loss) * (1.0 - loss) if loss else self.loss
        return Quality(self.latency_s + latency_s, lost, self.jitter_s + jitter_s, narrow)


PERFECT = Quality()
