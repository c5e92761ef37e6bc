import pytest

from lab.kube.errors import LabError
from lab.scenario.notation import parse_rate, parse_share


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
