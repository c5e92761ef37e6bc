import json
from xml.etree import ElementTree

from lab.scenario.report import CheckResult
from lab.scenario.suite import CaseResult
from lab.scenario.suite_output import case_lines, github_annotations, summary, to_json, to_junit

GOOD = CaseResult("a.yaml", "a", "passed", (CheckResult("errors == 0", True, "0", "a.yaml:7", 0.0),), wall_s=0.2)
BAD = CaseResult(
    "b.yaml",
    "b (fixed)",
    "failed",
    (
        CheckResult("success >= 99%", False, "98.2%", "b.yaml:9", 0.982),
        CheckResult("nodes == 3", True, "3", "b.yaml:10"),
    ),
)
WRONG = CaseResult("c.yaml", "c", "wrong", problems=("c.yaml:2: duratoin: there is no such key, <>", "c.yaml:3: x"))
ALL = (GOOD, BAD, WRONG)


def test_a_line_for_each_check_and_the_place_of_what_fails():
    assert list(case_lines(BAD)) == [
        "FAILED  b (fixed)  (2 checks, 0.0 s)",
        "  FAILED  success >= 99%: 98.2%  [b.yaml:9]",
        "  ok      nodes == 3: 3",
    ]


def test_quiet_says_only_what_fails():
    assert list(case_lines(GOOD, quiet=True)) == []
    assert len(list(case_lines(BAD, quiet=True))) == 2


def test_the_summary_counts_scenarios_and_checks():
    assert summary(ALL, 1.25) == "3 scenarios: 1 passed, 1 failed, 1 wrong; 3 checks in 1.2 s"


def test_json_has_every_check_with_its_figure():
    body = json.loads(to_json(ALL))
    assert body["passed"] is False
    assert body["scenarios"][1]["checks"][0] == {
        "name": "success >= 99%",
        "passed": False,
        "message": "98.2%",
        "place": "b.yaml:9",
        "value": 0.982,
    }


def test_junit_has_a_suite_for_each_scenario():
    root = ElementTree.fromstring(to_junit(ALL))
    suites = root.findall("testsuite")
    assert [(each.get("tests"), each.get("failures"), each.get("errors")) for each in suites] == [
        ("1", "0", "0"),
        ("2", "1", "0"),
        ("1", "0", "1"),
    ]
    assert suites[1].find("testcase/failure").get("message") == "98.2%"
    assert suites[2].find("testcase/error").text == "\n".join(WRONG.problems)


def test_junit_leaves_out_what_xml_cannot_hold():
    odd = CaseResult("x", "x", "wrong", problems=("a\x1b[31mred\x00",))
    assert ElementTree.fromstring(to_junit([odd])).find(".//error").text == "a[31mred"


def test_github_gets_an_annotation_at_the_line_of_each_failure():
    assert list(github_annotations(ALL)) == [
        "::error file=b.yaml,line=9,title=b (fixed)::success >= 99%25: 98.2%25",
        "::error file=c.yaml,title=c::c.yaml:2: duratoin: there is no such key, <>",
        "::error file=c.yaml,title=c::c.yaml:3: x",
    ]
