"""The catalogue of pitfalls: each is shown, and shown to be gone with its fix; and what it tells is what happens."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import msgspec
import pytest

from lab.kube.versions import VERSIONS
from lab.scenario.catalogue import catalogue
from lab.scenario.loader import load_all
from lab.scenario.scenario import Scenario
from lab.scenario.suite import PASSED, Case, CaseResult, run_case
from lab.settings import Settings

ENTRIES = {entry.path.parent.name: entry for entry in catalogue() if entry.folder == "pitfalls"}
RUNS = [(name, variant) for name in ENTRIES for variant in ("broken", "fixed")]
OTHER_SEED = 1001

_NUMBER = re.compile(r"(?<![\w./-])\d+(?:\.\d+)?(?=%|s\b|ms\b|m\b|[ ,.:;)\n]|$)")
_LINK = re.compile(r"https://\S+")


@cache
def scenarios(name: str) -> tuple[Scenario, ...]:
    return tuple(load_all(ENTRIES[name].path))


@cache
def result(name: str, variant: str, seed: int | None = None) -> CaseResult:
    return run_case(Case(str(ENTRIES[name].path), variant, seed=seed))


def numbers(text: str) -> set[float]:
    return {float(found) for found in re.findall(r"\d+(?:\.\d+)?", text)}


def known_numbers(name: str) -> set[float]:
    """Of the file without its lesson, its manifests, what was measured, and Kubernetes' defaults and releases."""
    folder = ENTRIES[name].path.parent
    found = {0.0, 1.0}
    for path in sorted(folder.iterdir()):
        text = path.read_text(encoding="utf-8")
        if path == ENTRIES[name].path:
            before, _, rest = text.partition("\nlesson:")
            text = before + rest[rest.index("\nvariants:") :]
        found |= numbers(text)
    for variant in ("broken", "fixed"):
        for check in result(name, variant).checks:
            measured = numbers(check.message)
            found |= measured | {float(round(number)) for number in measured}
    return found | numbers(str(msgspec.structs.asdict(Settings()))) | {float(release) for release in VERSIONS}


@pytest.mark.parametrize("name", ENTRIES)
def test_it_is_told_in_three_steps_with_a_link(name: str) -> None:
    broken, fixed = scenarios(name)
    assert (broken.variant, fixed.variant) == ("broken", "fixed")
    assert re.fullmatch(r"\d\d-[a-z0-9-]+", name)
    assert broken.name == f"pitfall-{name}"
    assert [step.title for step in broken.lesson] == ["Symptom", "Mechanism", "Fix"]
    assert all(step.watch for step in broken.lesson)
    assert _LINK.search(broken.lesson[-1].text)
    assert broken.about.endswith(".")
    assert broken.duration_s <= 600
    assert any(path.suffix == ".yaml" and path != ENTRIES[name].path for path in ENTRIES[name].path.parent.iterdir())


@pytest.mark.parametrize(("name", "variant"), RUNS)
def test_the_symptom_shows_and_is_gone_with_the_fix(name: str, variant: str) -> None:
    found = result(name, variant)
    assert found.checks
    assert found.outcome == PASSED, [check for check in found.checks if not check.passed]


@pytest.mark.parametrize(("name", "variant"), RUNS)
def test_on_another_seed_too(name: str, variant: str) -> None:
    found = result(name, variant, OTHER_SEED)
    assert found.outcome == PASSED, [check for check in found.checks if not check.passed]


@pytest.mark.parametrize("name", ENTRIES)
def test_every_figure_of_the_text_is_one_of_the_file_of_the_run_or_of_kubernetes(name: str) -> None:
    known = known_numbers(name)
    for step in scenarios(name)[0].lesson:
        text = _LINK.sub("", step.text)
        told = {float(found) for found in _NUMBER.findall(text)}
        assert told <= known, f"{step.title}: {sorted(told - known)}"


def test_their_folder_says_their_number() -> None:
    assert list(ENTRIES) == sorted(ENTRIES)
    assert len({name[:2] for name in ENTRIES}) == len(ENTRIES)
    assert all(Path(entry.path).name == "scenario.yaml" for entry in ENTRIES.values())
