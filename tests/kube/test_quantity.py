"""Resource quantities, as in the API reference "Quantity"."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.kube import quantity
from lab.kube.errors import LabError


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("100m", 0.1),
        ("2", 2.0),
        (2, 2.0),
        ("1.5", 1.5),
        (0.25, 0.25),
        ("2e3", 2000.0),
        ("1E2", 100.0),
        ("500u", 0.0005),
    ],
)
def test_cpu_in_cores(text, cores):
    assert quantity.cpu(text) == cores


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512Mi", 512 * 2**20),
        ("1Gi", 2**30),
        ("1.5Gi", 3 * 2**29),
        ("1k", 1000),
        ("1M", 10**6),
        ("1E", 10**18),
        ("1Ei", 2**60),
        ("128974848", 128974848),
        ("129e6", 129_000_000),
        ("0.1", 1),
    ],
)
def test_memory_in_bytes_rounded_up(text, size):
    assert quantity.memory(text) == size


def test_millicores_round_up():
    assert quantity.millicores("100m") == 100
    assert quantity.millicores("0.0001") == 1
    assert quantity.millicores("1") == 1000


@pytest.mark.parametrize("text", ["", "lots", "1 Gi", "1GB", "1mi", "--1", "1e", "m", "0x10", "1e999"])
def test_anything_else_is_refused(text):
    with pytest.raises(LabError, match="is not a quantity"):
        quantity.parse(text)


@pytest.mark.parametrize(("value", "text"), [(1, "1"), (0.5, "500m"), (2.0, "2"), ("1Gi", "1Gi")])
def test_the_api_writes_text(value, text):
    assert quantity.as_text(value) == text


@pytest.mark.parametrize(
    ("milli", "text"),
    [(0, "0"), (500, "500m"), (12_500, "12500m"), (12_000, "12"), (2_000_000, "2k"), (104_857_600_000, "104857600")],
)
def test_thousandths_are_written_with_the_largest_suffix_that_divides_them(milli, text):
    assert quantity.format_milli(milli) == text
    assert quantity.parse(text) * 1000 == milli


@pytest.mark.parametrize(
    ("one", "other", "total"),
    [("1Gi", "512Mi", "1536Mi"), ("0", "512Mi", "512Mi"), ("1", "500m", "1500m"), ("600m", "400m", "1"), (2, "2", "4")],
)
def test_a_sum_is_written_as_its_first_part_is(one, other, total):
    assert quantity.add(one, other) == total
    assert quantity.parse(quantity.subtract(total, other)) == quantity.parse(one)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 2**50))
def test_format_then_parse_is_the_same(thousandths, size):
    assert quantity.millicores(quantity.format_cpu(thousandths / 1000)) == thousandths
    assert quantity.memory(quantity.format_memory(size)) == size
