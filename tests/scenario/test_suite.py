import os

import pytest

from lab.kube.errors import LabError
from lab.scenario.suite import Case, cases_in, run_case, run_cases

GOOD = "name: {name}\nduration: 2s\nexpect: [nodes ready == 3]\n"
BAD = "name: bad\nduration: 2s\nexpect: [nodes ready == 4]\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.yaml").write_text(GOOD.format(name="a"))
    (tmp_path / "deep" / "b.yml").write_text(GOOD.format(name="b") + "variants: {one: {}, two: {seed: 5}}\n")
    (tmp_path / "manifest.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n")
    return tmp_path


def test_a_folder_holds_a_case_for_every_variant_of_every_scenario_below_it(folder):
    cases, _ = cases_in([str(folder)])
    assert [(case.file.removeprefix(f"{folder}/"), case.variant) for case in cases] == [
        ("a.yaml", ""),
        ("deep/b.yml", "one"),
        ("deep/b.yml", "two"),
    ]


def test_a_file_that_is_named_twice_is_played_once(folder):
    assert len(cases_in([str(folder), str(folder / "a.yaml")])[0]) == 3


def test_a_name_of_the_catalogue_is_a_case_too():
    [case], _ = cases_in(["cluster-ip"])
    assert case.file.endswith("scenarios/lessons/1-cluster-ip/lesson.yaml")


def test_only_those_whose_title_has_a_text(folder):
    assert [case.variant for case in cases_in([str(folder)], only="(two)")[0]] == ["two"]


def test_a_file_that_is_wrong_is_a_result_at_once_and_the_others_are_cases(folder):
    (folder / "c.yaml").write_text("name: c\nduratoin: 3s\n")
    cases, [wrong] = cases_in([str(folder), str(folder / "c.yaml")])
    assert (wrong.outcome, wrong.problems[0].partition("c.yaml:")[2]) == (
        "wrong",
        '2: duratoin: there is no such key, did you mean "duration"?',
    )
    assert len(cases) == 3


@pytest.mark.parametrize("word", ["nowhere/", "clustr-ip"])
def test_a_word_that_leads_nowhere_is_refused(word):
    with pytest.raises(LabError):
        cases_in([word])


def test_a_folder_without_scenarios_is_refused(tmp_path):
    with pytest.raises(LabError, match="there is no scenario in this folder"):
        cases_in([str(tmp_path)])


def test_a_case_passes_when_all_its_checks_do(folder):
    result = run_case(Case(str(folder / "a.yaml")))
    assert (result.outcome, [check.passed for check in result.checks]) == ("passed", [True])
    assert result.checks[0].value == 3.0
    (folder / "bad.yaml").write_text(BAD)
    assert run_case(Case(str(folder / "bad.yaml"))).outcome == "failed"


def test_what_cannot_be_played_is_wrong_and_never_raises(folder):
    (folder / "full.yaml").write_text(
        "name: full\nmanifests:\n"
        "  - {apiVersion: v1, kind: Service, metadata: {name: UP}, spec: {ports: [{port: 80}]}}\n"
    )
    result = run_case(Case(str(folder / "full.yaml")))
    assert result.outcome == "wrong"
    assert "metadata.name" in result.problems[0]


def test_processes_give_the_same_results_as_one(folder):
    cases, _ = cases_in([str(folder)])

    def told(played):
        return sorted((case, each.scenario, each.outcome, each.journal) for case, each in played)

    assert told(run_cases(cases, jobs=2)) == told(run_cases(cases, jobs=1))


def test_a_process_that_dies_costs_no_result_of_another_case(folder):
    (folder / "dies.yaml").write_text(GOOD.format(name="dies"))
    cases, _ = cases_in([str(folder)])
    found = {each.scenario: each.outcome for _, each in run_cases(cases, jobs=2, run=_die_at_dies)}
    assert found == {"a": "passed", "b (one)": "passed", "b (two)": "passed", "dies": "wrong"}


def _die_at_dies(case):
    if case.file.endswith("dies.yaml"):
        os._exit(1)
    return run_case(case)
