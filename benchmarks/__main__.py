"""Runs every benchmark, or those named, and prints a table; figures are printed and never asserted.

A benchmark is a module of this package with a function `run() -> list[Row]`; there is nothing to register.
"""

from __future__ import annotations

import importlib
import pkgutil
import platform
import sys

from rich.console import Console
from rich.table import Table

import benchmarks
from benchmarks.row import Row

_ORDER = ("cluster", "requests", "routing", "journal")
"""The cluster comes first: on Linux a new process inherits the peak memory of the one that started it."""
_NOT_BENCHMARKS = ("row",)


def found() -> list[str]:
    """The names of all benchmarks: the simulation's own first, then the others."""
    names = sorted(m.name for m in pkgutil.iter_modules(benchmarks.__path__) if m.name not in _NOT_BENCHMARKS)
    names = [name for name in names if not name.startswith("_")]
    return sorted(names, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))


def measured(name: str) -> list[Row]:
    """Run one benchmark."""
    rows: list[Row] = importlib.import_module(f"benchmarks.{name}").run()
    return rows


def table_of(rows: list[tuple[str, Row]]) -> Table:
    """The figures with their units, right-aligned."""
    table = Table(title=f"Service Lab on Python {platform.python_version()}, {platform.machine()}")
    table.add_column("benchmark", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("figure", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("note")
    for name, row in rows:
        table.add_row(name, row.what, _number(row.figure), row.unit, row.note)
    return table


def _number(figure: float) -> str:
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:,.2f}"


def main(wanted: list[str]) -> int:
    """Run the benchmarks named in `wanted`, all without names; 2 when there is no such benchmark."""
    available = found()
    unknown = [name for name in wanted if name not in available]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(available)}", file=sys.stderr)
        return 2
    console = Console(width=None if sys.stdout.isatty() else 140)
    rows: list[tuple[str, Row]] = []
    for name in wanted or available:
        with console.status(f"{name} ..."):
            rows += [(name, row) for row in measured(name)]
    console.print(table_of(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
