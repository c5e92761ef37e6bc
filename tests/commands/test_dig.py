from __future__ import annotations

import pytest

from lab.commands.verbs.dig import Question, answer_lines
from lab.network.dns import Asked, DnsAnswer
from lab.network.dns_records import Record, name_fault
from lab.network.flow import Source
from lab.network.resolv_conf import ResolvConf
from tests.commands.world import World

CLIENT = Source(name="pod/default/client", ip="10.244.1.2", node="worker-1")
CONF = ResolvConf(("10.96.0.10",))
NAMES = ["web.default.svc.cluster.local", "web.svc.cluster.local", "web.cluster.local", "web"]
COREDNS = "kube-system/coredns-1"


WEB = Question("web")


def lines(answer: DnsAnswer, question: Question = WEB) -> list[str]:
    return answer_lines(CLIENT, question, CONF, answer)


def test_an_answer_has_its_question_its_server_and_the_names_that_were_tried() -> None:
    record = Record(NAMES[0], "A", "10.96.0.12", 30.0)
    asked = (Asked(NAMES[0], "A", COREDNS, "NOERROR"),)
    answer = DnsAnswer(("10.96.0.12",), "ok", NAMES[0], 0.0012, 30.0, 1, (record,), (), asked)
    assert lines(answer) == [
        "; <<>> dig <<>> web A   from pod/default/client",
        ";; status: NOERROR, ANSWER: 1",
        "",
        ";; QUESTION SECTION:",
        ";web.default.svc.cluster.local.   IN   A",
        "",
        ";; ANSWER SECTION:",
        "web.default.svc.cluster.local.   30   IN   A   10.96.0.12",
        "",
        ";; Query time: 1 msec, 1 query",
        ";; SERVER: kube-system/coredns-1",
        ";; Names tried: web.default.svc.cluster.local.",
    ]


def test_a_name_that_is_nowhere_was_tried_with_every_suffix() -> None:
    asked = tuple(Asked(name, "A", COREDNS, "NXDOMAIN", name == NAMES[0]) for name in NAMES)
    shown = lines(DnsAnswer((), "nxdomain", "web", 0.004, 5.0, 4, (), (), asked))
    assert ";; status: NXDOMAIN, ANSWER: 0" in shown
    assert "web.default.svc.cluster.local.   A   NXDOMAIN (cached)   kube-system/coredns-1" in shown
    assert "web.                             A   NXDOMAIN            kube-system/coredns-1" in shown
    assert shown[-1] == ";; Names tried: " + ", ".join(f"{name}." for name in NAMES)


def test_who_answered_from_a_cache_and_who_did_not_answer() -> None:
    cached = lines(
        DnsAnswer((), "nodata", "web", 0.001, 5.0, 1, (), (), (Asked(NAMES[0], "A", COREDNS, "NOERROR", True),))
    )
    assert ";; SERVER: kube-system/coredns-1, from its cache" in cached
    late = lines(DnsAnswer((), "timeout", "web", 10.0, 0.0, 2))
    assert ";; connection timed out; no servers could be reached" in late
    refused = lines(DnsAnswer((), "refused", "web", 0.0, 0.0, 2))
    assert refused[1].startswith(";; communications error to 10.96.0.10#53: connection refused")


def test_names_in_records_end_in_a_dot() -> None:
    srv = Record("db", "SRV", "0 100 5432 db-0.db", 30.0)
    shown = lines(DnsAnswer((), "ok", "db", 0.0, 30.0, 1, (srv,)), Question("db.", "SRV"))
    assert "db.   30   IN   SRV   0 100 5432 db-0.db." in shown


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("dig", "expected a name"),
        ("dig web MX", '"MX" is not one of A, AAAA, SRV, PTR, CNAME'),
        ("dig web +trace", '"+trace" is no option of dig'),
        ("dig -x nonsense", '"nonsense" is no address'),
    ],
)
def test_what_cannot_be_asked_is_pointed_at(text: str, error: str) -> None:
    world = World()
    assert error in world.wrong(text)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a" * 64, "label too long: more than 63 octets"),
        ("web." + "ä" * 32, "label too long: more than 63 octets"),
        (".".join(["a" * 60] * 5), "name too long: more than 253 octets"),
        ("web..shop", "empty label"),
    ],
)
def test_a_name_that_no_message_can_hold_is_not_asked_for(name: str, why: str) -> None:
    assert World().wrong(f"dig {name}").startswith(f"dig: '{name}' is not a legal name ({why})")


def test_names_may_be_as_long_as_messages_allow() -> None:
    longest = ".".join(["a" * 63] * 3 + ["a" * 61])
    assert len(longest) == 253
    assert name_fault(longest) == name_fault(f"{longest}.") == name_fault(".") == name_fault("web") == ""
