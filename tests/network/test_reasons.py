"""Every verdict has a reason that is explained in a sentence."""

from __future__ import annotations

import pytest

from lab.network import reasons


@pytest.mark.parametrize("code", sorted(reasons.REASONS))
def test_a_reason_is_one_plain_sentence(code: str) -> None:
    reason = reasons.REASONS[code]
    assert reason.meaning.endswith(".")
    assert code == code.lower()
    assert reason.advice == "" or reason.advice.endswith(".")


def test_every_code_that_the_network_uses_is_explained() -> None:
    codes = [value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)]
    assert sorted(codes) == sorted(reasons.REASONS)
