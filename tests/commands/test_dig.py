from __future__ import annotations

from lab.commands.verbs.dig import answer_lines
from lab.network.dns import DnsAnswer
from lab.network.flow import Source

CLIENT = Source(name="pod/default/client", ip="10.244.1.2", node="worker-1")
NAMES = ["web.default.svc.cluster.local", "web.svc.cluster.local", "web.cluster.local", "web"]


def test_an_answer_has_its_question_and_the_names_that_were_tried() -> None:
    answer = DnsAnswer(("10.96.0.12",), "ok", NAMES[0], 0.0012, 30.0, 1)
    assert answer_lines(CLIENT, "web", NAMES, answer) == [
        "; <<>> dig <<>> web   from pod/default/client",
        ";; status: NOERROR, ANSWER: 1",
        "",
        ";; QUESTION SECTION:",
        ";web.default.svc.cluster.local.   IN   A",
        "",
        ";; ANSWER SECTION:",
        "web.default.svc.cluster.local.   30   IN   A   10.96.0.12",
        "",
        ";; Query time: 1 msec, 1 query",
        ";; Names tried: web.default.svc.cluster.local.",
    ]


def test_a_name_that_is_nowhere_was_tried_with_every_suffix() -> None:
    lines = answer_lines(CLIENT, "web", NAMES, DnsAnswer((), "nxdomain", "web", 0.004, 5.0, 4))
    assert ";; status: NXDOMAIN, ANSWER: 0" in lines
    assert lines[-1] == ";; Names tried: " + ", ".join(f"{name}." for name in NAMES)


def test_a_cached_answer_and_a_timeout_say_so() -> None:
    cached = answer_lines(CLIENT, "web", NAMES, DnsAnswer(("10.96.0.12",), "ok", NAMES[0], 0.0, 30.0, 0))
    assert cached[-2] == ";; Query time: 0 msec, from the client's cache"
    late = answer_lines(CLIENT, "web", NAMES, DnsAnswer((), "timeout", "web", 10.0, 0.0, 2))
    assert ";; connection timed out; no servers could be reached" in late
