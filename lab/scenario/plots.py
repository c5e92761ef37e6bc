"""Plots of a run as SVG that stands in a page, with matplotlib (the extra `report`; imported late: half a second)."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lab.kube.errors import LabError
from lab.scenario.history import Bucket, History, Mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OK, BAD, RATE = "#1a7f5a", "#c0392b", "#6b7785"
_LATENCIES = ((50, "#1f6fb2"), (95, "#8e5bb5"), (99, "#c2570c"))
_SIZE = (10.0, 2.6)
_MARKED = ("command", "network", "health")
MOST_LINES = 30
"""How many marks are drawn into a plot; the page lists all of them."""


def drawn(marks: Sequence[Mark]) -> list[Mark]:
    """The marks that a plot shows as numbered lines, the first one for each moment."""
    found: dict[float, Mark] = {}
    for mark in marks:
        if mark.kind in _MARKED:
            found.setdefault(round(mark.time_s, 1), mark)
    return list(found.values())[:MOST_LINES]


def check_installed() -> None:
    """Raises `LabError` when matplotlib is not there."""
    if find_spec("matplotlib") is None:
        raise LabError("a report draws with matplotlib, which is not installed: pip install 'service-lab[report]'")


def plots(history: History, end_s: float) -> list[tuple[str, str]]:
    """(title, SVG) of success and rate, and of latency, over virtual time. Needs matplotlib."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    options: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "service-lab",
        "font.family": "sans-serif",
        "font.size": 9,
    }
    seconds = [history.seconds.get(second) or Bucket() for second in range(max(1, int(end_s)))]
    found = []
    with mpl.rc_context(options):
        for title, draw in (("Requests a second, and how they ended", _success), ("Latency", _latency)):
            figure = Figure(figsize=_SIZE, layout="constrained")
            axes = figure.subplots()
            draw(axes, seconds)
            _frame(axes, history.marks, len(seconds))
            found.append((title, _svg(figure)))
    return found


def _success(axes: Axes, seconds: Sequence[Bucket]) -> None:
    moments = range(len(seconds))
    good = [bucket.ok for bucket in seconds]
    lost = [bucket.requests - bucket.ok for bucket in seconds]
    axes.stackplot(moments, good, lost, colors=(OK, BAD), labels=("answered", "not answered well"), step="post")
    axes.set_ylabel("requests/s")


def _latency(axes: Axes, seconds: Sequence[Bucket]) -> None:
    for percent, color in _LATENCIES:
        values = [
            1000.0 * bucket.latencies.percentile(percent) if bucket.requests else float("nan") for bucket in seconds
        ]
        axes.plot(values, color=color, linewidth=1.2, label=f"p{percent}")
    if any(bucket.requests for bucket in seconds):
        axes.set_yscale("log")
    axes.set_ylabel("ms")


def _latency_ms(bucket: Bucket, percent: float) -> float:
    """In milliseconds; no number, and so a gap, where nothing was asked."""
    return 1000.0 * bucket.latencies.percentile(percent) if bucket.requests else math.nan


def _frame(axes: Axes, marks: Sequence[Mark], length: int) -> None:
    for number, mark in enumerate(drawn(marks), 1):
        axes.axvline(mark.time_s, color=BAD if mark.bad else RATE, linewidth=0.8, linestyle="--")
        axes.annotate(
            str(number),
            (mark.time_s, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(2, -9),
            textcoords="offset points",
            fontsize=7,
            color="#333333",
        )
    axes.set_xlim(0, max(length - 1, 1))
    axes.set_xlabel("virtual seconds")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8, ncols=3)


def _svg(figure: Any) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    return text[text.index("<svg") :]
