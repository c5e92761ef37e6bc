"""Any moment of a run again, and what would have happened otherwise.

A run cannot be turned back, but it can be had again: from its beginning, or from another run of the same log that was
left standing on the way. A few such runs are kept at spread moments; they are made when there is time to spare.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

from lab.clock import ClockError
from lab.scenario.comparison import Comparison, compare
from lab.scenario.log import Listeners, Log
from lab.scenario.player import Player

MOST_KEPT = 6
"""How many runs are left standing on the way, at most."""
_SPACING = 12_000
"""Events of the journal between two of them: what is run in about a tenth of a second."""
_BOOT_STEP_S = 20.0


@dataclass
class Branch:
    """One way that the run has gone."""

    name: str
    parent: str = ""
    """The branch that it left; empty for the first."""
    from_s: float = 0.0
    """When it left it."""
    end_s: float = 0.0
    """The newest moment that it has reached."""
    log: Log = field(default_factory=Log)
    """What was given in it, from the beginning on."""

    @property
    def own_commands(self) -> list[str]:
        """What was given since it left its parent."""
        return [given.text for given in self.log.given if given.time_s >= self.from_s]


class Timeline:
    """One run and its branches; `player` is where somebody looks."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.branch = Branch("first", log=player.log)
        self.branches = [self.branch]
        self._kept: list[Player] = []
        self._progress: list[tuple[float, int]] = []
        """How long the journal was at which moment, for the spacing."""
        self._builder: tuple[Player, Iterator[float]] | None = None

    # -- where we are ---------------------------------------------------------------------------------------

    @property
    def end_s(self) -> float:
        """The newest moment of the present branch."""
        return max(self.branch.end_s, self.player.engine.now)

    @property
    def in_past(self) -> bool:
        """Whether the branch has been further than where we look."""
        return self.player.engine.now < self.branch.end_s

    def note(self) -> None:
        """Time has gone on: remember how far."""
        now, events = self.player.engine.now, len(self.player.engine.journal)
        if now > self.branch.end_s:
            self.branch.end_s = now
            if not self._progress or events >= self._progress[-1][1] + _SPACING // 4:
                self._progress.append((now, events))

    # -- seeking ----------------------------------------------------------------------------------------------

    def seek(self, when_s: float) -> Iterator[float]:
        """Go to a moment, a slice at a time: yields the moment that was come to, and has arrived when it ends.

        `player` is another one then, unless the moment lies just ahead. Raises `ClockError`.
        """
        self.note()
        when_s = min(max(when_s, 0.0), self.end_s)
        target = self._nearest(when_s)
        yield from self._run(target, when_s)
        if target is not self.player:
            self._keep(self.player)
            self._hand_on(target)

    def _hand_on(self, target: Player) -> None:
        """Look at another run; whoever followed the one before follows it."""
        before, self.player = self.player, target
        target.engine.speed, target.engine.paused = before.engine.speed, True
        target.waits, before.waits = before.waits, False
        if target.kata is not None and before.kata is not None:
            target.kata.hints_shown = before.kata.hints_shown
        target.listeners, before.listeners = before.listeners, Listeners()
        for listener in target.listeners.moved:
            listener(target, False)

    def _nearest(self, when_s: float) -> Player:
        """The run of this branch that stands closest before a moment, or one that has not begun."""
        candidates = [each for each in (self.player, *self._kept) if each.engine.now <= when_s]
        found = max(candidates, key=lambda each: each.engine.now, default=None)
        if found is None:
            return self._fresh()
        self._kept = [each for each in self._kept if each is not found]
        found.go_on_with(self.branch.log)
        return found

    def _fresh(self) -> Player:
        return Player(self.player.scenario, seed=self.player.seed, again=self.branch.log)

    def _run(self, player: Player, when_s: float, budget_s: float = 0.01) -> Iterator[float]:
        """Run a player to a moment in slices; one that has not begun boots first."""
        if not player.begun:
            player.boot()
            while not player.engine.run_until(min(player.engine.now + _BOOT_STEP_S, 0.0), budget_s) or (
                player.engine.now < 0.0
            ):
                yield player.engine.now
            player.begin()
        while not player.run_until(when_s, budget_s):
            yield player.engine.now

    # -- runs that stand on the way -----------------------------------------------------------------------------

    def tend(self, budget_s: float) -> None:
        """Use spare time to have a run standing where there is none near."""
        if self._builder is None:
            moment_s = self._gap()
            if moment_s is None:
                return
            player = self._fresh()
            self._builder = (player, self._run(player, moment_s, budget_s))
        player, work = self._builder
        if next(work, None) is None:
            self._kept.append(player)
            self._builder = None

    def _gap(self) -> float | None:
        """A moment from which on much would have to be run again; None when every one is near a kept run."""
        if len(self._kept) >= MOST_KEPT:
            return None
        standing = deque(sorted(player.engine.now for player in self._kept))
        most = max(_SPACING, (self._progress[-1][1] if self._progress else 0) // MOST_KEPT)
        before = 0
        for moment_s, events in self._progress:
            while standing and standing[0] <= moment_s:
                standing.popleft()
                before = events
            if events - before >= most and moment_s < self.branch.end_s:
                return moment_s
        return None

    def _keep(self, player: Player) -> None:
        """Leave a run standing where it is; of too many, the one that stands closest to another goes."""
        self._kept.append(player)
        if len(self._kept) <= MOST_KEPT + 1:
            return
        ordered = sorted(self._kept, key=lambda each: each.engine.now)
        spaces = [b.engine.now - a.engine.now for a, b in pairwise(ordered)]
        close(ordered.pop(spaces.index(min(spaces))))
        self._kept = ordered

    # -- branches -----------------------------------------------------------------------------------------------

    def leave(self) -> bool:
        """Before something is done by hand: in the past, it begins another branch. Whether it does."""
        self.note()
        if not self.in_past:
            return False
        now_s, old = self.player.engine.now, self.branch
        self.player.forget_what_follows()
        number = len(self.branches)
        self.branch = Branch(f"branch {number}", old.name, now_s, now_s, self.player.log)
        self.branches.append(self.branch)
        for player in [each for each in self._kept if each.engine.now > now_s]:
            close(player)
        self._kept = [each for each in self._kept if each.engine.now <= now_s]
        self._progress = [(at_s, events) for at_s, events in self._progress if at_s <= now_s]
        self._builder = None
        for listener in self.player.listeners.moved:
            listener(self.player, True)
        return True

    def comparing(self) -> Iterator[Comparison | None]:
        """All branches up to the last moment that every one has reached; yields None until it is known."""
        self.note()
        until_s = min(branch.end_s for branch in self.branches)
        reports = []
        for branch in self.branches:
            player = Player(self.player.scenario, seed=self.player.seed, again=branch.log)
            for _ in self._run(player, until_s):
                yield None
            reports.append((branch.name, player.report()))
            close(player)
        yield compare(self.player.scenario.title, reports)

    def close(self) -> None:
        """End every run but the one that somebody looks at."""
        for player in self._kept:
            close(player)
        if self._builder is not None:
            close(self._builder[0])
        self._kept, self._builder = [], None


def close(player: Player) -> None:
    """End a run that nobody looks at any more."""
    with suppress(ClockError):
        player.engine.close()
