"""What a lesson does to the screen, step by step."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.scenario.catalogue import find
from lab.scenario.loader import load
from lab.scenario.player import Player
from lab.tui.app import LabApp
from lab.tui.widgets.nodes import NodesPane
from lab.tui.widgets.services import ServicesPane
from lab.views.page import Subject
from tests.tui.screen import dump, started

pytestmark = pytest.mark.asyncio

SCENARIO = """\
name: told
duration: 20s
manifests:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: 2
      selector: {matchLabels: {app: web}}
      template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}
  - {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}
timeline:
  - {at: 1s, run: kubectl get nodes}
  - {at: 4s, run: kubectl get services}
  - {at: 5s, run: kubectl apply -f nowhere.yaml, refused: no such file}
  - {at: 9s, run: kubectl get pods}
lesson:
  - {at: 0s, title: One, watch: deployment/web}
  - {at: 2s, title: Two, watch: service/web}
  - {at: 4s, title: Three, watch: output}
  - {at: 8s, title: Four, watch: node/worker-2}
  - {at: 12s, title: Five, watch: output}
"""


async def test_steps_select_objects_and_show_what_commands_print(tmp_path: Path) -> None:
    path = tmp_path / "told.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    app = LabApp(Player(load(path)), timer=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await started(app, pilot)
        main = app.main
        assert main is not None

        async def until(when_s: float) -> str:
            app.frame(when_s - main.player.engine.now)
            app.frame(0.0)
            await pilot.pause()
            return dump(app)

        await until(0.5)
        selected = main.query_one(NodesPane).selected
        assert isinstance(selected, Subject)
        assert selected.name.startswith("web-")
        assert "kubectl get nodes" not in (await until(2.5)).partition("Output")[2]
        assert main.query_one(ServicesPane).selected == Subject("Service", "default", "web")
        shown = (await until(4.5)).partition("Output")[2]
        assert ": kubectl get services" in shown
        assert "CLUSTER-IP" in shown
        assert "kubectl get nodes" not in shown
        assert "nowhere.yaml: no such file or folder" in (await until(5.5)).partition("Output")[2]
        assert "Output" not in await until(9.5)
        assert main.query_one(NodesPane).selected == Subject("Node", "", "worker-2")
        await until(12.5)
        assert main.output.display
        await pilot.press("colon", *"kubectl get pods", "enter")
        await until(13.0)
        assert "web-" in dump(app).partition("Output")[2]


async def test_a_hint_stands_in_the_pane_as_soon_as_it_was_asked_for() -> None:
    app = LabApp(Player(load(find("nobody-home"))), timer=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await started(app, pilot)
        app.frame(0.1)
        await pilot.pause()
        assert "3 left" in dump(app)
        await pilot.press("H")
        app.frame(0.0)
        await pilot.pause()
        assert "Hint 1" in dump(app)
        assert "2 left" in dump(app)


async def test_what_is_added_to_a_kata_is_brought_into_sight() -> None:
    app = LabApp(Player(load(find("two-at-once"))), timer=False)
    async with app.run_test(size=(100, 30)) as pilot:
        await started(app, pilot)

        async def seen() -> str:
            for _ in range(3):  # the layout follows what the text needs a frame later
                app.frame(0.0)
                await pilot.pause()
            return dump(app)

        assert "Kata (hard)" in await seen()
        for number in (1, 2, 3):
            await pilot.press("H")
            assert f"Hint {number}:" in await seen()
        assert app.player.kata is not None
        app.player.kata.check.passed = True
        assert "Solved!" in await seen()
