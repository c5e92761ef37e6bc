"""What the documents say about the tree is true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")] + sorted((ROOT / "docs").glob("*.md"))
NAMED = re.compile(r"`((?:lab|docs|scenarios|tests|benchmarks|screenshots|\.ci)/[\w./-]*)`")
LINKED = re.compile(r"\]\((?!https?:|#)([^)#]+)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_that_a_document_names_exists(document):
    text = document.read_text(encoding="utf-8")
    missing = [path for path in NAMED.findall(text) if not (ROOT / path).exists()]
    missing += [path for path in LINKED.findall(text) if not (document.parent / path).exists()]
    assert not missing


def test_the_architecture_names_every_floor_in_order():
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ][0]
    floors = [name.strip() for layer in contract["layers"] for name in layer.split("|")]
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `lab/")]
    told = [Path(path).stem for line in rows for path in re.findall(r"`(lab/[\w./]+)`", line.split("|")[1])]
    assert sorted(told[-3:]) == sorted(floors[-3:])
    assert told[:-3] == floors[:-3]


def test_every_make_target_that_a_document_names_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {
        target for path in DOCUMENTS for target in re.findall(r"`make ([a-z-]+)", path.read_text(encoding="utf-8"))
    }
    assert named <= targets


def test_the_lock_pins_everything_with_hashes_and_names_no_registry():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    pins = re.findall(r"^([a-z0-9-]+)==\S+(?: ; [^\\\n]+)? \\\n    --hash=sha256:", lock, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^\w", lock, re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert {re.split(r"[<>=]", each)[0].lower() for each in wanted} <= set(pins)
