"""What the tutorial says is what a run says."""

from __future__ import annotations

from tests.tutorial import PAGE, played, typed


def test_every_answer_on_the_page_is_that_of_a_run() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert played(page) == page, "run: python -m tests.tutorial"


def test_the_reader_types_something_in_every_section() -> None:
    sections = typed(PAGE.read_text(encoding="utf-8")).split("\n## ")[1:-1]
    assert all("\n: " in section for section in sections)
