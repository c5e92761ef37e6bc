"""What a frame writes to the terminal: bytes and style runs are the same on every machine, milliseconds are not."""

import pytest

from benchmarks.frame import measure

pytestmark = pytest.mark.asyncio


async def test_a_busy_frame_writes_little() -> None:
    found = await measure(frames=20, per_second=200)
    assert found["bytes"] < 16_000
    assert found["runs"] < 750


async def test_a_quiet_frame_writes_next_to_nothing() -> None:
    found = await measure(frames=20, per_second=0)
    assert found["bytes"] < 1_000
