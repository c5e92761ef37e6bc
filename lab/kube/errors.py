"""Errors that are messages for a user: one clear sentence, never a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class LabError(Exception):
    """Something that the user asked for cannot be done; the text says what was expected instead."""


class ManifestError(LabError):
    """A manifest cannot be read. `problems` has a line for each fault, with its file, line and field path."""

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


def nearest(word: str, known: Iterable[str]) -> str:
    """`, did you mean "x"?` for the known name closest to `word`; empty when none is close."""
    name = closest(word, known)
    return f', did you mean "{name}"?' if name else ""


def closest(word: str, known: Iterable[str]) -> str:
    """The known name closest to `word`; empty when none is close."""
    names = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), list(names), n=1)
    return names[close[0]] if close else ""
