"""Fewer frames when the machine lags, more again when it has recovered."""

from lab.tui.pacer import Pacer


def run(pacer: Pacer, gaps: list[float], start: float = 0.0) -> tuple[list[float], float]:
    now, frames = start, []
    for gap in gaps:
        now += gap
        elapsed = pacer.tick(now)
        if elapsed is not None:
            frames.append(round(elapsed, 6))
    return frames, now


def test_every_tick_is_a_frame_when_all_is_well() -> None:
    frames, _ = run(Pacer(10), [0.1] * 5)
    assert frames == [0.1] * 5


def test_a_lagging_loop_halves_the_rate() -> None:
    pacer = Pacer(10)
    run(pacer, [0.3] * 4)
    assert pacer.fps == 5.0


def test_no_time_is_lost_between_frames() -> None:
    pacer = Pacer(10)
    frames, now = run(pacer, [0.1] + [0.3] * 7)
    assert abs(sum(frames) - now) < 0.31


def test_it_recovers_slowly() -> None:
    pacer = Pacer(10)
    _, now = run(pacer, [0.3] * 4)
    _, now = run(pacer, [0.1] * 39, now)
    assert pacer.fps == 5.0
    run(pacer, [0.1] * 2, now)
    assert pacer.fps == 10.0


def test_one_late_frame_changes_nothing() -> None:
    pacer = Pacer(10)
    run(pacer, [0.1, 0.5, 0.1, 0.1])
    assert pacer.fps == 10.0


def test_time_at_rest_does_not_count() -> None:
    pacer = Pacer(10)
    run(pacer, [0.1])
    pacer.rest()
    assert pacer.tick(1000.0) == 0.1
