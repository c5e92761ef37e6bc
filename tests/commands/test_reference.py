from __future__ import annotations

from pathlib import Path

from lab.commands.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def test_the_page_of_commands_is_what_the_registry_says() -> None:
    assert PAGE.read_text() == reference(), "run: python -m lab.commands.reference > docs/commands.md"
