from __future__ import annotations

from typing import Any

import pytest

from lab.commands import parser
from lab.commands.complete import complete
from lab.commands.machines import Process
from lab.commands.parser import find_command, take_apart
from lab.commands.registry import COMMANDS, Command, children, longest_name
from lab.commands.words import CommandError, split
from tests.commands.world import World


@pytest.fixture
def world() -> World:
    made = World()
    made.node("worker-1", "zone-a")
    made.node("worker-2", "zone-b")
    made.deployment("web")
    made.pod("web-1", app="web")
    return made


def test_the_longest_name_wins() -> None:
    assert find_command(split("kubectl get events"))[0].name == "kubectl get events"
    assert find_command(split("kubectl get pods"))[0].name == "kubectl get"
    assert find_command(split("k get pods"))[0].name == "kubectl get"


@pytest.mark.parametrize("form", ["-n shop", "-nshop", "-n=shop", "--namespace shop", "--namespace=shop"])
def test_a_flag_has_many_forms(form: str) -> None:
    line = take_apart(split(f"kubectl get {form} pods"))
    assert [word.text for word in line.positional] == ["pods"]
    value = line.flags["--namespace"][1]
    assert value is not None
    assert value.text == "shop"


@pytest.mark.parametrize("form", ["-n shop", "--namespace shop", "--namespace=shop", "-n=shop"])
def test_the_namespace_may_come_before_the_verb(world: World, form: str) -> None:
    world.pod("cart-1", "shop")
    assert world.ok(f"kubectl {form} get pods -o name") == ["pod/cart-1"]
    assert world.ok("kubectl -A get pods -o name") == ["pod/web-1", "pod/cart-1"]
    assert complete(world, f"kubectl {form} get pods c") == ["cart-1"]


def test_children_are_the_verbs_that_can_follow() -> None:
    assert children(["kubectl", "rollout"]) == ["restart", "status", "pause", "resume", "undo", "history"]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
def test_every_command_has_a_summary_and_examples_that_parse(command) -> None:
    assert command.summary.endswith(".")
    assert command.examples
    for example in command.examples:
        line = take_apart(split(example))
        assert line.command is command, example
        assert line.waiting is None


@pytest.mark.parametrize(
    ("text", "message", "pointed", "hint"),
    [
        ("", "error: no command was given", "", "expected kubectl"),
        ("kubctl get pods", 'error: unknown command "kubctl"', "kubctl", 'did you mean "kubectl"?'),
        ("kubectl scael x", 'error: unknown command "scael" for "kubectl"', "scael", 'did you mean "scale"?'),
        ("kubectl rollout", 'error: "kubectl rollout" is not a whole command', "", "expected restart, status"),
        ("kubectl get pdos", 'error: the server doesn\'t have a resource type "pdos"', "pdos", "did you mean"),
        (
            "kubectl scale deploy/wbe --replicas=2",
            'Error from server (NotFound): deployments.apps "wbe" not found',
            "wbe",
            'did you mean "web"?',
        ),
        (
            "kubectl scale deploy/web --replica=2",
            'error: unknown flag "--replica" for "kubectl scale"',
            "--replica",
            'did you mean "--replicas"?',
        ),
        ("kubectl scale deploy/web --replicas=two", 'error: "two" is not a whole number', "two", ""),
        ("kubectl scale deploy/web --replicas=-1", "error: expected 0 or more", "-1", ""),
        ("kubectl scale pod/web-1 --replicas=2", "error: this does not work on pods", "pod", "expected"),
        (
            "kubectl get pods -n shp",
            'Error from server (NotFound): namespaces "shp" not found',
            "shp",
            'did you mean "shop"?',
        ),
        ("kubectl get pods -o yml", 'error: "yml" is not one of wide, yaml, json, name', "yml", 'did you mean "yaml"?'),
        ("kubectl get pods -l 'a b'", 'error: cannot read "a b" in a label selector', "'a b'", ""),
        (
            "lab fail node/worker-3",
            'Error from server (NotFound): nodes "worker-3" not found',
            "worker-3",
            "did you mean",
        ),
        ("lab cut link worker-1 zone-c", 'error: there is no node or zone "zone-c"', "zone-c", "did you mean"),
        ("kubectl set image deploy/web web-", "error: expected CONTAINER=IMAGE", "web-", ""),
        ("kubectl cordon worker-1 worker-2", "error: one word too many", "worker-2", ""),
        ("kubectl label pod web-1 tier a=b", 'Error from server (NotFound): pods "tier" not found', "tier", ""),
        ("kubectl create deployment Web --image=x", 'error: "Web" is not a name', "Web", ""),
    ],
)
def test_a_mistake_is_pointed_at(world: World, text: str, message: str, pointed: str, hint: str) -> None:
    lines = world.wrong(text).splitlines()
    assert lines[0].startswith(message)
    assert hint in lines[-1]
    if pointed:
        carets = lines[2]
        start, length = carets.index("^"), carets.count("^")
        assert lines[1][start : start + length] == pointed


def test_what_is_missing_is_named_with_the_usage(world: World) -> None:
    assert "expected RESOURCE... (kinds and names" in world.wrong("kubectl get")
    assert 'required flag "--replicas" is not set; usage: kubectl scale' in world.wrong("kubectl scale deploy/web")
    assert "-n wants a value: a namespace" in world.wrong("kubectl get pods -n")


@pytest.mark.parametrize("form", ["node/worker-2", "node worker-2", "worker-2", "no/worker-2", "nodes worker-2"])
def test_a_node_has_many_forms(world: World, form: str) -> None:
    assert world.values(f"lab fail {form}")["machines"] == ("worker-2",)


@pytest.mark.parametrize("form", ["zone/zone-b", "zone-b"])
def test_a_zone_is_all_its_nodes(world: World, form: str) -> None:
    world.node("worker-3", "zone-b")
    assert world.values(f"lab fail {form}")["machines"] == ("worker-2", "worker-3")


def test_a_zone_that_is_not_there_is_told_with_the_nearest(world: World) -> None:
    assert world.wrong("lab fail zone/zone-c").splitlines()[0] == 'error: there is no zone "zone-c"'


@pytest.mark.parametrize("form", ["pod/web-1", "pod web-1", "web-1", "po/web-1", "pod/default/web-1"])
def test_a_pod_has_many_forms(world: World, form: str) -> None:
    assert world.values(f"lab crash {form}")["pod"].obj.name == "web-1"


def test_links_and_proxies(world: World) -> None:
    assert world.values("lab cut link worker-1 zone/zone-b") == {"a": ("worker-1",), "b": ("zone-b",)}
    assert world.values("lab heal link internet node/worker-1") == {"a": ("internet",), "b": ("worker-1",)}
    group = world.values("lab cut link worker-1,node/worker-2,control-plane pod/web-1,internet")
    assert group == {"a": ("worker-1", "worker-2", "control-plane"), "b": ("pod/default/web-1", "internet")}
    proxy = Process("proxy", "worker-1")
    assert world.values("lab stop proxy/worker-1") == world.values("lab start proxy worker-1") == {"process": proxy}
    assert world.values("lab stop kubelet/worker-2") == {"process": Process("kubelet", "worker-2")}


@pytest.mark.parametrize(
    ("text", "pointed", "hint"),
    [
        ("lab cut link worker-1,worker-9 internet", "worker-9", "did you mean"),
        ("lab cut link pod/web-2 internet", "pod/web-2", 'did you mean "pod/web-1"'),
        ("lab cut link worker-1 control-plan", "control-plan", ""),
        ("lab stop worker-1", "worker-1", "proxy/"),
        ("lab impair link worker-1 --loss=120%", "120%", ""),
        ("lab impair link worker-1 --bandwidth=fast", "fast", ""),
    ],
)
def test_what_is_no_place_and_no_measure_is_pointed_at(world: World, text: str, pointed: str, hint: str) -> None:
    lines = world.wrong(text).splitlines()
    start, length = lines[2].index("^"), lines[2].count("^")
    assert lines[1][start : start + length] == pointed
    assert hint in lines[-1]


def test_help_of_a_command_whose_words_begin_another_one_is_whole(world: World) -> None:
    lines = world.ok("help k get")
    assert any("--show-labels" in line for line in lines)
    assert lines[lines.index("Commands that begin with kubectl get:") + 1].startswith("kubectl get events ")


def test_help_of_first_words_lists_what_begins_with_them(world: World) -> None:
    lines = world.ok("help kubectl rollout")
    assert [line.split("  ")[0] for line in lines][:2] == ["kubectl rollout restart", "kubectl rollout status"]
    assert "kubectl rollout undo RESOURCE [--to-revision=COUNT] [-n NAMESPACE]" in world.ok("help kubectl rollout undo")


def test_events_have_other_names() -> None:
    for word in ("events", "event", "ev"):
        assert find_command(split(f"kubectl get {word} -A"))[0].name == "kubectl get events"


def test_many_words_are_looked_up_no_oftener_than_few(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    class Counted(dict[str, Command]):
        def get(self, name: str, default: object = None) -> Any:
            looked.append(name)
            return super().get(name, default)

    monkeypatch.setattr(parser, "COMMANDS", Counted(COMMANDS))
    with pytest.raises(CommandError):
        find_command(split("x " * 20_000))
    assert len(looked) == longest_name()
    assert max(map(len, looked)) < 20
