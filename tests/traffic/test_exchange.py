"""The life of one request: how it succeeds, and the form that each failure takes."""

from __future__ import annotations

import pytest

from lab.kube.errors import LabError
from tests.traffic.fakes import LATENCY_S, Bench, app


def up(bench: Bench) -> Bench:
    bench.clock.run_until(bench.clock.time() + 1.0)
    return bench


def test_a_request_takes_a_handshake_the_service_time_and_the_way_back() -> None:
    bench = Bench(app(service_s=0.01))
    bench.web()
    result = up(bench).ask()
    assert (result.outcome, result.status, result.pod) == ("ok", 200, "default/web")
    assert result.latency_s == pytest.approx(3 * LATENCY_S + 0.01 + LATENCY_S)
    assert (result.service, result.address) == ("default/web", "10.96.0.20:80")
    assert result.dns_name == "web.default.svc.cluster.local"


def test_its_end_stands_in_the_journal_beside_the_decision() -> None:
    bench = Bench(app())
    bench.web()
    result = up(bench).ask()
    event = bench.finished()[-1]
    assert (event.decision, event.outcome, event.client) == (result.decision, "ok", "internet/198.51.100.7")
    assert bench.traffic.measure.services["default/web"].requests == 1


def test_a_rejected_connection_is_refused_after_one_round_trip() -> None:
    bench = Bench(app())
    bench.network.serve("web", 80)
    result = bench.ask()
    assert (result.outcome, result.reason) == ("refused", "no-endpoints")
    assert result.latency_s == pytest.approx(2 * LATENCY_S)


def test_a_port_where_nothing_listens_is_refused() -> None:
    bench = Bench(app())
    bench.expose("web", 80, (bench.pod("web", 8080), 9999))
    assert up(bench).ask().outcome == "refused"


def test_an_app_refuses_while_it_starts() -> None:
    bench = Bench(app(startup_s=5.0))
    bench.web()
    bench.clock.run_until(4.9)
    assert bench.ask().outcome == "refused"
    bench.clock.run_until(5.1)
    assert bench.ask().outcome == "ok"


@pytest.mark.parametrize(("timeout_s", "expected_s"), [(2.0, 2.0), (0.0, 127.0)])
def test_a_dropped_connection_hangs_until_the_client_or_the_kernel_gives_up(
    timeout_s: float, expected_s: float
) -> None:
    bench = Bench(app())
    bench.web()
    bench.network.verdict = "drop"
    result = up(bench).ask(timeout_s=timeout_s)
    assert (result.outcome, result.reason) == ("timeout", "node-down")
    assert result.latency_s == pytest.approx(expected_s)


def test_a_name_that_does_not_exist() -> None:
    result = Bench().ask("http://nobody/")
    assert (result.outcome, result.decision, result.status) == ("nxdomain", 0, 0)


def test_a_crash_resets_what_is_in_progress() -> None:
    bench = Bench(app(service_s=10.0))
    bench.web()
    up(bench).clock.after(1.0, bench.traffic.crash_pod, "default", "web")
    result = bench.ask()
    assert (result.outcome, result.reason) == ("reset", "server-ended")
    assert result.latency_s == pytest.approx(1.0 + LATENCY_S)
    assert bench.exits == [("web", 1, "Error")]


def test_a_crash_behind_a_cut_link_is_not_heard() -> None:
    bench = Bench(app(service_s=10.0))
    bench.web()
    up(bench).clock.after(0.5, setattr, bench.network, "cut", True)
    bench.clock.after(1.0, bench.traffic.crash_pod, "default", "web")
    assert bench.ask(timeout_s=5.0).outcome == "timeout"


def test_a_node_without_power_is_silent() -> None:
    bench = Bench(app(service_s=10.0))
    bench.web()
    up(bench).clock.after(1.0, bench.traffic.node_power, "worker-1", False)
    assert bench.ask(timeout_s=5.0).outcome == "timeout"
    assert bench.exits == []


def test_a_hung_app_accepts_and_never_answers() -> None:
    bench = Bench(app())
    bench.web()
    up(bench).traffic.hang_pod("default", "web")
    result = bench.ask(timeout_s=3.0)
    assert (result.outcome, result.reason) == ("timeout", "no-answer")
    bench.traffic.unhang_pod("default", "web")
    assert bench.ask().outcome == "ok"


def test_a_full_line_answers_503_and_other_protocols_reset() -> None:
    bench = Bench(app(service_s=1.0, workers=1, backlog=1))
    pod = bench.web()
    bench.expose("db", 5432, (pod, 8080))
    up(bench)
    results: list[str] = []
    for url in ("http://web/", "http://web/", "http://web/", "tcp://db:5432"):
        bench.traffic.request(bench.source(), url, lambda r: results.append(f"{r.outcome} {r.status}"))
    bench.clock.run_until(10.0)
    assert sorted(results) == ["error 503", "ok 200", "ok 200", "reset 0"]


def test_a_share_of_answers_are_errors() -> None:
    bench = Bench(app(error_rate=0.3))
    bench.web()
    up(bench)
    outcomes = [bench.ask().outcome for _ in range(300)]
    assert 60 < outcomes.count("error") < 120


def test_a_failed_attempt_is_tried_again_and_counts_from_the_beginning() -> None:
    bench = Bench(app(startup_s=0.0))
    bench.web()
    bench.network.verdict = "drop"
    up(bench).clock.after(1.5, setattr, bench.network, "verdict", "")
    result = bench.ask(timeout_s=1.0, retries=3)
    assert (result.outcome, result.attempts) == ("ok", 3)
    assert result.latency_s > 2.0
    assert bench.traffic.measure.total.requests == 1


def test_retries_end() -> None:
    bench = Bench(app())
    bench.network.serve("web", 80)
    result = bench.ask(retries=2)
    assert (result.outcome, result.attempts, bench.network.connections) == ("refused", 3, 3)


def test_each_request_has_its_own_deadline() -> None:
    bench = Bench(app())
    bench.web()
    bench.network.verdict = "drop"
    up(bench).traffic.request(bench.source(), "http://web/", timeout_s=2.0)
    bench.clock.at(1.5, lambda: bench.traffic.request(bench.source(), "http://web/", timeout_s=2.0))
    bench.clock.run_until(10.0)
    assert [event.time for event in bench.finished()] == pytest.approx([3.0, 3.5])


def test_lost_packets_are_sent_again_after_a_second() -> None:
    bench = Bench(app())
    bench.web()
    bench.network.loss = 0.5
    up(bench)
    latencies = [bench.ask().latency_s for _ in range(50)]
    assert max(latencies) > 1.0
    assert min(latencies) < 0.2


@pytest.mark.parametrize("url", ["ftp://web/", "http://", "tcp://db", "http://web:99999/"])
def test_a_url_that_makes_no_sense_is_an_error_for_the_user(url: str) -> None:
    with pytest.raises(LabError):
        Bench().ask(url)


@pytest.mark.parametrize(("protocol", "scheme"), [("UDP", "udp"), ("SCTP", "sctp")])
def test_udp_and_sctp_are_served_where_a_service_says_so(protocol: str, scheme: str) -> None:
    bench = Bench(app())
    pod = bench.pod("radius", 1812)
    bench.service("radius", 1812, protocol=protocol)
    bench.expose("radius", 1812, (pod, 1812))
    assert up(bench).ask(f"{scheme}://radius:1812").outcome == "ok"


def test_the_way_back_is_lost_when_the_link_is_cut() -> None:
    bench = Bench(app(service_s=1.0))
    bench.web()
    up(bench).clock.after(0.5, setattr, bench.network, "cut", True)
    assert bench.ask(timeout_s=3.0).outcome == "timeout"
