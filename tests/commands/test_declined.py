"""What people type out of habit is answered with what to use instead."""

from __future__ import annotations

import pytest

from lab.commands import declined
from lab.commands.parser import take_apart
from lab.commands.registry import COMMANDS
from lab.commands.words import CommandError, split
from tests.commands.world import World


@pytest.mark.parametrize("words", declined.COMMANDS)
def test_a_command_that_is_not_there_says_what_is(words: str) -> None:
    lines = World().wrong(f"{words} web --some=flag").splitlines()
    assert lines[0] == f"error: {declined.COMMANDS[words]}"
    assert words not in COMMANDS


@pytest.mark.parametrize(
    ("command", "flag"), [(command, flag) for command, flags in declined.FLAGS.items() for flag in flags]
)
def test_a_flag_that_is_not_there_says_what_is(command: str, flag: str) -> None:
    assert COMMANDS[command].flag(flag) is None
    with pytest.raises(CommandError) as error:
        take_apart(split(f"{command} {flag} x"))
    assert str(error.value) == f"error: {flag}: {declined.FLAGS[command][flag]}"


@pytest.mark.parametrize("flags", ["-s", "-sS", "-sSf", "-v", "-skL", "--silent --verbose"])
def test_habits_that_change_nothing_are_taken(flags: str) -> None:
    line = take_apart(split(f"curl {flags} http://web -m 2"))
    assert [word.text for word in line.positional] == ["http://web"]
    assert "--silent" in line.flags or "--verbose" in line.flags


def test_letters_that_are_no_switches_are_no_switches() -> None:
    with pytest.raises(CommandError, match='unknown flag "-sx"'):
        take_apart(split("curl -sx http://web"))


def test_every_kind_is_listed() -> None:
    lines = World().ok("kubectl api-resources")
    assert lines[0].split() == ["NAME", "SHORTNAMES", "APIGROUP", "NAMESPACED", "KIND", "HERE"]
    rows = {line.split()[0]: line.split() for line in lines[1:]}
    assert rows["pods"] == ["pods", "po", "true", "Pod", "simulated"]
    assert rows["ingresses"] == ["ingresses", "ing", "networking.k8s.io", "true", "Ingress", "kept"]
