"""What one write takes and gives back, so that a write that fails has done nothing."""

from __future__ import annotations

from collections.abc import Callable

from lab.cluster.errors import FieldError


class Transaction:
    """`undo` takes back what was taken, last first; `afterwards` waits for the write to succeed.

    `errors` are the fields that ask for what cannot be given.
    """

    def __init__(self) -> None:
        self.errors: list[FieldError] = []
        self.undo: list[Callable[[], None]] = []
        self.afterwards: list[Callable[[], None]] = []

    def commit(self) -> None:
        """The write succeeded: give back what it no longer needs."""
        for action in self.afterwards:
            action()

    def revert(self) -> None:
        """The write failed, or was only tried."""
        for action in reversed(self.undo):
            action()
