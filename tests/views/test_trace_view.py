"""What a trace says, in words."""

from __future__ import annotations

import pytest

from lab.network.flow import Source
from lab.traffic.foresight import Forecast, Sight
from lab.traffic.request import parse_target
from lab.views.spans import text_of
from lab.views.trace import Trace, share, trace_lines
from lab.views.trace_json import trace_json
from lab.views.trace_words import outcomes, sight_words

CLIENT = Source("pod/default/client", "10.244.0.9", "worker-1")


def forecast(*sights: Sight, url: str = "http://10.96.0.12/") -> Forecast:
    return Forecast(CLIENT, parse_target(url), None, sights)


@pytest.mark.parametrize(
    ("sight", "words"),
    [
        (Sight(1.0, "ok", 200, 0.012, "balanced"), "200 in 12 ms"),
        (Sight(1.0, "error", 503, 0.012, "status-503"), "503 in 12 ms"),
        (Sight(1.0, "refused", 0, 0.0004, "no-endpoints"), "refused after 400 us (no-endpoints)"),
        (Sight(1.0, "refused", 0, 0.0, "no-such-port"), "refused at once (no-such-port)"),
        (Sight(1.0, "timeout", 0, 127.0, "node-down"), "timeout after 127 s (node-down)"),
        (Sight(1.0, "nxdomain", 0, 0.02, "nxdomain"), "NXDOMAIN after 20 ms"),
        (Sight(1.0, "nxdomain", 0, 0.02, "servfail"), "no address after 20 ms (servfail)"),
    ],
)
def test_what_a_client_sees(sight: Sight, words: str) -> None:
    assert sight_words(sight) == words


def test_a_protocol_without_statuses_just_answers() -> None:
    one = forecast(Sight(1.0, "ok", 200, 0.002, "balanced"), url="tcp://10.96.0.12:5432")
    assert outcomes(one)[0].words == "an answer in 2.0 ms"


def test_sights_that_differ_in_their_way_only_are_one_outcome() -> None:
    found = outcomes(
        forecast(
            Sight(0.25, "refused", 0, 0.001, "nothing-listens"),
            Sight(0.25, "ok", 200, 0.010, "balanced"),
            Sight(0.50, "ok", 200, 0.040, "near-endpoint"),
        )
    )
    assert [(each.probability, each.words) for each in found] == [
        (0.75, "200 in 30 ms"),
        (0.25, "refused after 1.0 ms (nothing-listens)"),
    ]


def test_shares_are_short() -> None:
    assert [share(part) for part in (1.0, 1 / 3, 0.5, 0.0)] == ["100%", "33.3%", "50%", "0%"]


def test_several_outcomes_stand_below_one_another_with_their_shares() -> None:
    sights = (Sight(0.5, "ok", 200, 0.010, "balanced"), Sight(0.5, "timeout", 0, 127.0, "node-down"))
    trace = Trace(0.0, "10.96.0.12", forecast(*sights), sights[0], None)
    lines = text_of(trace_lines(trace, 80)).splitlines()
    assert lines[0] == "pod/default/client → 10.96.0.12:80/TCP   10.96.0.12   at 00:00.0"
    assert lines[1:3] == ["   50%  200 in 10 ms", "   50%  timeout after 127 s (node-down)"]


def test_the_json_form_has_the_same_keys_with_and_without_a_connection() -> None:
    sight = Sight(1.0, "nxdomain", 0, 0.02, "nxdomain")
    found = trace_json(Trace(3.0, "web", forecast(sight, url="http://web/"), sight, None))
    assert list(found) == [
        "time_s",
        "from",
        "to",
        "name",
        "sees",
        "ways",
        "verdict",
        "reason",
        "meaning",
        "service",
        "endpoint",
        "masquerade",
        "source_seen",
        "hops",
        "balancer",
        "nodes",
        "links",
        "latency_s",
        "loss",
        "conntrack",
        "listens",
    ]
    assert found["time_s"] == 3.0
    assert found["sees"] == [
        {"probability": 1.0, "outcome": "nxdomain", "reason": "nxdomain", "text": "NXDOMAIN after 20 ms"}
    ]
