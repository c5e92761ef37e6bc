"""Where panes stand at each size."""

import itertools

import pytest

from lab.tui.layout import PANES, Place, Wish, arrange


def overlap(one: Place, other: Place) -> bool:
    return not (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.y + one.height <= other.y
        or other.y + other.height <= one.y
    )


@pytest.mark.parametrize(("width", "height"), [(60, 13), (80, 22), (100, 30), (120, 38), (200, 48), (300, 90)])
@pytest.mark.parametrize("lesson", [False, True])
def test_panes_fill_the_body_and_never_overlap(width: int, height: int, lesson: bool) -> None:
    places = arrange(width, height, Wish(lesson=lesson, needs={"lesson": 9, "nodes": 12}))
    assert sum(place.width * place.height for place in places.values()) == width * height
    assert not any(overlap(one, other) for one, other in itertools.combinations(places.values(), 2))


def test_a_wide_terminal_shows_everything() -> None:
    assert set(arrange(120, 38, Wish(lesson=True))) == set(PANES)


def test_a_narrow_terminal_shows_nodes_lesson_and_routing() -> None:
    assert list(arrange(80, 22, Wish(lesson=True, needs={"lesson": 8}))) == ["nodes", "lesson", "routing"]


def test_a_pane_that_was_asked_for_takes_the_place_of_its_neighbour() -> None:
    places = arrange(80, 22, Wish(front=("events", "services")))
    assert list(places) == ["services", "events"]


def test_nodes_leave_before_lesson_and_routing() -> None:
    assert list(arrange(60, 13, Wish(lesson=True))) == ["lesson", "routing"]


def test_a_lesson_gets_the_lines_that_its_text_needs() -> None:
    places = arrange(80, 22, Wish(lesson=True, needs={"lesson": 8, "nodes": 20}))
    assert places["lesson"].height == 8
    assert places["routing"].height >= 5


def test_hidden_panes_give_their_place_away() -> None:
    places = arrange(120, 38, Wish(hidden=frozenset({"services", "events"})))
    assert places["nodes"].width == places["routing"].width == 120


def test_a_maximised_pane_is_alone() -> None:
    assert arrange(80, 22, Wish(maximised="events")) == {"events": Place(0, 0, 80, 22)}
