"""`lab test`: scenarios as tests, in parallel, with reports for people and for CI."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from lab.scenario.progress import with_bar
from lab.shell import FAILED, OK, WRONG
from lab.shell.writing import unwritten

if TYPE_CHECKING:
    from lab.scenario.suite import CaseResult

_ABOUT = """\
Play scenarios headless and in parallel, every variant of each, and judge what they expect.
Status 0 when all hold, 1 when a check fails, 2 when a file is wrong."""
_EXAMPLES = """\
examples:
  lab test scenarios/
  lab test rollout.yaml --set replicas=5 --junit results.xml
  lab test scenarios/ -o json > results.json
"""


def add_test(parser: argparse.ArgumentParser) -> None:
    """The options of `lab test`."""
    parser.description, parser.epilog = _ABOUT, _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("paths", metavar="PATH", nargs="+", help="scenario files, folders with some, or names of those that come along")
    add("-k", dest="only", default="", metavar="TEXT", help="only scenarios whose name (and variant) has this text")
    add("-j", dest="jobs", type=int, default=0, metavar="N", help="how many processes (one a core)")
    add("-q", dest="quiet", action="store_true", help="say only what fails")
    add("-x", dest="first", action="store_true", help="stop at the first scenario that does not pass")
    add("-o", dest="form", choices=("text", "json"), default="text", help="the form of the output")
    add("--junit", metavar="FILE", help="also write JUnit XML to FILE")
    add(
        "--github",
        action="store_true",
        help="also print annotations for GitHub (by itself where GITHUB_ACTIONS is set)",
    )
    add("--seed", type=int, metavar="N", help="draw at random from this number instead of each scenario's own")
    add("--set", dest="values", action="append", default=[], metavar="NAME=VALUE", help="give a variable another value")
    add(
        "--update",
        action="store_true",
        help="show what failed expectations would have to say, and ask before writing it",
    )
    add("--traceback", action="store_true", help="show where a fault of Service Lab itself happened")
    parser.set_defaults(verb=run_tests)


def run_tests(options: argparse.Namespace) -> int:
    """Find, play, print; the exit status. Raises `LabError` for a path that leads nowhere."""
    from lab.scenario.suite import cases_in, run_cases
    from lab.scenario.suite_output import case_lines, summary, to_json

    began = time.monotonic()
    cases, wrong = cases_in(options.paths, only=options.only, values=options.values, seed=options.seed)
    played = (result for _, result in run_cases(cases, options.jobs))
    results: list[CaseResult] = []
    for result in with_bar(chain(wrong, played), len(wrong) + len(cases)):
        results.append(result)
        if options.form == "text":
            sys.stdout.write("".join(f"{line}\n" for line in case_lines(result, quiet=options.quiet)))
            sys.stdout.flush()
        if options.first and result.outcome != "passed":
            break
    results.sort(key=lambda each: (each.file, each.scenario))
    print(to_json(results) if options.form == "json" else summary(results, time.monotonic() - began))
    _write_reports(results, options)
    if options.update:
        _update(results)
    return _status(results)


def _status(results: Sequence[CaseResult]) -> int:
    outcomes = {each.outcome for each in results}
    return WRONG if "wrong" in outcomes or not results else FAILED if "failed" in outcomes else OK


def _write_reports(results: Sequence[CaseResult], options: argparse.Namespace) -> None:
    from lab.scenario.suite_output import github_annotations, to_junit

    if options.junit:
        _write(options.junit, to_junit(results))
    if options.github or os.environ.get("GITHUB_ACTIONS") == "true":
        stream = sys.stderr if options.form == "json" else sys.stdout
        stream.write("".join(f"{line}\n" for line in github_annotations(results)))


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise unwritten(path, error) from None


def _update(results: Sequence[CaseResult]) -> None:
    """Show how expectations would have to read, and write them only when somebody at a terminal says yes."""
    from lab.scenario.suggestions import changed, diff, suggestions

    wanted = suggestions(results)
    files = [file for file in dict.fromkeys(each.file for each in wanted) if diff(file, wanted)]
    for file in files:
        print("", *diff(file, wanted), sep="\n")
    if not files:
        print("there is nothing to update")
    elif not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("\nnothing was written: --update asks first, and there is no terminal to ask at")
    elif input("\nwrite these lines? [y/N] ").strip().lower() in ("y", "yes"):
        for file in files:
            _write(file, changed(file, wanted))
