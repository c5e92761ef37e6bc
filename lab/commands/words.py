"""A typed line as words that know where they stand, and errors that point at one of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lab.kube.errors import LabError, nearest

_LIST_AT_MOST = 12


class Word(NamedTuple):
    """A word of a line, without its quotes; `start` and `end` are where it stands in the text."""

    text: str
    start: int
    end: int

    def part(self, begin: int, end: int | None = None) -> Word:
        """A stretch of the word as a word of its own, for `--flag=value`."""
        text = self.text[begin:end]
        start = min(self.start + begin, self.end)
        return Word(text, start, min(start + len(text), self.end) if end is not None else self.end)


class CommandError(LabError):
    """A line that is no command; `word` is where it goes wrong, `known` what could stand there."""

    def __init__(self, message: str, word: Word | None = None, known: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.word = word
        self.hint = _hint(word, list(dict.fromkeys(known)))

    def shown(self, text: str) -> str:
        """The message, the line, and a row of carets under the word with the nearest name that is known."""
        message = str(self)
        if self.word is None:
            return f"{message}\n{self.hint}" if self.hint else message
        carets = "^" * max(self.word.end - self.word.start, 1)
        line = text.replace("\t", " ").replace("\n", " ")
        return f"{message}\n  {line}\n  {'':{self.word.start}}{carets} {self.hint}".rstrip()


def _hint(word: Word | None, known: list[str]) -> str:
    close = nearest(word.text, known).removeprefix(", ") if word is not None and word.text else ""
    if close or not known:
        return close
    names = ", ".join(known[:_LIST_AT_MOST])
    return f"expected {names}{' and others' if len(known) > _LIST_AT_MOST else ''}"


def split(text: str) -> list[Word]:
    """The words of a line, as a shell would see them: quotes group, a backslash takes the next character as it is.

    Raises CommandError when a quote is not closed.
    """
    words: list[Word] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        word = _word_at(text, position)
        words.append(word)
        position = word.end
    return words


def _word_at(text: str, start: int) -> Word:
    letters: list[str] = []
    quote = ""
    position = start
    while position < len(text):
        letter = text[position]
        if letter == "\\" and quote != "'" and position + 1 < len(text):
            position += 1
            letters.append(text[position])
        elif quote:
            if letter == quote:
                quote = ""
            else:
                letters.append(letter)
        elif letter in "'\"":
            quote = letter
        elif letter.isspace():
            break
        else:
            letters.append(letter)
        position += 1
    if quote:
        raise CommandError(f"error: this quote ({quote}) is not closed", Word(text[start:], start, len(text)))
    return Word("".join(letters), start, position)
