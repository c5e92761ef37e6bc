"""Lines of text with roles."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.views.spans import (
    ROLES,
    Span,
    bar,
    clip,
    columns,
    fit,
    fit_name,
    fit_text,
    join,
    line,
    plain,
    spread,
    width,
    wrap,
)

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "M", "Z")), max_size=12)
LINES = st.lists(st.tuples(TEXTS, st.sampled_from(ROLES)), max_size=6).map(lambda parts: line(*parts))


def test_neighbours_of_one_role_become_one_span() -> None:
    assert line("a", ("b", ""), ("c", "ok"), ("", "bad"), ("d", "ok")) == (Span("ab", ""), Span("cd", "ok"))


@given(LINES, st.integers(1, 40))
@settings(max_examples=50, deadline=None)
def test_a_fitted_line_takes_exactly_its_cells(spans: tuple[Span, ...], size: int) -> None:
    assert width(fit(spans, size)) == size


@given(LINES, st.integers(1, 40))
@settings(max_examples=50, deadline=None)
def test_a_clipped_line_never_takes_more(spans: tuple[Span, ...], size: int) -> None:
    assert width(clip(spans, size)) <= size


def test_what_is_cut_ends_in_an_ellipsis() -> None:
    assert plain(clip(line("worker-1", (" NotReady", "bad")), 10)) == "worker-1 …"
    assert fit_text("10.244.0.7", 6) == "10.24…"


def test_a_name_keeps_the_end_that_tells_it_from_others() -> None:
    assert fit_name("web-7f9c6d5b4-x8k2p", 14) == "web-7f9…-x8k2p"
    assert fit_name("web", 14) == "web"


def test_both_ends_of_a_line() -> None:
    assert plain(spread(line("left"), line("right"), 12)) == "left   right"
    assert plain(spread(line("much too long"), line("right"), 12)) == "much … right"


def test_a_bar_grows_with_its_share() -> None:
    assert [bar(share, 4) for share in (0.0, 0.5, 0.6, 1.0, 2.0)] == ["", "━━", "━━╸", "━━━━", "━━━━"]


def test_paragraphs_are_wrapped_and_blank_lines_stay() -> None:
    assert [plain(each) for each in wrap("one two three\n\nfour", 8)] == ["one two", "three", "", "four"]


def test_columns_line_up() -> None:
    assert list(columns([("a", "bb"), ("ccc", "d")])) == ["a    bb", "ccc  d"]
    assert list(columns([])) == []


def test_lines_are_joined_with_a_gap() -> None:
    assert plain(join([line("a"), (), line("b")])) == "a  b"
