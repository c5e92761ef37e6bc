"""Whatever a failed request is counted under is explained in plain words."""

from __future__ import annotations

import pytest

from lab.network import dns_lookup, reasons
from lab.traffic import failures


def test_every_code_is_explained() -> None:
    codes = [value for name, value in vars(failures).items() if name.isupper() and isinstance(value, str)]
    assert sorted(codes) == sorted(failures.FAILURES)
    assert not set(failures.FAILURES) & set(reasons.REASONS)


@pytest.mark.parametrize("code", sorted(failures.FAILURES))
def test_a_reason_is_plain_sentences(code: str) -> None:
    reason = failures.explained(code)
    assert reason.meaning.endswith(".")
    assert len(reason.meaning.split()) > 5
    assert reason.advice == "" or reason.advice.endswith(".")


@pytest.mark.parametrize("outcome", ["nxdomain", "nodata", "timeout", "servfail", "refused"])
def test_every_end_of_a_lookup_without_an_address_has_a_reason(outcome: str) -> None:
    assert outcome in vars(dns_lookup).values()
    assert failures.of_lookup(outcome) in failures.FAILURES


def test_what_the_network_says_is_explained_by_the_network() -> None:
    assert failures.explained(reasons.NODE_DOWN) is reasons.REASONS[reasons.NODE_DOWN]
