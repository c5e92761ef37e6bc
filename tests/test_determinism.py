"""Two processes with different hash seeds play the same journal, byte for byte."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.scenario.catalogue import catalogue

SMOKE = Path(__file__).parent / "scenario" / "files" / "smoke.yaml"


def play(path, hash_seed, journal):
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    words = [sys.executable, "-m", "lab", "play", str(path), "--headless", "--journal", str(journal)]
    run = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=300)
    assert run.returncode in (0, 1), run.stderr
    return run.stdout, journal.read_bytes()


STORIES = {"smoke": SMOKE} | {entry.name: entry.path for entry in catalogue() if entry.folder == "lessons"}


@pytest.mark.parametrize("name", STORIES)
def test_the_hash_seed_of_python_changes_nothing(name, tmp_path):
    first = play(STORIES[name], "1", tmp_path / "first")
    second = play(STORIES[name], "4242", tmp_path / "second")
    assert first[0].split("journal ")[-1] == second[0].split("journal ")[-1]
    assert first == second
