"""The scenarios that come along: found in a checkout or in an installed package, listed without being loaded whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

import lab
from lab.kube.errors import LabError, nearest

FOLDERS = ("lessons", "pitfalls", "katas")
"""In the order in which they are shown."""
TOUR = "cluster-ip"
"""What `lab tour` plays."""


class Entry(NamedTuple):
    """A scenario that comes along."""

    name: str
    about: str
    folder: str
    path: Path


def scenarios_folder() -> Path:
    """Where the scenarios are: beside the package in a checkout, inside it when it is installed."""
    package = Path(lab.__file__).parent
    installed = package / "_scenarios"
    return installed if installed.is_dir() else package.parent / "scenarios"


def catalogue() -> list[Entry]:
    """Every scenario that comes along: by folder, then in the order of the file names."""
    return list(_entries(scenarios_folder()))


def find(word: str) -> Path:
    """The file that a user means: a path, or the name of a scenario that comes along; raises `LabError`."""
    path = Path(word)
    if path.is_file():
        return path
    if path.is_dir():
        inside = [file for file in sorted(path.iterdir()) if is_scenario(file)]
        if len(inside) == 1:
            return inside[0]
        raise LabError(f"{word} is a folder with {len(inside) or 'no'} scenarios in it: name the file")
    known = {entry.name: entry.path for entry in catalogue()}
    if word in known:
        return _shown(known[word])
    if "://" in word:
        raise LabError(f"{word}: scenarios are read from files; download it first: curl -LO {word}")
    if path.suffix in (".yaml", ".yml") or "/" in word:
        raise LabError(f"{word}: there is no such file")
    hint = nearest(word, known) or "; `lab list` shows those that come along"
    raise LabError(f'there is no scenario and no file "{word}"{hint}')


def _shown(path: Path) -> Path:
    """The path as a user would write it here: relative when it lies below the working directory."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _entries(root: Path) -> Iterator[Entry]:
    for folder in FOLDERS:
        for path in sorted((root / folder).glob("**/*.yaml")):
            if is_scenario(path):
                name, about = _head(path)
                yield Entry(name or path.stem, about, folder, path)


def is_scenario(path: Path) -> bool:
    """Whether a file begins with a scenario's name; manifests begin with their apiVersion or kind."""
    return path.suffix in (".yaml", ".yml") and path.is_file() and bool(_head(path)[0])


def _head(path: Path) -> tuple[str, str]:
    """`name` and `about`, read from the top of the file only: both are plain scalars of the first mapping."""
    found = {"name": "", "about": ""}
    try:
        with path.open(encoding="utf-8") as stream:
            depth, key = 0, None
            for event in yaml.parse(stream, Loader=yaml.SafeLoader):
                if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                    depth += 1
                    if depth > 1:
                        break
                elif isinstance(event, yaml.ScalarEvent):
                    if key in found:
                        found[str(key)] = event.value
                    key = event.value if key is None else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return "", ""
    return found["name"], found["about"]
