"""The matrix of who reaches what."""

from __future__ import annotations

from lab.network.exposure import Exposure
from lab.network.flow import Source
from lab.traffic.reachability import Goal, Opening, Party, Reach, Reachability
from lab.views.reach import opening_lines, reach_lines
from lab.views.reach_json import reach_json
from lab.views.spans import text_of

YES = Reach("yes", share=1.0)
DROPPED = Reach("no", "timeout", "cluster-ip-from-outside")
DENIED = Reach("denied", "timeout", "policy-ingress")
POD = Party("deployment/default/web", "workload", (Source("pod/default/web-1", "10.244.0.2", "worker-1"),))
NODE = Party("node/worker-1", "node", (Source("node/worker-1", "172.18.0.11", "worker-1"),))
INTERNET = Party("internet", "internet", (Source("internet/198.51.100.250", "198.51.100.250"),))


def goal(name: str) -> Goal:
    return Goal(name, 80, "TCP", ("10.96.0.12",), (), "cluster-ip-from-outside")


def table(goals: int, *rows: Reach, name: str = "default/web-{}:80") -> Reachability:
    cells = tuple((row,) * goals for row in rows)
    return Reachability((POD, NODE, INTERNET), tuple(goal(name.format(n)) for n in range(goals)), cells, ())


def shown(found: Reachability, size: int = 80) -> list[str]:
    return text_of(reach_lines(found, size)).splitlines()


def test_a_few_goals_have_their_names_above_the_columns() -> None:
    lines = shown(table(2, YES, DENIED, DROPPED))
    assert lines[:4] == [
        "FROM            web-0:80  web-1:80",
        "deployment/web  .         .",
        "node/worker-1   #         #",
        "internet        X         X",
    ]


def test_many_goals_have_numbers_that_are_told_below() -> None:
    lines = shown(table(12, YES, YES, DROPPED))
    assert lines[0].split() == ["1", "1", "1"]
    assert lines[1].split() == ["FROM", *"123456789012"]
    assert lines[2] == "deployment/web  " + " ".join("." * 12)
    assert any(line.lstrip().startswith("1 web-0:80") for line in lines)


def test_too_many_goals_stand_in_bands_and_blocks() -> None:
    lines = shown(table(70, YES, YES, DROPPED))
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("FROM") for line in lines) == 2
    assert "deployment/web  " + " ".join(["....."] * 10) in lines


def test_each_reason_says_whom_it_keeps_from_what() -> None:
    text = "\n".join(shown(table(2, YES, DENIED, DROPPED)))
    assert "# policy-ingress   the client sees: timeout" in text
    assert "every node → web-0:80, web-1:80" in text
    assert "X cluster-ip-from-outside   the client sees: timeout" in text
    assert "internet → web-0:80, web-1:80" in text


def test_nothing_open_is_said_in_words() -> None:
    assert shown(table(1, YES, YES, DROPPED))[-1] == "Open to the outside: nothing"
    empty = Reachability((INTERNET,), (), ((),), ())
    assert shown(empty)[0] == "There is no Service that anybody could reach."


def test_a_node_port_is_one_line_for_all_nodes_on_which_it_answers_alike() -> None:
    openings = [
        Opening(Exposure(f"192.0.2.1{n}", 30080, "TCP", "node port", "default/web", "Local", f"worker-{n}"), reach)
        for n, reach in ((1, YES), (2, YES), (3, Reach("no", "timeout", "no-local-endpoints")))
    ]
    lines = text_of(opening_lines(openings, 100)).splitlines()
    assert [line.split()[2:5] for line in lines[2:4]] == [[":30080", "on", "2"], [":30080", "on", "worker-3"]]
    assert lines[3].endswith("timeout (no-local-endpoints)")


def test_source_ranges_are_told_where_there_are_any() -> None:
    guarded = Exposure("203.0.113.10", 80, "TCP", "load balancer", "default/web", "Cluster", "", ("192.0.2.0/24",))
    text = text_of(opening_lines([Opening(guarded, Reach("no", "timeout", "source-not-allowed"))], 100))
    assert "FROM" in text
    assert "192.0.2.0/24" in text


def test_the_json_form_has_a_result_for_each_pair() -> None:
    found = reach_json(table(2, YES, DENIED, DROPPED), 5.0)
    assert list(found) == ["time_s", "sources", "targets", "results", "open"]
    assert found["results"][2] == {
        "from": "node/worker-1",
        "to": "default/web-0:80",
        "reach": "denied",
        "outcome": "timeout",
        "reason": "policy-ingress",
        "share": 0.0,
    }
