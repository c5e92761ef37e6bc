"""The screen over the real engine: it shows a run and never changes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.kube.kinds.node import Node
from lab.scenario.loader import load
from lab.scenario.player import Player
from lab.scenario.scenario import Scenario
from lab.tui.app import LabApp
from lab.tui.widgets.nodes import NodesPane
from lab.views.page import Subject
from tests.tui.screen import dump, started

pytestmark = pytest.mark.asyncio

SCENARIO = """\
name: small
about: Two Pods behind a Service.
seed: 3
duration: 6s
cluster: {nodes: 2}
manifests:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: 2
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: web, image: web, ports: [{containerPort: 8080}]}]}
  - apiVersion: v1
    kind: Service
    metadata: {name: web}
    spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
traffic:
  - {name: asks, from: pod/client, to: "http://web/", rate: 20}
timeline:
  - {at: 2s, run: kubectl scale deployment/web --replicas=3}
expect:
  - {that: "success == 100%"}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    path = tmp_path / "small.yaml"
    path.write_text(SCENARIO)
    return load(path)


async def test_a_run_on_the_screen_has_the_journal_of_a_headless_one(scenario: Scenario) -> None:
    alone = Player(scenario)
    alone.start()
    alone.engine.run_until(scenario.duration_s)

    app = LabApp(Player(scenario), timer=False, speed=2.0)
    async with app.run_test(size=(120, 40)) as pilot:
        await started(app, pilot)
        assert app.player is not None
        await pilot.press("up", "1", "down", "d", "escape", "o", "escape")
        for i in range(60):
            app.frame(0.07 + 0.01 * (i % 3))
        await pilot.pause()
        assert app.player.finished
        assert "all kept" in dump(app)
        assert app.player.engine.journal.digest == alone.engine.journal.digest


@pytest.mark.parametrize("speed", [1.0, 50.0])
async def test_the_end_is_at_the_same_moment_on_the_screen(tmp_path: Path, speed: float) -> None:
    path = tmp_path / "hangs.yaml"
    text = SCENARIO.replace("timeline:", "timeline:\n  - {at: 3s, run: lab hang deployment/web}")
    path.write_text(text.replace("rate: 20}", "rate: 20, timeout: 1.3s}"), encoding="utf-8")
    alone = Player(load(path))
    alone.start()
    alone.run_until(6.0)
    alone.drain()
    assert alone.engine.now > 6.5

    app = LabApp(Player(load(path)), timer=False, speed=speed)
    async with app.run_test(size=(120, 40)) as pilot:
        await started(app, pilot)
        assert app.player is not None
        for _ in range(120):
            app.run_engine(0.1, 10.0)
            while app.player.engine.behind_s > 0:
                app.run_engine(0.0, 10.0)
            app.draw()
        assert app.player.engine.now == alone.engine.now
        assert app.player.report().journal == alone.report().journal


async def test_enter_explains_a_connection_from_the_rules_of_its_node(scenario: Scenario) -> None:
    app = LabApp(Player(scenario), timer=False)
    async with app.run_test(size=(130, 50)) as pilot:
        await started(app, pilot)
        for _ in range(20):
            app.frame(0.1)
        await pilot.press("up", "enter")
        await pilot.pause()
        text = dump(app)
        assert "pod/default/client → web:80/TCP" in text
        assert "decides here" in text
        assert "DNAT" in text
        assert "Candidates" in text
        await pilot.press("c", "escape")
        await pilot.pause()
        assert "Candidates" in app.clipboard
        assert app.screen is app.main


async def test_d_describes_the_selected_pod(scenario: Scenario) -> None:
    app = LabApp(Player(scenario), timer=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await started(app, pilot)
        app.frame(0.1)
        await pilot.press("1", "down", "down", "d")
        await pilot.pause()
        assert app.main is not None
        selected = app.main.query_one(NodesPane).selected
        assert isinstance(selected, Subject)
        assert selected.kind == "Pod"
        assert f"Name:                {selected.name}".replace(" ", "") in dump(app).replace(" ", "")


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_booting_shows_how_far_it_is_and_a_key_leaves_at_once(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr("lab.tui.app._BOOT_SLICE_S", 0.0)  # a few events a slice, however fast the machine is
    player = Player(scenario)
    app = LabApp(player, timer=False)
    async with app.run_test(size=(120, 40)) as pilot:
        for _ in range(400):
            await pilot.pause(0.005)
            if " of 5 Pods ready" in dump(app):
                break
        assert " of 5 Pods ready" in dump(app)
        assert player.engine.now < 0
        await pilot.press(key)
        await pilot.pause()
        assert app._exit
        assert player.engine.now < 0
    with pytest.raises(RuntimeError, match="closed"):
        player.engine.run_until(0.0)


async def test_replay_starts_the_same_run_again(scenario: Scenario) -> None:
    app = LabApp(Player(scenario), timer=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await started(app, pilot)
        first = app.main
        for _ in range(70):
            app.frame(0.1)
        await pilot.pause()
        await pilot.press("r")
        await started(app, pilot, first)
        assert app.player is not None
        assert app.player.engine.now < 1.0
        assert app.player.seed == 3


async def test_what_is_kept_and_not_simulated_is_told_on_the_screen(tmp_path: Path) -> None:
    path = tmp_path / "kept.yaml"
    path.write_text(
        "name: kept\nduration: 5s\nmanifests:\n"
        "  - {apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web}, spec: {}}\n"
    )
    app = LabApp(Player(load(path)), timer=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await started(app, pilot)
        app.frame(0.1)
        await pilot.pause()
        assert "kept, not simulated: Ingress" in dump(app)


async def test_a_machine_whose_node_object_was_deleted_is_still_drawn(scenario: Scenario) -> None:
    app = LabApp(Player(scenario), timer=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await started(app, pilot)
        assert app.player is not None
        pods = [pod.name for pod in app.player.engine.store.pods_on("worker-2")]
        app.player.engine.store.delete(Node, "worker-2", "")
        app.frame(0.1)
        await pilot.pause()
        text = dump(app)
        assert any("worker-2" in line and "deleted" in line for line in text.splitlines())
        assert any(name[:12] in text for name in pods)


async def test_f_offers_what_can_be_broken_and_asks_before_it_does_it(scenario: Scenario) -> None:
    app = LabApp(Player(scenario), timer=False)
    async with app.run_test(size=(120, 50)) as pilot:
        await started(app, pilot)
        assert app.player is not None
        await pilot.press("1", "down", "f")
        await pilot.pause()
        text = dump(app)
        assert "lab fail node/worker-1" in text
        assert "The cluster as a whole" in text
        await pilot.press("enter")
        await pilot.pause()
        assert "This takes something away" in dump(app)
        assert "Cancel (n)" in dump(app)
        assert "Do it (y)" in dump(app)
        assert app.screen.focused is not None
        assert app.screen.focused.id == "cancel"
        await pilot.press("enter")
        await pilot.pause()
        assert app.player.engine.control_plane.kubelets["worker-1"].powered
        await pilot.press("y")
        await pilot.pause()


async def test_the_menu_mends_what_is_broken(scenario: Scenario) -> None:
    app = LabApp(Player(scenario), timer=False)
    async with app.run_test(size=(120, 50)) as pilot:
        await started(app, pilot)
        assert app.player is not None
        app.player.give("lab fail node/worker-1")
        await pilot.press("1", "down", "f")
        await pilot.pause()
        assert "lab recover node/worker-1" in dump(app)
        await pilot.press("enter")
        await pilot.pause()
        assert app.player.engine.control_plane.kubelets["worker-1"].powered


async def test_with_nothing_selected_the_menu_is_about_the_cluster(scenario: Scenario) -> None:
    app = LabApp(Player(scenario), timer=False)
    async with app.run_test(size=(120, 50)) as pilot:
        await started(app, pilot)
        await pilot.press("4", "f")
        await pilot.pause()
        text = dump(app)
        assert "Break or mend the cluster" in text
        assert "lab upstream down" in text
