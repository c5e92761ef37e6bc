"""One count of everything that the ways of packets depend on: links, nodes, addresses and NetworkPolicies."""

from __future__ import annotations


class Changes:
    """How often any of it has changed: what was found at a count holds until the next."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0
