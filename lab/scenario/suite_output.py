"""What `lab test` says: lines for people, JUnit XML and JSON for machines, annotations for GitHub."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

import msgspec

from lab.scenario.report import CheckResult
from lab.scenario.suite import FAILED, PASSED, WRONG, CaseResult
from lab.views import format as fmt

_WORDS = {PASSED: "ok", FAILED: "FAILED", WRONG: "WRONG"}


def case_lines(result: CaseResult, *, quiet: bool = False) -> Iterator[str]:
    """A line for the case and one for each check; `quiet` leaves out what went well."""
    if quiet and result.outcome == PASSED:
        return
    took = f"{fmt.count(len(result.checks), 'check')}, {result.wall_s:.1f} s"
    yield f"{_WORDS[result.outcome]:<8}{result.scenario}  ({took})"
    for problem in result.problems:
        yield f"          {problem}"
    for check in result.checks:
        if not (quiet and check.passed):
            yield f"  {_word(check):<8}{_said(check)}"


def _word(check: CheckResult) -> str:
    return {True: "ok", False: "FAILED", None: "unjudged"}[check.passed]


def _said(check: CheckResult) -> str:
    text = f"{check.name}: {check.message}" if check.message else check.name
    return text if check.passed or not check.place else f"{text}  [{check.place}]"


def summary(results: Sequence[CaseResult], wall_s: float) -> str:
    """`12 scenarios: 11 passed, 1 failed; 93 checks in 4.2 s`."""
    counts = {outcome: sum(each.outcome == outcome for each in results) for outcome in (PASSED, FAILED, WRONG)}
    told = ", ".join(f"{number} {outcome}" for outcome, number in counts.items() if number or outcome == PASSED)
    checks = sum(len(each.checks) for each in results)
    return f"{fmt.count(len(results), 'scenario')}: {told}; {fmt.count(checks, 'check')} in {wall_s:.1f} s"


def to_json(results: Sequence[CaseResult]) -> str:
    """All results as one JSON document."""
    body = {"passed": all(each.outcome == PASSED for each in results), "scenarios": list(results)}
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()


def to_junit(results: Sequence[CaseResult]) -> str:
    """JUnit XML: a suite for each scenario, a case for each check; a file that is wrong is an error.

    https://github.com/testmoapp/junitxml
    """
    root = ElementTree.Element("testsuites", name="lab test")
    for result in results:
        root.append(_suite(result))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(result: CaseResult) -> ElementTree.Element:
    failed = sum(not check.passed for check in result.checks)
    suite = ElementTree.Element(
        "testsuite",
        name=_clean(result.scenario),
        file=_clean(result.file),
        tests=str(max(len(result.checks), 1)),
        failures=str(failed),
        errors=str(int(result.outcome == WRONG)),
        time=f"{result.wall_s:.3f}",
    )
    for check in result.checks:
        case = ElementTree.SubElement(suite, "testcase", classname=_clean(result.scenario), name=_clean(check.name))
        if not check.passed:
            message = _clean(check.message or "not judged")
            ElementTree.SubElement(case, "failure", message=message).text = _clean(_said(check))
    if not result.checks:
        case = ElementTree.SubElement(suite, "testcase", classname=_clean(result.scenario), name="plays")
        if result.outcome == WRONG:
            text = _clean("\n".join(result.problems))
            ElementTree.SubElement(case, "error", message=text.partition("\n")[0]).text = text
    return suite


def _clean(text: str) -> str:
    """The text without what XML 1.0 cannot hold."""
    return "".join(each for each in text if each in "\t\n\r" or each >= " ")


def github_annotations(results: Sequence[CaseResult]) -> Iterator[str]:
    """GitHub's workflow commands, one for each failed check and each problem.

    https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
    """
    for result in results:
        for problem in result.problems:
            yield _annotation(result.file, problem, result.scenario)
        for check in result.checks:
            if not check.passed:
                yield _annotation(check.place or result.file, f"{check.name}: {check.message}", result.scenario)


def _annotation(place: str, message: str, title: str) -> str:
    file, _, line = place.rpartition(":") if place.rpartition(":")[2].isdecimal() else (place, "", "")
    properties = {"file": file, "line": line, "title": title}
    said = ",".join(f"{key}={_escaped(value, ',:')}" for key, value in properties.items() if value)
    return f"::error {said}::{_escaped(message)}"


def _escaped(text: str, more: str = "") -> str:
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
