"""The lines of a run without a screen."""

from lab.scenario.headless import Second, second_lines


def second(*events):
    return Second(2.0, 60, 59, 0.087, 0.169, 6, 5, 4, 4, list(events))


FIGURES = "00:02.0    60 rps  98.3% ok  p50 87 ms   p99 169 ms  pods 5/6  nodes 4/4"


def test_a_second_is_one_line_with_what_happened_at_its_end():
    assert second_lines(second(), None) == [FIGURES]
    assert second_lines(second("node/worker-2 off", "$ lab fail node/worker-2"), None) == [
        f"{FIGURES}  node/worker-2 off; $ lab fail node/worker-2"
    ]


def test_in_a_narrow_terminal_what_happened_stands_below():
    assert second_lines(second("$ lab fail node/worker-2", "x" * 90), 80) == [
        FIGURES,
        "         $ lab fail node/worker-2",
        f"         {'x' * 70}…",
    ]
    assert all(len(line) <= 40 for line in second_lines(second("a", "b" * 50), 40))


def test_what_is_too_much_is_counted():
    (line,) = second_lines(second(*"abcdefg"), None)
    assert line == f"{FIGURES}  a; b; c; d; and 3 more"
