"""What every fault has in common: an undo, `--for`, a place in the menu, a line in `lab faults`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.commands.fault import choices
from lab.commands.parser import find_command
from lab.commands.registry import COMMANDS, Fault
from lab.commands.words import split
from lab.engine import Engine
from lab.journal import CommandGiven
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.views.page import Subject
from tests.commands.test_on_engine import give, ok, start


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = start()
    yield made
    made.close()


NODE = Subject("Node", "", "worker-1")
FAULTS: dict[str, Fault] = {one.name: one.fault for one in COMMANDS.values() if one.fault is not None}


def powered(engine: Engine, name: str) -> bool:
    return engine.control_plane.kubelets[name].powered


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.undo])
def test_what_undoes_a_fault_is_a_command(name: str) -> None:
    found, _ = find_command(split(FAULTS[name].undo))
    assert found.name in COMMANDS
    assert COMMANDS[name].flag("--for") is not None


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if not fault.undo])
def test_what_cannot_be_undone_takes_no_time_either(name: str) -> None:
    assert COMMANDS[name].flag("--for") is None


def test_a_fault_for_a_time_is_mended_by_itself(engine: Engine) -> None:
    said = ok(engine, "lab fail node/worker-1 --for=20s", 19.9)
    assert said == ["node/worker-1 powered off", "in 20s, by itself: lab recover node/worker-1"]
    assert not powered(engine, "worker-1")
    engine.run_for(0.2)
    assert powered(engine, "worker-1")
    given = [event for event in engine.journal.read().events if isinstance(event, CommandGiven)]
    assert (given[-1].time, given[-1].text, given[-1].by) == (20.0, "lab recover node/worker-1", "clock")


def test_mended_by_hand_it_is_not_mended_again(engine: Engine) -> None:
    ok(engine, "lab fail node/worker-1 --for=20s", 5.0)
    ok(engine, "lab recover worker-1", 5.0)
    ok(engine, "lab fail node/worker-1", 60.0)
    assert not powered(engine, "worker-1"), "the twenty seconds were those of the first time"


def test_given_again_the_last_time_counts(engine: Engine) -> None:
    ok(engine, "lab cut link worker-1 internet --for=10s", 5.0)
    said = ok(engine, "lab cut link internet worker-1 --for=10s", 6.0)
    assert said[0] == "link internet worker-1 is cut already"
    assert engine.network.topology.down()
    engine.run_for(5.0)
    assert not engine.network.topology.down()


def test_a_zone_is_off_and_on_as_one(engine: Engine) -> None:
    ok(engine, "lab fail zone/zone-a --for=10s", 5.0)
    assert [powered(engine, f"worker-{number}") for number in (1, 2, 3)] == [False, True, False]
    engine.run_for(6.0)
    assert all(powered(engine, name) for name in engine.machines)


def test_of_a_zone_each_node_is_mended_for_itself(engine: Engine) -> None:
    ok(engine, "lab fail zone/zone-a --for=1m")
    assert [line.split()[1:] for line in ok(engine, "lab faults")[1:]] == [
        ["01:00.000", "lab", "recover", "node/worker-1"],
        ["01:00.000", "lab", "recover", "node/worker-3"],
    ]
    ok(engine, "lab recover worker-1", 30.0)
    ok(engine, "lab fail worker-1", 40.0)
    assert [powered(engine, name) for name in ("worker-1", "worker-3")] == [False, True], "for good, and for a minute"


def test_of_a_zone_that_is_frozen_a_node_without_power_stays_as_it_is(engine: Engine) -> None:
    ok(engine, "lab fail worker-3")
    said = ok(engine, "lab freeze zone-a --for=5s", 6.0)
    assert said[:2] == ["node/worker-3 has no power, and stays as it is", "node/worker-1 frozen"]
    assert [line.split()[-1] for line in ok(engine, "lab faults")[1:]] == ["node/worker-3"]


@pytest.mark.parametrize("groups", ["zone-a control-plane", "worker-1,worker-3 internet"])
def test_between_groups_each_link_is_mended_for_itself(engine: Engine, groups: str) -> None:
    ok(engine, f"lab cut link {groups} --for=1m")
    assert [line.split()[:2] for line in ok(engine, "lab faults")[1:]] == [["00:00.000", "01:00.000"]] * 2
    engine.run_for(61.0)
    assert ok(engine, "lab faults") == ["Nothing is broken."]


def test_of_groups_that_cannot_be_kept_apart_nothing_is_cut(engine: Engine) -> None:
    for groups in ("worker-1,worker-2 worker-2", "worker-1,control-plane internet"):
        assert give(engine, f"lab cut link {groups}").error
    assert ok(engine, "lab faults") == ["Nothing is broken."]


def test_a_pod_that_hangs_for_a_time_answers_what_has_piled_up(engine: Engine) -> None:
    first = engine.store.list(Pod, "default", {"app": "web"})[0]
    ok(engine, f"lab hang pod/{first.name} --for=3s")
    asked = give(engine, f"curl http://{first.status.pod_ip}:8080/ -m 10 --from pod/client", 1.0)
    assert not asked.done
    engine.run_for(3.0)
    assert asked.done
    assert any("200 OK" in line for line in asked.output)


def test_what_is_broken_is_listed_with_what_mends_it(engine: Engine) -> None:
    assert ok(engine, "lab faults") == ["Nothing is broken."]
    engine.run_for(2.0)
    ok(engine, "lab fail node/worker-2 --for=1m")
    ok(engine, "lab stop proxy/worker-1")
    engine.network.topology.cut("worker-3", "internet")  # by nobody's command
    assert ok(engine, "lab faults") == [
        "SINCE       UNTIL       MENDED BY",
        "00:02.000   01:02.000   lab recover node/worker-2",
        "?           mended      lab heal link internet worker-3",
        "00:02.000   mended      lab start proxy/worker-1",
    ]


def test_everything_is_mended_at_once(engine: Engine) -> None:
    for text in ("lab hang pod/client", "lab fail zone-b --for=1m", "lab upstream down", "kubectl cordon worker-1"):
        ok(engine, text)
    said = ok(engine, "lab mend")
    assert "node/worker-2 powered on" in "\n".join(said)
    assert ok(engine, "lab faults") == ["Nothing is broken."]
    assert not engine.store.get(Node, "worker-1").spec.unschedulable
    assert ok(engine, "lab mend") == ["Nothing is broken."]


def test_the_menu_offers_what_can_be_broken_and_what_can_be_mended(engine: Engine) -> None:
    commands = [choice.command for choice in choices(engine, NODE)]
    assert {"lab fail node/worker-1", "lab stop proxy/worker-1", "lab cut link internet worker-1"} <= set(commands)
    for text in ("lab fail node/worker-1", "lab cut link worker-1 internet", "kubectl cordon worker-1"):
        ok(engine, text)
    mends = [choice.command for choice in choices(engine, NODE)]
    assert {"lab recover node/worker-1", "lab heal link internet worker-1", "kubectl uncordon worker-1"} <= set(mends)
    assert "lab fail node/worker-1" not in mends


def test_every_row_of_the_menu_is_a_command_that_works(engine: Engine) -> None:
    pod = engine.store.list(Pod, "default", {"app": "web"})[0].name
    subjects = (NODE, Subject("Pod", "default", pod), Subject("Service", "default", "web"), None)
    for subject in subjects:
        for choice in choices(engine, subject):
            if choice.command.startswith("kubectl delete"):
                continue  # what is gone cannot be broken any more
            assert not give(engine, choice.command).error, choice.command
            ok(engine, "lab mend")
            engine.run_for(30.0)


def test_objects_of_other_namespaces_are_named_with_them(engine: Engine) -> None:
    pod = engine.store.list(Pod, "kube-system")[0].name
    commands = [choice.command for choice in choices(engine, Subject("Pod", "kube-system", pod))]
    assert f"lab crash pod/{pod} -n kube-system" in commands
