"""A progress bar for what is made piece by piece."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")


def with_bar(results: Iterable[T], total: int) -> Iterator[T]:
    """The same results, with a bar on a terminal. It draws without a thread, since processes are forked meanwhile."""
    bar = _bar(total) if sys.stderr.isatty() and total > 1 else None
    try:
        for result in results:
            if bar is not None:
                bar.stop()
            yield result
            if bar is not None:
                bar.start()
                bar.update(bar.task_ids[0], advance=1)
                bar.refresh()
    finally:
        if bar is not None:
            bar.stop()


def _bar(total: int) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("playing"), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
    bar.add_task("playing", total=total)
    bar.start()
    bar.refresh()
    return bar
