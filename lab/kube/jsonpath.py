"""kubectl's JSONPath templates: `{.items[*].metadata.name}`, ranges, filters, text in between.

https://kubernetes.io/docs/reference/kubectl/jsonpath/ . A field that is not there is nothing, and no error.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lab.kube.errors import LabError

Values = list[Any]
Step = Callable[[Values], Values]
"""From the values found so far to those that the next part of a path finds in them."""

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_NAME = re.compile(r"(?:\\.|[^\s.\[\](){}<>=!|,'\"\\])+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_SLICE = re.compile(r"\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*(?::\s*(-?\d+)?)?)?\s*\Z")
_LITERAL = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_WORDS = {"true": True, "false": False, "null": None}
MAX_LENGTH = 10_000
MAX_DEPTH = 20
"""Ranges and filters inside one another."""


@dataclass(frozen=True)
class _Text:
    text: str


@dataclass(frozen=True)
class _Path:
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class _Range:
    path: _Path
    body: tuple[_Part, ...]


_Part = _Text | _Path | _Range


class Template:
    """A template that was read; raises LabError that says where it is none."""

    def __init__(self, text: str) -> None:
        self._parts = _Reader(text).template()

    def fill(self, data: Any) -> str:
        """The text of it for JSON values; several values of one path stand with a space between."""
        return "".join(_filled(self._parts, data, data))


def values(path: str, data: Any) -> Values:
    """What a bare path finds: `.metadata.name`, `metadata.name` or `{.metadata.name}`, as `--sort-by` takes it."""
    inner = path.strip().removeprefix("{").removesuffix("}")
    reader = _Reader(f"{{{inner if inner.startswith(('.', '[', '$', '@')) else f'.{inner}'}}}")
    return [value for part in reader.template() if isinstance(part, _Path) for value in _found(part, data, data)]


def text_of(value: Any) -> str:
    """A value as kubectl prints it: text bare, objects and lists as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


# -- filling in -----------------------------------------------------------------------------------------------------


class _Root:
    """Stands for the whole document at the beginning of a path."""


_ROOT = _Root()


def _filled(parts: Sequence[_Part], here: Any, root: Any) -> Iterator[str]:
    for part in parts:
        if isinstance(part, _Text):
            yield part.text
        elif isinstance(part, _Path):
            yield " ".join(map(text_of, _found(part, here, root)))
        else:
            for each in _found(part.path, here, root):
                yield from _filled(part.body, each, root)


def _found(path: _Path, here: Any, root: Any) -> Values:
    found: Values = [here]
    for step in path.steps:
        found = [root if value is _ROOT else value for value in step(found)]
    return found


def _field(name: str) -> Step:
    return lambda found: [value[name] for value in found if isinstance(value, dict) and name in value]


def _children(found: Values) -> Values:
    lists = (value.values() if isinstance(value, dict) else value for value in found if isinstance(value, dict | list))
    return [child for each in lists for child in each]


def _descendants(found: Values) -> Values:
    """Every list and mapping among the values and below them; each comes before what is in it."""
    every: Values = []
    waiting = found[::-1]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list) and value:
            every.append(value)
            waiting.extend(_children([value])[::-1])
    return every


def _part_of_list(begin: int | None, end: int | None, step: int | None) -> Step:
    return lambda found: [child for value in found if isinstance(value, list) for child in value[begin:end:step]]


def _at(index: int) -> Step:
    return lambda found: [
        value[index] for value in found if isinstance(value, list) and -len(value) <= index < len(value)
    ]


def _any_of(steps: Sequence[Step]) -> Step:
    return lambda found: [each for step in steps for each in step(found)]


def _where(holds: Callable[[Any], bool]) -> Step:
    return lambda found: [child for value in found if isinstance(value, list) for child in value if holds(child)]


# -- reading --------------------------------------------------------------------------------------------------------


class _Reader:
    def __init__(self, text: str, depth: int = 0) -> None:
        if len(text) > MAX_LENGTH:
            raise LabError(f"error parsing jsonpath: longer than {MAX_LENGTH:,} characters")
        self._text = text
        self._at = 0
        self._depth = depth

    def template(self) -> tuple[_Part, ...]:
        """The whole of it."""
        return self._parts(inside=False)

    def _parts(self, *, inside: bool) -> tuple[_Part, ...]:
        parts: list[_Part] = []
        while self._at < len(self._text):
            brace = self._text.find("{", self._at)
            end = brace if brace >= 0 else len(self._text)
            if end > self._at:
                parts.append(_Text(self._text[self._at : end]))
            self._at = end
            if brace < 0:
                break
            self._at += 1
            if self._word("end"):
                if not inside:
                    raise self._fault("{end} without {range}")
                return tuple(parts)
            parts.extend(self._action())
        if inside:
            raise self._fault("{range} without {end}")
        return tuple(parts)

    def _action(self) -> Iterable[_Part]:
        """What stands between braces; they may hold several things."""
        if self._word("range", ends=False):
            path = self._path()
            self._expect("}")
            with self._nested():
                return (_Range(path, self._parts(inside=True)),)
        parts: list[_Part] = []
        while not self._skip("}"):
            literal = _LITERAL.match(self._text, self._at)
            if literal is not None:
                self._at = literal.end()
                parts.append(_Text(_unescaped(literal[0])))
            else:
                parts.append(self._path())
        return parts

    def _word(self, word: str, *, ends: bool = True) -> bool:
        after = r"\s*}" if ends else r"\s+"
        found = re.compile(rf"\s*{word}{after}").match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return found is not None

    def _path(self) -> _Path:
        steps: list[Step] = []
        self._blanks()
        begun = self._at
        while self._at < len(self._text):
            if self._skip("$"):
                steps.append(lambda found: [_ROOT])
            elif self._skip("@"):
                steps.append(lambda found: found)
            elif self._skip(".."):
                steps.append(_descendants)
                if self._peek() not in "[.}":
                    steps.append(self._name())
            elif self._skip("."):
                if self._peek() in (" ", "}", ")", ""):
                    steps.append(lambda found: found)
                elif self._peek() != "[":
                    steps.append(self._name())
            elif self._skip("["):
                steps.append(self._bracket())
            else:
                break
        if self._at == begun:
            raise self._fault("expected a path such as .metadata.name")
        return _Path(tuple(steps))

    def _name(self) -> Step:
        if self._skip("*"):
            return _children
        found = _NAME.match(self._text, self._at)
        if found is None:
            raise self._fault("expected the name of a field")
        self._at = found.end()
        return _field(_ESCAPE.sub(r"\1", found[0]))

    def _bracket(self) -> Step:
        if self._skip("?("):
            with self._nested():
                return self._filter()
        end = self._end_of_bracket()
        inside, self._at = self._text[self._at : end], end + 1
        return _any_of([self._selector(each) for each in _split(inside)])

    def _end_of_bracket(self) -> int:
        at = self._at
        while at < len(self._text) and self._text[at] != "]":
            literal = _LITERAL.match(self._text, at)
            at = literal.end() if literal is not None else at + 1
        if at >= len(self._text):
            raise self._fault("unterminated array")
        return at

    def _selector(self, text: str) -> Step:
        text = text.strip()
        if text == "*":
            return _children
        if _LITERAL.fullmatch(text):
            # As kubectl has it: dots in the quotes part names, unless a backslash stands before them.
            return self._path_in_quotes(text[1:-1])
        found = _SLICE.match(text)
        if found is None or not text:
            raise self._fault(f"invalid array index {text}")
        begin, end, step = (int(part) if part else None for part in found.groups())
        if step == 0:
            raise self._fault("step must not be 0")
        return _part_of_list(begin, end, step) if ":" in text else _at(begin or 0)

    def _path_in_quotes(self, text: str) -> Step:
        with self._nested():
            parts = _Reader(f"{{.{text}}}", self._depth).template()
        path = parts[0] if len(parts) == 1 else None
        if not isinstance(path, _Path):
            raise self._fault(f"expected a name and not {text}")
        return lambda found: [each for value in found for each in _found(path, value, value)]

    def _filter(self) -> Step:
        left = self._operand()
        self._blanks()
        sign = next((each for each in _COMPARISONS if self._skip(each)), "")
        if not sign:
            self._expect(")]")
            return _where(lambda item: bool(left(item)))
        right = self._operand()
        self._expect(")]")
        compare = _COMPARISONS[sign]
        return _where(lambda item: any(_compares(compare, a, b) for a in left(item) for b in right(item)))

    def _operand(self) -> Callable[[Any], Values]:
        self._blanks()
        for pattern, read in ((_LITERAL, _unescaped), (_NUMBER, float)):
            found = pattern.match(self._text, self._at)
            if found is not None:
                self._at = found.end()
                literal = read(found[0])
                return lambda item: [literal]
        for word, value in _WORDS.items():
            if self._skip(word):
                return lambda item, value=value: [value]  # type: ignore[misc]
        path = self._path()
        return lambda item: _found(path, item, item)

    @contextmanager
    def _nested(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._fault(f"nested more than {MAX_DEPTH} levels deep")
        yield
        self._depth -= 1

    # -- letters ----------------------------------------------------------------------------------------------------

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self, text: str) -> bool:
        if text == "}":
            self._blanks()
            if self._at >= len(self._text):
                raise self._fault("unclosed action")
        found = self._text.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _blanks(self) -> None:
        while self._peek().isspace():
            self._at += 1

    def _expect(self, text: str) -> None:
        self._blanks()
        if not self._text.startswith(text, self._at):
            raise self._fault(f"expected {text}")
        self._at += len(text)

    def _fault(self, what: str) -> LabError:
        return LabError(f"error parsing jsonpath {self._text}, {what} at character {self._at + 1}")


def _unescaped(literal: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), literal[1:-1])


def _split(text: str) -> list[str]:
    """The parts of a union, at commas that stand in no quotes."""
    parts, at, begun = [], 0, 0
    while at < len(text):
        literal = _LITERAL.match(text, at)
        if text[at] == ",":
            parts.append(text[begun:at])
            begun = at + 1
        at = literal.end() if literal is not None else at + 1
    return [*parts, text[begun:]]


def _compares(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    try:
        return compare(left, right)
    except TypeError:
        return False
