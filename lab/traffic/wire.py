"""What all requests of a run share: the network, who listens where, and how long packets take that get lost."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING

from lab.clock import Clock
from lab.journal import Journal
from lab.network.quality import Quality
from lab.settings import Settings
from lab.traffic.measure import Measurements

if TYPE_CHECKING:
    from lab.network.flow import Flow
    from lab.network.network import Network
    from lab.traffic.server import Server

RETRANSMISSION_S = 0.2
"""TCP's smallest retransmission timeout (Linux TCP_RTO_MIN); it doubles."""
SYN_RETRY_S = 1.0
"""The first retry of a SYN (RFC 6298, section 2.1); it doubles: 1, 3, 7 s after the first."""


class Wire:
    """What all requests of a run share."""

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        settings: Settings,
        seed: int,
        network: Network,
        measure: Measurements,
    ) -> None:
        self.clock = clock
        self.journal = journal
        self.settings = settings
        self.network = network
        self.measure = measure
        self.listeners: dict[str, Server] = {}
        """What listens, by `IP:PORT/PROTOCOL`."""
        self.serial = 0
        self._rng = random.Random(f"{seed}/loss")

    @property
    def give_up_s(self) -> float:
        """When the kernel stops sending SYNs: 127 s for six retries."""
        return SYN_RETRY_S * float(2 ** (self.settings.tcp_syn_retries + 1) - 1)

    def lost_time_s(self, loss: float, first_s: float) -> float:
        """How much later a packet arrives that is sent again after `first_s`, then twice that, and so on."""
        draw, late_s, wait_s = self._rng.random, 0.0, first_s
        while draw() < loss and late_s < self.give_up_s:
            late_s += wait_s
            wait_s *= 2.0
        return late_s

    def jitter_s(self, most_s: float, trips: float = 1.0) -> float:
        """How much later a packet arrives that may be late by so much on each of its trips."""
        return most_s * trips * self._rng.random()

    def travels_s(self, quality: Quality, size_bytes: float = 0.0) -> float:
        """How long something takes from one end to the other, sent again until it arrives."""
        delay_s = quality.latency_s
        if quality.loss:
            delay_s += self.lost_time_s(quality.loss, RETRANSMISSION_S)
        if quality.jitter_s:
            delay_s += self.jitter_s(quality.jitter_s)
        if quality.bytes_per_s and size_bytes:
            delay_s += size_bytes / quality.bytes_per_s
        return delay_s

    def way_s(self, flow: Flow) -> float | None:
        """How long a packet takes from one end of a flow to the other, whoever answers there; None when it is cut.

        For what the nodes themselves say: a refusal, or the RST for a Pod that is gone.
        """
        total_s = 0.0
        for here, there in pairwise(flow.waypoints):
            path = self.network.topology.path(here, there)
            if path is None:
                return None
            total_s += path.latency_s
        return total_s
