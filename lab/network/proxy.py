"""kube-proxy of one node: when it takes over a newer rule table, and whether it lives.

A change is programmed at once when the last run is long enough ago, else as soon as `proxy_min_sync_period_s` has
passed since; a run takes `proxy_sync_latency_s`, longer on one node than on another. Until a run is over the node
goes by its old rules, and when kube-proxy is dead it does so for good: the kernel needs no kube-proxy to route.
"""

from __future__ import annotations

import random
from collections import deque
from typing import NamedTuple

from lab.clock import Clock
from lab.gate import Gate
from lab.journal import Journal, ProxySynced
from lab.kube.versions import features_of
from lab.network.builder import RuleBuilder
from lab.network.conntrack import Conntrack
from lab.network.conntrack_cleanup import clean_up
from lab.network.health_check import (
    HealthAnswer,
    HealthCheckServer,
    health_check_services,
    healthz,
    local_ready_counts,
)
from lab.network.node_facts import IPVS, NFTABLES
from lab.network.rule_table import RuleTable
from lab.settings import Settings

_KEPT_TABLES = 64


class Programmed(NamedTuple):
    """A table, and since when the node goes by it."""

    since_s: float
    table: RuleTable


class NodeProxy:
    """The kube-proxy of one node, and the table that it last programmed."""

    def __init__(
        self,
        node: str,
        clock: Clock,
        journal: Journal,
        settings: Settings,
        seed: int,
        builder: RuleBuilder,
        conntrack: Conntrack,
        mode: str = NFTABLES,
    ) -> None:
        self.node = node
        self.table = RuleTable()
        self.table_since_s = clock.time()
        self.running = False
        self.powered = True
        self.health_checks = HealthCheckServer()
        self.history: deque[Programmed] = deque([Programmed(clock.time(), self.table)], maxlen=_KEPT_TABLES)
        self.process = Gate(clock)
        """Closed while its machine is frozen."""
        self.slow_s = 0.0
        """How much longer a run takes than it should."""
        self._clock = self.process
        self._cut: RuleTable | None = None
        """The newest table that it had heard of when the line to the API server was cut; None while that is whole."""
        self._journal = journal
        self._settings = settings
        self._builder = builder
        self._conntrack = conntrack
        self._features = features_of(settings.kubernetes)
        self._random = random.Random(f"{seed}/proxy/{node}")
        self._min_sync_period_s = (
            settings.proxy_ipvs_min_sync_period_s if mode == IPVS else settings.proxy_min_sync_period_s
        )
        self._run = 0
        """Which run of the process this is, so that what an earlier one scheduled is ignored."""
        self._waiting = False
        self._fresh = True
        """Whether this run of the process has not synced yet."""
        self._earliest_s = 0.0
        self._synced_s = clock.time()

    # -- the process ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start kube-proxy, unless the node has no power: it programs what is newest, then follows changes."""
        if self.powered and not self.running:
            self.running = True
            self._run += 1
            self._fresh = True
            self._waiting = False
            self._earliest_s = self._clock.time()
            self._trigger()

    def stop(self) -> None:
        """Kill kube-proxy: the rules stay as they are, and its health ports answer no more."""
        self.running = False

    def power_lost(self) -> None:
        """The node went down: rules live in the kernel's memory only."""
        self.stop()
        self.powered = False
        self.process.reset()
        self._take(RuleTable())

    def power_back(self) -> None:
        """The node boots, and kube-proxy with it."""
        self.powered = True
        self.start()

    def changed(self) -> None:
        """There is a newer table than the one this node last saw."""
        if self.running and not self._waiting and self._cut is None:
            self._trigger()

    def connected(self, on: bool) -> None:
        """The line to the API server was cut, or is whole again, and it hears of everything that has changed."""
        if on != (self._cut is None):
            self._cut = None if on else self._builder.table
            self.changed()

    # -- its health -------------------------------------------------------------------------------------------

    @property
    def last_sync_s(self) -> float:
        """When it last finished a run, changed or not; it makes one at least every `proxy_sync_period_s`."""
        if not self.running:
            return self._synced_s
        period = self._settings.proxy_sync_period_s
        return self._synced_s + (self._clock.time() - self._synced_s) // period * period

    def healthy(self, now_s: float) -> bool:
        """Whether it runs and has made a run within two sync periods."""
        return self.running and now_s - self.last_sync_s <= 2 * self._settings.proxy_sync_period_s

    def healthz(self) -> HealthAnswer | None:
        """The answer on port 10256; None when nobody answers."""
        now = self._clock.time()
        return healthz(self.healthy(now), self.last_sync_s, now) if self.running else None

    def health_check(self, service: str) -> HealthAnswer | None:
        """The answer on a Service's healthCheckNodePort; None when nobody answers there."""
        if not self.running or service not in self.health_checks.services:
            return None
        return self.health_checks.answer(service, self.healthy(self._clock.time()))

    def table_at(self, time_s: float) -> Programmed:
        """The table that the node went by at a moment (or the oldest one still known)."""
        found = self.history[0]
        for programmed in self.history:
            if programmed.since_s > time_s:
                break
            found = programmed
        return found

    # -- syncing ----------------------------------------------------------------------------------------------

    def _trigger(self) -> None:
        self._waiting = True
        now = self._clock.time()
        self._clock.after(max(0.0, self._earliest_s - now), self._begin, self._run)

    def _begin(self, run: int) -> None:
        """A run starts: it programs what is newest now; what comes later waits for the next one."""
        if run != self._run or not self.running:
            return
        self._waiting = False
        if self._fresh and self._cut is not None:
            return  # a kube-proxy that has not heard of a single Service yet touches no rule
        self._earliest_s = self._clock.time() + self._min_sync_period_s
        takes_s = self._settings.proxy_sync_latency_s * (0.5 + self._random.random()) + self.slow_s
        table = self._builder.table if self._cut is None else self._cut
        self._clock.after(takes_s, self._finish, run, table)

    def _finish(self, run: int, table: RuleTable) -> None:
        if run != self._run or not self.running:
            return
        now = self._clock.time()
        self._synced_s = now
        first, self._fresh = self._fresh, False
        before = self.table
        if table is before:
            if first:
                self._clean_up(before, (), first)
            return
        older, newer = sorted((self.table.version, table.version))
        changed = self._builder.changes_between(older, newer)
        self._take(table)
        self._clean_up(before, changed, first)
        self._journal.append(ProxySynced(now, self.node, table.version, changed))

    def _take(self, table: RuleTable) -> None:
        self.table = table
        self.table_since_s = self._clock.time()
        self.history.append(Programmed(self.table_since_s, table))
        ports = health_check_services(table)
        self.health_checks.sync_services(ports)
        self.health_checks.sync_endpoints(local_ready_counts(table, self.node, ports))

    def _clean_up(self, before: RuleTable, changed: tuple[str, ...], first: bool) -> None:
        """TCP flows stay where they are; UDP flows that lead nowhere are forgotten, as far as this release sees it."""
        clean_up(self._conntrack, self._features, before, self.table, changed, first=first)
