from __future__ import annotations

from lab.views.table import fields, table


def test_columns_are_as_wide_as_their_longest_cell_and_nothing_trails() -> None:
    assert table(("NAME", "AGE"), [("web", "5s"), ("frontend", "")]) == [
        "NAME       AGE",
        "web        5s",
        "frontend",
    ]
    assert table(("NAME", "AGE"), [("web", "5s")], headers=False) == ["web   5s"]


def test_fields_line_up_and_a_sequence_takes_a_line_an_item() -> None:
    assert fields([("Name", "web"), ("Labels", ["a=b", "c=d"]), ("Annotations", [])], indent=2) == [
        "  Name:         web",
        "  Labels:       a=b",
        "                c=d",
        "  Annotations:  <none>",
    ]
