from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.commands.words import CommandError, Word, split


def test_words_know_where_they_stand() -> None:
    assert split("kubectl  get 'a b'") == [Word("kubectl", 0, 7), Word("get", 9, 12), Word("a b", 13, 18)]


def test_quotes_group_and_a_backslash_takes_the_next_character_as_it_is() -> None:
    assert [word.text for word in split(r"""-p '{"a": "b c"}' x\ y "it's" --k="v w" """)] == [
        "-p",
        '{"a": "b c"}',
        "x y",
        "it's",
        "--k=v w",
    ]


def test_an_open_quote_is_pointed_at() -> None:
    with pytest.raises(CommandError) as caught:
        split("kubectl get 'pods")
    assert caught.value.shown("kubectl get 'pods").splitlines()[1:] == ["  kubectl get 'pods", "              ^^^^^"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(alphabet="ab =/'\"\\{}:-", min_size=1), max_size=5))
def test_what_a_shell_would_quote_is_read_back(parts: list[str]) -> None:
    assert [word.text for word in split(shlex.join(parts))] == parts


def test_the_nearest_name_is_offered_and_else_what_there_is() -> None:
    word = Word("wbe", 4, 7)
    assert CommandError("no", word, ["web", "api"]).shown("get wbe") == 'no\n  get wbe\n      ^^^ did you mean "web"?'
    assert CommandError("no", word, ["x", "y"]).shown("get wbe") == "no\n  get wbe\n      ^^^ expected x, y"
