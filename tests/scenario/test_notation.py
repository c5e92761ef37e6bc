import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.kube.errors import LabError
from lab.kube.time import parse_duration
from lab.scenario.notation import format_duration, parse_rate, parse_share


@pytest.mark.parametrize(("text", "rate"), [(20, 20), ("20", 20), ("20/s", 20), ("300 / m", 5), ("7200/h", 2)])
def test_a_rate_is_a_number_a_second(text, rate):
    assert parse_rate(text) == rate


@pytest.mark.parametrize(("text", "share"), [(0.25, 0.25), ("25%", 0.25), ("0.1 %", 0.001), (1, 1)])
def test_a_share_is_a_part_of_one(text, share):
    assert parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["fast", "20/day", -1, True, None, [20]])
def test_what_is_no_rate_is_an_error(text):
    with pytest.raises(LabError, match="is not a rate"):
        parse_rate(text)


@pytest.mark.parametrize("text", ["half", 2, "120%", -0.1, None, True])
def test_what_is_no_share_is_an_error(text):
    with pytest.raises(LabError, match="is not a share"):
        parse_share(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0"), (0.00025, "250 us"), (0.0123, "12.3 ms"), (2.5, "2.5 s"), (60, "1m"), (90, "1m30s")],
)
def test_durations_in_reports_have_three_figures(seconds, text):
    assert format_duration(seconds) == text


@given(st.floats(min_value=1e-6, max_value=59))
@settings(max_examples=50, deadline=None)
def test_a_duration_that_is_printed_can_be_read(seconds):
    assert parse_duration(format_duration(seconds).replace(" ", "")) == pytest.approx(seconds, rel=0.51)
