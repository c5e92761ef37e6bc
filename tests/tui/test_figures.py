"""Which requests the figures of the status line are of."""

from lab.traffic.measure import Measurements
from lab.tui.figures import Figures


def measured() -> Measurements:
    measure = Measurements()
    for i in range(10):
        measure.tally("shoppers", "default/web", "default/web-1").record(1.5, 0.01, "ok", "")
        measure.tally("pod/default/web-1", "default/db", "default/db-1").record(1.5, 0.5, "timeout" if i else "ok", "")
    return measure


def test_the_calls_of_apps_are_not_the_clients_requests() -> None:
    figures = Figures(measured(), lambda: ["shoppers", "not-yet"])
    figures.update(2.0, 1.0)
    assert figures.counts == (10, 10)
    assert figures.total_rate == 5.0
    assert figures.latency[1] < 0.1


def test_without_clients_everything_counts() -> None:
    figures = Figures(measured())
    figures.update(2.0, 1.0)
    assert figures.counts == (20, 11)
    assert figures.total_rate == 10.0
