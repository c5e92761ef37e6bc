"""Where manifests come from: files, folders and stdin, as texts with the names that faults call them by."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from lab.kube.errors import ManifestError

SUFFIXES = (".yaml", ".yml", ".json")
STDIN = "-"


class Source(NamedTuple):
    """A text, and the name that faults call it by."""

    file: str
    text: str


def texts(source: str | Path, base: Path) -> list[Source]:
    """What a path or `-` (stdin) means. Raises `ManifestError`."""
    if str(source) == STDIN:
        return [Source("stdin", _stdin())]
    return [Source(shown, read(path, shown)) for path, shown in files(Path(source), base)]


def files(source: Path, base: Path) -> list[tuple[Path, str]]:
    """The manifests that a path means (of a folder those right in it), each with its name; raises `ManifestError`."""
    path = base / source
    if not path.exists():
        raise ManifestError(f"{source}: no such file or folder")
    if not path.is_dir():
        return [(path, str(source))]
    found = sorted(each for each in path.iterdir() if each.suffix in SUFFIXES and each.is_file())
    if not found:
        raise ManifestError(f"{source}: the folder has no manifest (*.yaml, *.yml or *.json)")
    return [(each, str(source / each.name)) for each in found]


def read(path: Path, shown: str) -> str:
    """The text of a file; raises `ManifestError`."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ManifestError(f"{shown}: this is not UTF-8 text") from None
    except OSError as error:
        raise ManifestError(f"{shown}: cannot be read: {error.strerror}") from None


def _stdin() -> str:
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise ManifestError("stdin: this is not UTF-8 text") from None
