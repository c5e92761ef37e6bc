"""Why: the account of one connection, from the rules that its node then had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.tui.screens.sheet import Sheet
from lab.views.decisions import Row
from lab.views.explanation import explanation_lines, forgotten_lines
from lab.views.spans import Line

if TYPE_CHECKING:
    from lab.engine import Engine


class ExplainScreen(Sheet):
    """The sheet behind `enter` on a connection; made once, since what happened does not change."""

    def __init__(self, engine: Engine, row: Row) -> None:
        decision = row.decision
        explanation = engine.network.explain(decision.id) if decision is not None else None

        def draw(size: int) -> Sequence[Line]:
            if explanation is None:
                return forgotten_lines(decision, row.finished, size)
            return explanation_lines(explanation, size, row.finished)

        super().__init__("Why it went where it went", draw)
