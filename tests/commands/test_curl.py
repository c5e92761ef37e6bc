from __future__ import annotations

import pytest

from lab.commands.verbs.curl import headline, reasons
from lab.journal import Decision
from lab.network import reasons as why
from lab.traffic.request import RequestResult, parse_target

TARGET = parse_target("http://web/")


def result(outcome: str = "ok", status: int = 0, reason: str = "", latency_s: float = 0.0123) -> RequestResult:
    return RequestResult(
        outcome=outcome,
        reason=reason,
        status=status,
        latency_s=latency_s,
        decision=7,
        service="default/web",
        pod="default/web-7f9-abcde",
        address="10.96.0.12:80",
        attempts=1,
    )


def decision(reason: str = why.BALANCED) -> Decision:
    return Decision(
        1.0,
        7,
        "pod/default/client",
        "worker-1",
        "10.244.2.2",
        32768,
        "10.96.0.12",
        80,
        "TCP",
        "web",
        "default/web",
        "10.244.1.7:8080",
        "default/web-7f9-abcde",
        "deliver",
        reason,
    )


def test_an_answer_names_the_pod_the_endpoint_and_the_node_that_decided() -> None:
    text = headline(result(status=200), TARGET, decision())
    assert text == "HTTP/1.1 200 OK  from web-7f9-abcde (10.244.1.7:8080) via worker-1 in 12.3 ms"
    assert headline(result("error", 503), TARGET, decision()).startswith("HTTP/1.1 503 Service Unavailable  from")


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        (
            result("refused", latency_s=0.001),
            "curl: (7) Failed to connect to web port 80 after 1 ms: Connection refused",
        ),
        (
            result("timeout", reason="link-down", latency_s=5.001),
            "curl: (28) Connection timed out after 5001 milliseconds",
        ),
        (
            result("timeout", reason="no-answer", latency_s=2.0),
            "curl: (28) Operation timed out after 2000 milliseconds with 0 bytes received",
        ),
        (
            result("timeout", reason="dns-timeout", latency_s=10.0),
            "curl: (28) Resolving timed out after 10000 milliseconds",
        ),
        (result("nxdomain"), "curl: (6) Could not resolve host: web"),
        (result("reset"), "curl: (56) Recv failure: Connection reset by peer"),
    ],
)
def test_a_failure_has_curls_words(seen: RequestResult, text: str) -> None:
    assert headline(seen, TARGET, None) == text


def test_the_reason_and_what_to_try_next_come_with_the_decision() -> None:
    lines = reasons(result("refused"), decision(why.NO_ENDPOINTS))
    known = why.REASONS[why.NO_ENDPOINTS]
    assert lines == [f"  {known.meaning}", f"  {known.advice}", "  decision 7: lab explain 7"]
    assert reasons(result(status=200), decision())[1:] == ["  decision 7: lab explain 7"]
    assert reasons(result("nxdomain"), None) == []
