"""A command that was given: what it has printed so far, whether it is over, and how it ended."""

from __future__ import annotations

from collections.abc import Callable


class Execution:
    """Output of one command. `curl` and its like go on printing while the clock runs; `done` tells when it is over."""

    def __init__(self, text: str, by: str) -> None:
        self.text = text
        self.by = by
        self.output: list[str] = []
        self.error = ""
        self.done = False
        self.on_output: list[Callable[[list[str]], object]] = []
        """Called with the new lines, each time there are some."""
        self.on_done: list[Callable[[Execution], object]] = []
        """Called once, when it is over."""

    def say(self, *lines: str) -> None:
        """Print lines."""
        new = [part for line in lines for part in (line.split("\n") if line else [""])]
        self.output += new
        for callback in self.on_output:
            callback(new)

    def finish(self, error: str = "") -> None:
        """It is over; an error is what the user is told of it. Only the first call counts."""
        if self.done:
            return
        self.error, self.done = error, True
        for callback in self.on_done:
            callback(self)
