"""Nodes as boxes with their Pods."""

from lab.kube.kinds.pod import Pod
from lab.views.nodes_canvas import NodeFacts, NodeMap, node_map
from lab.views.page import Subject, find, hit, step
from lab.views.spans import plain, width
from tests.tui.demo import node, pod

PODS = (
    pod("web-1", "worker-1"),
    pod("web-2", "worker-1", ready=False),
    pod("web-3", "worker-1", waiting="CrashLoopBackOff"),
)


def drawn(page: NodeMap) -> list[str]:
    return [plain(page.line(y)).rstrip() for y in range(page.height)]


def many(count: int) -> tuple[Pod, ...]:
    return tuple(pod(f"web-{i}", "worker-1") for i in range(count))


def test_a_box_says_how_its_node_and_its_pods_are() -> None:
    page = node_map([NodeFacts(node("worker-1", "zone-a"), PODS[:2])], width=40, rate=lambda namespace, name: 80.0)
    assert drawn(page) == [
        "╭ ● worker-1 zone-a ───────────────────╮",
        "│ ● web-1                         80/s │",
        "│ ◐ web-2                     NotReady │",
        "╰──────────────────────────────────────╯",
    ]


def test_what_the_api_does_not_know_yet_stands_beside_it() -> None:
    page = node_map([NodeFacts(node("worker-1"), PODS[:1], (("no power", "bad"),), powered=False)], width=34)
    assert drawn(page)[:2] == ["╭ ? worker-1 no power ───────────╮", "│ ? web-1                        │"]
    assert page.line(0)[0].role == "bad"
    assert {span.role for span in page.line(1) if span.text.strip(" │")} == {"dim"}


def test_boxes_stand_side_by_side_zone_by_zone() -> None:
    nodes = [NodeFacts(node("a1", "zone-a")), NodeFacts(node("b1", "zone-b")), NodeFacts(node("a2", "zone-a"))]
    top = drawn(node_map(nodes, width=100))[0]
    assert top.index("a1") < top.index("a2") < top.index("b1")


def test_every_line_is_as_wide_as_the_pane() -> None:
    nodes = [NodeFacts(node(f"worker-{i}", "zone-a"), PODS) for i in range(5)]
    for size in (58, 70, 118):
        page = node_map(nodes, width=size, waiting=PODS)
        assert {width(page.line(y)) for y in range(page.height)} == {size}


def test_names_move_together_before_they_are_lost() -> None:
    nodes = [
        NodeFacts(node(f"worker-{i}"), tuple(pod(f"cart-{i}x{k}", f"worker-{i}", ns="shop") for k in range(14)))
        for i in range(3)
    ]
    page = node_map(nodes, width=68, rows=17)
    assert not page.dense
    assert page.height == 16
    assert "shop/cart-0x0" in drawn(page)[1]
    assert "shop/cart-2x0" in drawn(page)[1]
    alone = node_map(nodes[:1], width=58, rows=10)
    assert "cart-0x0" in drawn(alone)[1]
    assert "cart-0x1" in drawn(alone)[1]
    second = find(alone.targets, Subject("Pod", "shop", "cart-0x1"))
    assert second is not None
    assert drawn(alone)[1][second.x : second.end].strip(" │").startswith("● shop/cart-0x1")


def test_hundreds_of_pods_become_cells() -> None:
    page = node_map([NodeFacts(node("worker-1"), many(200))], width=60)
    assert page.dense
    assert page.height < 12
    assert "● ● ● ●" in drawn(page)[1]
    last = find(page.targets, Subject("Pod", "default", "web-199"))
    assert last is not None
    assert last.end - last.x == 2


def test_pods_of_kube_system_come_last() -> None:
    pods = (pod("coredns-1", "worker-1", ns="kube-system"), pod("web-1", "worker-1"))
    text = drawn(node_map([NodeFacts(node("worker-1"), pods)], width=40))
    assert "web-1" in text[1]
    assert "coredns-1" in text[2]


def test_pods_without_a_node_are_told() -> None:
    page = node_map([], width=60, waiting=[pod("web-9", "", phase="Pending")])
    assert drawn(page) == [" ○ 1 Pod without a node: web-9", " No nodes yet."]


def test_arrows_go_to_the_nearest_box_or_pod() -> None:
    page = node_map([NodeFacts(node("worker-1"), PODS), NodeFacts(node("worker-2"))], width=70)
    first = step(page.targets, None, 0, 1)
    assert first is not None
    assert first.subject == Subject("Node", "", "worker-1")
    down = step(page.targets, first, 0, 1)
    assert down is not None
    assert down.subject == Subject("Pod", "default", "web-1")
    right = step(page.targets, down, 1, 0)
    assert right is not None
    assert right.subject == Subject("Node", "", "worker-2")
    assert step(page.targets, right, 1, 0) == right


def test_the_pointer_hits_what_is_drawn_there() -> None:
    page = node_map([NodeFacts(node("worker-1"), PODS)], width=40)
    found = hit(page.targets, 5, 2)
    assert found is not None
    assert found.subject == Subject("Pod", "default", "web-2")
    assert hit(page.targets, 5, 99) is None


def test_in_a_small_box_the_name_matters_more_than_the_word() -> None:
    page = node_map([NodeFacts(node("worker-2", ready=False), many(20))], width=22)
    assert drawn(page)[0] == "╭ ✖ worker-2 ────────╮"
