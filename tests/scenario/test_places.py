"""Nodes and zones that a story's commands name have to be there, and that is told when the file is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.kube.errors import LabError
from lab.scenario.loader import load

STORY = "name: places\nduration: 20s\ncluster: {nodes: 3, zones: [zone-a, zone-b]}\n"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "places.yaml"
    path.write_text(STORY + text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("lab fail node/worker-9", 'timeline[0].run: nodes "worker-9" not found; did you mean "worker-'),
        ("lab fail zone/zone-c", 'timeline[0].run: there is no zone "zone-c"'),
        ("lab cut link worker-1,worker-9 internet", 'there is no node or zone "worker-9"'),
        ("lab impair link zone-c --delay=10ms", 'there is no node or zone "zone-c"'),
        ("lab stop proxy/worker-9", 'nodes "worker-9" not found'),
        ("lab flap worker-9 --every=9s --each=1s", 'nodes "worker-9" not found'),
        ("kubectl drain worker-9 --ignore-daemonsets", 'there is no node "worker-9", did you mean "worker-'),
        ("kubectl cordon node/worker-9", 'there is no node "worker-9"'),
    ],
)
def test_a_place_that_is_not_there_is_refused_with_its_line(tmp_path: Path, command: str, message: str) -> None:
    path = write(tmp_path, f'timeline:\n  - {{at: 1s, run: "{command}"}}\n')
    with pytest.raises(LabError) as raised:
        load(path)
    assert "places.yaml:5: " in str(raised.value)
    assert message in str(raised.value)


def test_methods_and_rollbacks_are_looked_at_too(tmp_path: Path) -> None:
    path = write(tmp_path, "method:\n  - lab fail node/worker-8\nrollbacks: [lab recover node/worker-9]\n")
    with pytest.raises(LabError) as raised:
        load(path)
    assert "places.yaml:5: method[0]: " in str(raised.value)
    assert "places.yaml:6: rollbacks[0]: " in str(raised.value)


@pytest.mark.parametrize(
    "command",
    [
        "lab fail zone-b --for=5s",
        "lab cut link pod/anybody control-plane,internet",
        "lab cut link worker-1,zone-b internet",
        "lab start kubelet/worker-3",
        "kubectl uncordon node worker-2",
        "lab fail control-plane",
    ],
)
def test_what_is_there_may_be_named(tmp_path: Path, command: str) -> None:
    load(write(tmp_path, f'timeline:\n  - {{at: 1s, run: "{command}"}}\n'))


def test_what_is_to_be_refused_may_name_anything(tmp_path: Path) -> None:
    load(write(tmp_path, "timeline:\n  - {at: 1s, run: lab fail node/worker-9, refused: not found}\n"))
