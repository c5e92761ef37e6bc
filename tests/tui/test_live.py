"""What panes draw of a real run."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.scenario.loader import load
from lab.scenario.player import Player
from lab.tui.live import Live
from lab.views.events import event_lines
from lab.views.spans import text_of

SCENARIO = """\
name: small
about: One Pod.
duration: 60s
cluster: {nodes: 2}
manifests:
  - apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec: {containers: [{name: web, image: web, ports: [{containerPort: 8080}]}]}
timeline: [{at: 1s, run: lab stop proxy/worker-1}]
"""
KATA = """\
traffic: [{name: c, from: pod/client, to: "http://nobody/", rate: 1}]
kata: {task: Find it., solved: [{that: success == 100%, traffic: c}], debrief: It was kube-proxy., solution: [lab mend]}
"""


def live_of(tmp_path: Path, text: str) -> tuple[Player, Live]:
    path = tmp_path / "small.yaml"
    path.write_text(text)
    player = Player(load(path))
    player.start()
    live = Live(player)
    player.run_until(2.0)
    live.collect()
    return player, live


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("lab fail worker-2", ("no power", "bad")),
        ("lab freeze worker-2", ("frozen", "bad")),
        ("lab stop proxy/worker-2", ("no proxy", "warn")),
        ("lab stop kubelet/worker-2", ("no kubelet", "warn")),
        ("lab cut link worker-2 control-plane", ("cut off", "warn")),
    ],
)
def test_the_map_says_of_a_node_what_the_api_does_not(tmp_path: Path, text: str, note: tuple[str, str]) -> None:
    player, live = live_of(tmp_path, SCENARIO)
    before = live.state
    assert live.notes("worker-2") == ()
    player.give(text)
    assert live.notes("worker-2") == (note,)
    assert live.state != before


def told(live: Live) -> str:
    return text_of(line for each in live.events.happenings for line in event_lines(each.event, 100))


def test_of_a_lesson_the_events_tell_what_broke_and_of_a_kata_they_do_not(tmp_path: Path) -> None:
    player, live = live_of(tmp_path, SCENARIO)
    assert "lab stop proxy/worker-1" in told(live)
    assert live.notes("worker-1") == (("no proxy", "warn"),)
    player, live = live_of(tmp_path, SCENARIO + KATA)
    player.give("kubectl get pods")
    live.collect()
    assert "kubectl get pods" in told(live), "what somebody gives is told"
    assert "proxy" not in told(live)
    assert live.notes("worker-1") == ()
