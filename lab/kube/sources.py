"""Where manifests come from: files, folders and stdin, as texts with the names that faults call them by."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from lab.kube.errors import ManifestError

SUFFIXES = (".yaml", ".yml", ".json")
STDIN = "-"
_URL = re.compile(r"[a-z]+://")


class Source(NamedTuple):
    """A text, or why it cannot be read, and the name that faults call it by."""

    file: str
    text: str = ""
    error: str = ""


def sources_of(path: str | Path, base: Path) -> list[Source]:
    """What a path or `-` (stdin) means; of a folder, the manifests right in it.

    Raises `ManifestError` for a path that leads nowhere.
    """
    if str(path) == STDIN:
        return [_source("stdin", sys.stdin.read)]
    if _URL.match(str(path)):
        raise ManifestError(f"{path}: manifests are read from files; download it first: curl -LO {path}")
    try:
        found = _files(Path(path), base)
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror}") from None
    return [_source(shown, partial(each.read_text, encoding="utf-8")) for each, shown in found]


def _files(source: Path, base: Path) -> list[tuple[Path, str]]:
    path = base / source
    if not path.exists():
        raise ManifestError(f"{source}: no such file or folder")
    if not path.is_dir():
        return [(path, str(source))]
    found = sorted(each for each in path.iterdir() if each.suffix in SUFFIXES and each.is_file())
    if not found:
        raise ManifestError(f"{source}: the folder has no manifest (*.yaml, *.yml or *.json)")
    return [(each, str(source / each.name)) for each in found]


def _source(file: str, read: Callable[[], str]) -> Source:
    try:
        return Source(file, read())
    except UnicodeDecodeError:
        return Source(file, error="this is not UTF-8 text")
    except OSError as error:
        return Source(file, error=f"cannot be read: {error.strerror}")
