"""Status line, events, lesson, closing report, exposure, help."""

import math
from types import SimpleNamespace

from lab import journal
from lab.network.exposure import Exposure
from lab.views.closing import Closing, Failure, Share, closing_lines
from lab.views.events import event_lines, same, subject
from lab.views.exposure import exposure_lines
from lab.views.helping import CommandHelp, KeyHelp, help_lines
from lab.views.lesson import Expectation, Step, lesson_lines, tally
from lab.views.page import Subject
from lab.views.spans import plain, text_of, width
from lab.views.status import Status, status_line

STATUS = Status(
    scenario="load-balancer", now=42.3, seed=7, rate=240, ok=992, requests=1000, p50_s=0.012, p99_s=0.038,
    nodes=4, nodes_ready=3, pods=12, pods_ready=11, proxy="nftables", duration_s=90,
)  # fmt: skip


def test_the_status_line_loses_what_matters_least() -> None:
    assert plain(status_line(STATUS, 130)).rstrip() == (
        " load-balancer  ▶ 00:42.3 of 01:30  x1  seed 7  │  240 rps  99.2% ok  p50 12 ms  p99 38 ms"
        "  │  nodes 3/4  pods 11/12  │  nftables"
    )
    assert plain(status_line(STATUS, 80)).rstrip() == (
        " load-balancer ▶ 00:42.3 x1 │ 240 rps 99.2% ok p99 38 ms │ nodes 3/4 pods 11/12"
    )


def test_the_status_line_before_any_traffic() -> None:
    quiet = Status(scenario="own", paused=True, duration_s=math.inf)
    assert (
        plain(status_line(quiet, 80)).rstrip()
        == " own  ‖ 00:00.0  x1  seed 1  │  no traffic yet  │  nodes 0/0  pods 0/0"
    )


def test_what_happens_has_a_glyph_and_a_role() -> None:
    warning = journal.Noted(30.0, "Warning", "Unhealthy", "Pod", "default", "web-1", "Readiness probe failed")
    assert plain(event_lines(warning, 70)[0]).rstrip() == "00:30.0 ▲ Unhealthy pod/web-1 Readiness probe failed"
    assert subject(warning) == Subject("Pod", "default", "web-1")
    off = journal.NetworkChanged(15.0, "node/worker-2", "off")
    assert event_lines(off, 70)[0][1].role == "bad"
    given = journal.CommandRefused(1.0, "kubectl scale", "prompt", "no such kind")
    assert "✖ prompt kubectl scale: no such kind" in plain(event_lines(given, 70)[0])


def test_narration_is_wrapped_and_everything_else_takes_one_line() -> None:
    told = journal.Narrated(2.0, "worker-2 has lost its power, and nobody knows yet.")
    assert [plain(each).rstrip() for each in event_lines(told, 40)] == [
        "00:02.0 » worker-2 has lost its power,",
        "          and nobody knows yet.",
    ]


def test_the_same_said_again_is_the_same() -> None:
    one = journal.NetworkChanged(1.0, "proxy/worker-1", "stopped")
    assert same(one, journal.NetworkChanged(2.0, "proxy/worker-1", "stopped"))
    assert not same(one, journal.NetworkChanged(2.0, "proxy/worker-1", "started"))


def test_a_lesson_shows_its_step_and_the_expectations() -> None:
    expectations = [Expectation("success >= 99%", True, "99.4%"), Expectation("drops == 0", None)]
    text = text_of(lesson_lines([Step("One", "First."), Step("Two", "Then this.")], 1, expectations, 40))
    assert text == " Two\n Then this.\n\n ✓ success >= 99%  99.4%\n ○ drops == 0"
    assert plain(tally(expectations)) == "✓1 ○1 "


def test_the_closing_report() -> None:
    total = SimpleNamespace(name="all", requests=1200, ok=1188, p50_s=0.012, p99_s=0.2, max_s=2.0)
    report = Closing(
        total, [total], [Share("default/web", "default/web-1", 600, 0.5)], [Failure("node-down", 12, "No power.")],
        [Expectation("success >= 99%", True)], "ab" * 32, 7, 60.0,
    )  # fmt: skip
    text = text_of(closing_lines(report, 90))
    assert "Expectations  all kept" in text
    assert "all      1,200     99.0%  12 ms  200 ms  2.0 s" in text
    assert "node-down" in text
    assert "web-1" in text
    assert "60" not in text.splitlines()[0]
    assert text.endswith("journal " + "ab" * 32)
    remarked = text_of(
        closing_lines(report._replace(remarks=[("EXTERNAL-IP pending", ["web: nobody provides it"])]), 90)
    )
    assert "EXTERNAL-IP pending\n  web: nobody provides it\n" in remarked


def test_all_kept_is_said_only_of_what_has_been_judged() -> None:
    total = SimpleNamespace(name="all", requests=0, ok=0, p50_s=0.0, p99_s=0.0, max_s=0.0)

    def told(*passed: bool | None) -> str:
        report = Closing(total, [], [], [], [Expectation("x", each) for each in passed], "ab" * 32, 7, 60.0)
        return text_of(closing_lines(report, 90)).splitlines()[0]

    assert told(None, None) == "Expectations  none judged yet"
    assert told(True, None, None) == "Expectations  1 of 3 judged, all kept"
    assert told(True, False, None) == "Expectations  2 of 3 judged, 1 broken"
    assert told(True, False) == "Expectations  1 of 2 broken"


def test_open_ports_are_listed_with_their_policy() -> None:
    ports = [Exposure("192.0.2.11", 30080, "TCP", "node port", "default/web", "Cluster", "worker-1")]
    text = text_of(exposure_lines(ports, 80))
    assert "192.0.2.11:30080/TCP  node port  worker-1  web      Cluster  anywhere" in text
    assert "Nothing is open" in text_of(exposure_lines([], 80))


def test_help_comes_from_keys_and_commands() -> None:
    lines = help_lines(
        [KeyHelp("space", "Stop time")], [CommandHelp("lab fail NODE", "Power off.", "lab fail node/a")], 80
    )
    text = text_of(lines)
    assert "space  Stop time" in text
    assert "lab fail NODE\n    Power off.\n    lab fail node/a" in text
    assert max(map(width, lines)) <= 120
