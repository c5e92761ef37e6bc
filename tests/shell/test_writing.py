"""What cannot be written is told in one sentence, whatever was to be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import cli

SMOKE = str(Path(__file__).parents[1] / "scenario" / "files" / "smoke.yaml")
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
PLAY = ("play", SMOKE, "--headless", "--until", "1s")


def lab(*words, stdout=subprocess.PIPE, unbuffered=False, before=None):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    if unbuffered:
        environment["PYTHONUNBUFFERED"] = "1"
    command = [sys.executable, "-m", "lab", *words]
    return subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment, preexec_fn=before, timeout=60
    )


@needs_full
@pytest.mark.parametrize("unbuffered", [True, False], ids=["unbuffered", "buffered"])
@pytest.mark.parametrize("words", [("list",), ("--help",), PLAY, (*PLAY, "-o", "jsonl")])
def test_a_full_disk_under_standard_output(words, unbuffered):
    with FULL.open("w") as full:
        run = lab(*words, stdout=full, unbuffered=unbuffered)
    assert run.stderr == "lab: standard output: cannot be written: No space left on device\n"
    assert run.returncode == 2


def test_a_closed_standard_output():
    run = lab("list", stdout=None, before=lambda: os.close(1))
    assert run.stderr == "lab: standard output is closed: there is nowhere to write to\n"
    assert run.returncode == 2


def test_a_closed_standard_error_and_input_are_no_hindrance():
    def close():
        os.close(0)
        os.close(2)

    run = lab(*PLAY, before=close)
    assert run.returncode == 0
    assert "journal " in run.stdout
    assert lab("play", "no-such", before=close).returncode == 2


@pytest.mark.parametrize("option", ["--journal", "--record"])
@pytest.mark.parametrize(
    ("path", "why"),
    [pytest.param(FULL, "No space left on device", marks=needs_full), (Path(__file__).parent, "Is a directory")],
)
def test_a_file_that_cannot_be_written_ends_the_run(capsys, option, path, why):
    assert cli.main([*PLAY, option, str(path)]) == 2
    assert capsys.readouterr().err == f"lab: {path}: cannot be written: {why}\n"


@needs_full
def test_a_journal_that_is_full_ends_the_run_at_once(capsys, tmp_path):
    busy = tmp_path / "busy.yaml"
    busy.write_text("name: busy\nduration: 60s\ntraffic: [{to: http://nodes/, rate: 2000}]\n", encoding="utf-8")
    assert cli.main(["play", str(busy), "--headless", "--journal", str(FULL)]) == 2
    said = capsys.readouterr()
    assert said.err == f"lab: {FULL}: cannot be written: No space left on device\n"
    assert "00:10.0" not in said.out


@needs_full
def test_test_reports_that_cannot_be_written_are_told(capsys):
    assert cli.main(["test", SMOKE, "-q", "--junit", str(FULL)]) == 2
    assert capsys.readouterr().err == f"lab: {FULL}: cannot be written: No space left on device\n"
