"""One line a connection."""

from msgspec.structs import replace

from lab.journal import Decision, RequestFinished
from lab.views.decisions import Row
from lab.views.spans import Span, plain, width

DECISION = Decision(
    42.31,
    id=7,
    client="internet/198.51.100.7",
    node="worker-1",
    src_ip="198.51.100.7",
    src_port=40000,
    dst_ip="203.0.113.10",
    dst_port=80,
    protocol="TCP",
    host="web",
    service="default/web",
    endpoint="10.244.1.7:8080",
    pod="default/web-7f9-abcde",
    verdict="deliver",
    reason="balanced",
    hops=("internet/198.51.100.7", "lb/203.0.113.10", "node/worker-1", "node/worker-2"),
    masquerade=True,
)
ANSWER = RequestFinished(42.32, 1, 7, DECISION.client, "default/web", "default/web-7f9-abcde", 200, "ok", 0.012)


def test_a_wide_line_tells_the_whole_way() -> None:
    row = Row(DECISION, ANSWER)
    assert plain(row.line(130)) == (
        "00:42.310 198.51.100.7        → web:80            LB→worker-1 SNAT     → 10.244.1.7:8080 web-7f9-abcde"
        "             200      12 ms "
    )


def test_a_narrow_line_tells_who_to_whom_and_what_came_of_it() -> None:
    assert plain(Row(DECISION, ANSWER).line(62)) == "42.310 198.51.100.7 → web      → web-7…-abcde  200      12 ms "


def test_a_connection_under_way_has_no_outcome_yet() -> None:
    row = Row(DECISION)
    assert "…" in plain(row.line(100))
    row.finish(ANSWER)
    assert "200" in plain(row.line(100))


def test_requests_on_a_kept_connection_are_counted() -> None:
    row = Row(DECISION, ANSWER)
    row.finish(ANSWER)
    assert plain(row.line(100)).rstrip().endswith("×2")


def test_a_drop_says_its_reason_in_its_role() -> None:
    row = Row(replace(DECISION, verdict="drop", reason="no-local-endpoints", endpoint="", pod=""))
    assert Span(" ✖ DROP no-local-endpoints", "bad") in row.line(120)


def test_a_name_that_does_not_resolve_has_no_connection() -> None:
    row = Row(None, RequestFinished(1.0, 2, 0, "pod/default/client", "wbe", "", 0, "nxdomain", 0.001))
    assert plain(row.line(100)).startswith("00:01.000 client ✖ wbe the name does not resolve")


def test_lines_have_the_width_of_the_pane() -> None:
    for size in (50, 62, 76, 95, 96, 117, 180):
        assert width(Row(DECISION, ANSWER).line(size)) == size


def test_the_text_to_search_has_what_the_line_leaves_out() -> None:
    text = Row(DECISION, ANSWER).text
    assert all(word in text for word in ("balanced", "worker-1", "10.244.1.7:8080", "default/web", "ok"))


def test_where_there_is_little_room_namespaces_go_first() -> None:
    elsewhere = replace(
        DECISION,
        client="pod/sock-shop/front-end-6b4d487779-dcvhf",
        host="catalogue.sock-shop",
        service="sock-shop/catalogue",
        pod="sock-shop/catalogue-78d56747d9-4x84m",
    )
    text = plain(Row(elsewhere, ANSWER).line(78))
    assert "sock" not in text
    assert "→ catalogue " in text
    assert " front-en…-dcvhf →" in text


def test_a_connection_to_a_pods_own_address_got_there() -> None:
    direct = replace(DECISION, verdict="pass", reason="direct-to-pod", endpoint="", dst_ip="10.244.1.7", dst_port=9092)
    text = plain(Row(direct, ANSWER).line(130))
    assert "→ 10.244.1.7:9092 web-7f9-abcde direct" in text
    assert "✖" not in text
