import pytest

from lab.scenario.report import CheckResult
from lab.scenario.suggestions import changed, diff, suggestions
from lab.scenario.suite import CaseResult


def failed(name, value, place="x.yaml:2"):
    return CaseResult("x.yaml", "x", "failed", (CheckResult(name, False, "", place, value),))


@pytest.mark.parametrize(
    ("name", "value", "new"),
    [
        ("success >= 99% (c, 0s to 60s)", 0.98217, "success >= 98.2%"),
        ("errors <= 1% (0s to 60s)", 0.01731, "errors <= 1.8%"),
        ("p99 <= 50ms (0s to 60s)", 0.0871, "p99 <= 88ms"),
        ("recovery <= 10s (0s to 60s)", 23.0, "recovery <= 23000ms"),
        ("pods ready web == 3 (at 60s)", 2.0, "pods ready web == 2"),
        ("skew web <= 1.5 (0s to 60s)", 1.8123, "skew web <= 1.82"),
    ],
)
def test_an_expectation_is_suggested_that_holds_for_what_was_measured(name, value, new):
    [suggestion] = suggestions([failed(name, value)])
    assert (suggestion.file, suggestion.line, suggestion.new) == ("x.yaml", 2, new)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("success == 100% (0s to 60s)", 0.5),
        ("external-ip web == pending (at 60s)", None),
        ("recovery <= 10s (0s to 60s)", float("inf")),
        ("errors != 0 (0s to 60s)", 0.0),
        ("kubectl scale deployment/web", None),
    ],
)
def test_nothing_is_suggested_where_a_number_would_not_say_it(name, value):
    assert suggestions([failed(name, value)]) == []


def test_nothing_is_suggested_for_what_holds():
    good = CaseResult("x.yaml", "x", "passed", (CheckResult("errors == 0", True, "0", "x.yaml:2", 0.0),))
    assert suggestions([good]) == []


def test_a_line_for_which_two_runs_differ_is_left_alone():
    assert suggestions([failed("errors == 0 (0s to 9s)", 1.0), failed("errors == 0 (0s to 9s)", 2.0)]) == []


def test_only_the_line_that_says_it_is_changed(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("expect:\n  - errors == 0\n  - errors == 0\n")
    wanted = suggestions([failed("errors == 0 (0s to 9s)", 4.0, f"{path}:3")])
    assert changed(str(path), wanted) == "expect:\n  - errors == 0\n  - errors == 4\n"
    assert [line for line in diff(str(path), wanted) if line[:1] in "+-"][2:] == [
        "-  - errors == 0",
        "+  - errors == 4",
    ]
    assert path.read_text() == "expect:\n  - errors == 0\n  - errors == 0\n"


def test_what_does_not_stand_on_its_line_as_written_is_left_as_it_is(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("expect:\n  - errors == ${most}\n")
    assert diff(str(path), suggestions([failed("errors == 0 (0s to 9s)", 4.0, f"{path}:2")])) == []
