"""`lab sweep`: how likely is it? One scenario over many seeds and settings."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lab.scenario.progress import with_bar
from lab.shell import OK, WRONG
from lab.shell.writing import unwritten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.sweep.plan import Plan
    from lab.sweep.runners import Made

_ABOUT = """\
Play a scenario with many seeds, and with every combination of settings, and say how its figures are distributed:
the share of runs in which each check holds and the median of its figure, with 95 % confidence intervals."""
_EXAMPLES = """\
examples:
  lab sweep rollout.yaml --seeds 1000
  lab sweep rollout.yaml --seeds 200 --set replicas=2,4,8 --csv out.csv
  lab sweep rollout.yaml --seeds 100000 --dask tcp://192.0.2.7:8786
"""


def add_sweep(parser: argparse.ArgumentParser) -> None:
    """The options of `lab sweep`."""
    parser.description, parser.epilog = _ABOUT, _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("scenario", metavar="FILE|NAME")
    add("--seeds", type=int, default=100, metavar="N", help="how many seeds (100)")
    add("--first-seed", type=int, default=1, metavar="N", help="the first of them (1)")
    add(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="NAME=A,B,C",
        help="values that a variable or a key takes in turn; several options make every combination",
    )
    add("--variant", default="", metavar="NAME", help="one variant (all)")
    add("-j", dest="jobs", type=int, default=0, metavar="N", help="how many processes (one a core)")
    add(
        "--dask",
        metavar="ADDRESS",
        help="run on the Dask cluster whose scheduler is there, such as tcp://192.0.2.7:8786",
    )
    add("--csv", metavar="FILE", help="write every figure of every run to FILE")
    add("--traceback", action="store_true", help="show where a fault of Service Lab itself happened")
    parser.set_defaults(verb=run_sweep)


def run_sweep(options: argparse.Namespace) -> int:
    """Plan, run, print; the exit status: 2 when a run could not be played. Raises `LabError`."""
    from lab.scenario.catalogue import find
    from lab.sweep.output import sweep_lines
    from lab.sweep.plan import plan
    from lab.sweep.runners import on_dask, on_this_machine

    wanted = plan(
        str(find(options.scenario)),
        seeds=options.seeds,
        first_seed=options.first_seed,
        settings=options.settings,
        variant=options.variant,
    )
    runs = on_dask(wanted, options.dask) if options.dask else on_this_machine(wanted, options.jobs)
    order = {case: index for index, case in enumerate(wanted.cases)}
    made = sorted(with_bar(runs, len(wanted.cases)), key=lambda each: order[each.case])
    for line in sweep_lines(made):
        print(line)
    if options.csv:
        _write(made, wanted, options.csv)
    return WRONG if any(each.result.problems for each in made) else OK


def _write(made: Sequence[Made], wanted: Plan, path: str) -> None:
    from lab.sweep.output import write_csv

    try:
        with open(path, "w", encoding="utf-8", newline="") as out:
            write_csv(made, wanted.settings, out)
    except OSError as error:
        raise unwritten(path, error) from None
