"""The same file and seed give the same journal: under any hash seed of Python, on every Python, byte for byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

HOME = Path(__file__).parent.parent
SMOKE = Path(__file__).parent / "scenario" / "files" / "smoke.yaml"
OTHER_PYTHONS = [path for path in sorted(HOME.glob(".venv-3.*/bin/python")) if path.exists()]
"""Environments that `make envs` made."""
THIS = f".venv-{sys.version_info.major}.{sys.version_info.minor}"


def run(python: Path | str, hash_seed: str, *words: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    ended = subprocess.run(
        [str(python), "-m", "lab", *words], capture_output=True, text=True, env=environment, cwd=HOME, timeout=900
    )
    assert ended.returncode in (0, 1), ended.stdout[-2000:] + ended.stderr
    return ended.stdout


@cache
def journals(python: Path | str, hash_seed: str) -> dict[str, str]:
    """The journal's hash of everything that comes along, every variant and every solution of it."""
    told = json.loads(run(python, hash_seed, "test", "scenarios", str(SMOKE.relative_to(HOME)), "-o", "json"))
    found = {f"{each['file']}: {each['scenario']}": each["journal"] for each in told["scenarios"]}
    assert len(found) == len(told["scenarios"])
    assert all(len(digest) == 64 for digest in found.values())
    return found


def test_every_scenario_played_twice_has_the_same_journal_whatever_python_hashes():
    assert journals(sys.executable, "1") == journals(sys.executable, "4242")


@pytest.mark.skipif(not OTHER_PYTHONS, reason="no environment of another Python: make envs")
@pytest.mark.parametrize("python", OTHER_PYTHONS, ids=lambda path: path.parts[-3])
def test_every_scenario_has_the_same_journal_on_every_python(python: Path):
    if python.parts[-3] == THIS:
        pytest.skip("the same Python as this one")
    assert journals(python, "7") == journals(sys.executable, "1")


def test_the_journal_is_the_same_byte_for_byte(tmp_path: Path):
    files = [tmp_path / "first", tmp_path / "second"]
    for file, hash_seed in zip(files, ("1", "4242"), strict=True):
        run(sys.executable, hash_seed, "play", str(SMOKE), "--headless", "--journal", str(file))
    first, second = (file.read_bytes() for file in files)
    assert first == second
    assert first.count(b"\n") > 100
