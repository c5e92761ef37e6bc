"""The main screen, driven by hand: no timer, no wall clock."""

from __future__ import annotations

import pytest

from lab.clock import ClockError
from lab.tui.app import LabApp
from lab.tui.widgets.nodes import NodesPane
from lab.views.page import Subject
from tests.tui.demo import DemoPlayer
from tests.tui.playing import playing
from tests.tui.screen import dump, started

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_it_fits_every_terminal(size: tuple[int, int]) -> None:
    async with playing(size) as (app, _, _pilot):
        lines = dump(app).splitlines()
    assert len(lines) == size[1]
    assert "peak-load" in lines[0]
    assert "▶ 00:02.0" in lines[0]
    assert "nodes 3/4" in lines[0]
    text = "\n".join(lines)
    assert "Nodes and Pods" in text
    assert "One address for many Pods" in text
    assert "Routing, live" in text
    assert ("2 Services" in text) == (size[0] >= 100)
    assert lines[-1].lstrip().startswith("? help   q quit   : command")


async def test_help_and_quit_are_always_offered() -> None:
    async with playing((60, 24)) as (app, _main, pilot):
        for pane in "1234":
            await pilot.press(pane)
            await pilot.pause()
            assert "? help   q quit" in dump(app).splitlines()[-1]


async def test_a_terminal_that_is_too_small_gets_only_a_message() -> None:
    async with playing((50, 12)) as (app, _, _pilot):
        text = dump(app)
    assert "60x15" in text
    assert "Nodes and Pods" not in text


async def test_time_stops_steps_and_goes_faster() -> None:
    async with playing() as (app, main, pilot):
        engine = main.player.engine
        await pilot.press("space")
        app.frame(1.0)
        assert engine.now == pytest.approx(2.0)
        await pilot.press("full_stop")
        assert engine.now == pytest.approx(2.1)
        assert "‖ 00:02.1" in dump(app)
        await pilot.press("plus", "plus")
        assert engine.speed == 5.0
        await pilot.press("minus")
        assert engine.speed == 2.0
        await pilot.press("0")
        assert engine.speed == 1.0


async def test_selecting_a_connection_holds_the_picture_and_end_lets_go() -> None:
    async with playing() as (app, main, pilot):
        await pilot.press("up", "up")
        chosen = main.routing.selected
        app.frame(0.5)
        assert main.routing.selected is chosen
        await pilot.pause()
        assert "held, 100 newer" in dump(app)
        await pilot.press("end")
        await pilot.pause()
        assert not main.routing.held
        assert "held" not in dump(app)


async def test_a_filter_shows_only_what_matches() -> None:
    async with playing() as (app, main, pilot):
        await pilot.press("slash", *"timeout", "enter")
        app.frame(0.1)
        rows = main.routing.rows
        assert rows
        assert all(row.finished is not None and row.finished.outcome == "timeout" for row in rows)
        await pilot.press("slash", "escape")
        assert main.routing.filter_text == ""


async def test_numbers_focus_panes_and_z_maximises() -> None:
    async with playing() as (_, main, pilot):
        await pilot.press("4")
        assert main.focused is not None
        assert main.focused.id == "events"
        await pilot.press("z")
        await pilot.pause()
        assert list(main.body.places) == ["events"]
        await pilot.press("z", "x")
        await pilot.pause()
        assert "events" not in main.body.places
        await pilot.press("4")
        assert "events" in main.body.places


async def test_a_narrow_terminal_brings_back_what_has_left() -> None:
    async with playing((80, 24)) as (app, main, pilot):
        assert "services" not in main.body.places
        await pilot.press("2")
        await pilot.pause()
        assert list(main.body.places) == ["services", "lesson", "routing"]
        assert "2 Services" in dump(app)


async def test_a_click_selects_what_is_under_the_pointer() -> None:
    async with playing() as (_, main, pilot):
        pane = main.query_one(NodesPane)
        target = next(t for t in pane.page.targets if isinstance(t.subject, Subject) and t.subject.kind == "Pod")
        await pilot.click(NodesPane, offset=(target.x + 3, target.y + 1 - pane.top))
        assert pane.selected == target.subject


async def test_the_step_selects_what_it_watches() -> None:
    async with playing() as (_, main, _pilot):
        assert main.body.get_child_by_id("services").selected == Subject("Service", "default", "web")  # type: ignore[attr-defined]


async def test_the_prompt_completes_remembers_and_prints() -> None:
    async with playing() as (app, main, pilot):
        await pilot.press("colon", *"kubectl get servi", "tab")
        assert main.prompt.value.startswith("kubectl get service")
        main.prompt.value = "kubectl get services"
        await pilot.press("enter")
        await pilot.pause()
        app.frame(0.1)
        await pilot.pause()
        assert "10.96.0.12" in dump(app)
        await pilot.press("up")
        assert main.prompt.value == "kubectl get services"
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert not main.output.display


async def test_a_wrong_command_is_told_in_the_panel() -> None:
    async with playing() as (app, _main, pilot):
        await pilot.press("colon", *"kubectl scael", "enter")
        await pilot.pause()
        app.frame(0.0)
        await pilot.pause()
        assert "scale" in dump(app)


async def test_the_output_is_as_high_as_what_it_says() -> None:
    async with playing((80, 24)) as (app, main, pilot):
        await pilot.press("colon", *"kubectl scael", "enter")
        app.frame(0.0)
        await pilot.pause()
        assert main.output.size.height == len(main.output.text) + 2 < 8
        await pilot.press(*"kubectl get pods", "enter")
        app.frame(0.0)
        await pilot.pause()
        assert 6 < main.output.size.height < 12


async def test_the_picker_has_help_and_says_what_escape_does() -> None:
    app = LabApp(None, timer=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "? help   q Esc leave" in dump(app).splitlines()[-1]
        await pilot.press("question_mark")
        await pilot.pause()
        assert "Keys" in dump(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "What it shows" in dump(app)


async def test_time_is_seen_to_go_on_behind_a_sheet() -> None:
    async with playing((80, 24)) as (app, main, pilot):
        for key in ("question_mark", "o", "R"):
            await pilot.press(key)
            app.frame(1.0)
            await pilot.pause(0.05)
            assert app.screen is not main
            shown = f"▶ 00:{main.player.engine.now:04.1f}"
            assert shown in dump(app)
            await pilot.press("escape")


async def test_help_lists_keys_and_commands() -> None:
    async with playing((120, 50)) as (app, _main, pilot):
        await pilot.press("question_mark")
        await pilot.pause()
        text = dump(app)
        assert "Stop time, or let it go on" in text
        await pilot.press("end")
        await pilot.pause()
        assert "lab " in dump(app)


async def test_the_end_brings_the_report_and_stops_time() -> None:
    async with playing(duration_s=3.0) as (app, main, pilot):
        for _ in range(12):
            app.frame(0.1)
        await pilot.pause()
        text = dump(app)
        assert "peak-load: the end" in text
        assert "r replay" in text
        assert main.player.engine.paused
        assert main.player.engine.now == pytest.approx(3.0)
        await pilot.press("escape")
        app.frame(0.1)
        assert main.player.engine.now == pytest.approx(3.0)


async def test_a_failing_simulation_ends_in_a_message() -> None:
    async with playing() as (app, main, pilot):

        def fail(elapsed_s: float, budget_s: float) -> None:
            raise ClockError("at 2.000000 s: a task failed: KeyError('x')")

        main.player.engine.advance = fail  # type: ignore[method-assign]
        app.frame(0.1)
        await pilot.pause()
        text = dump(app)
        assert "The simulation failed" in text
        assert "Traceback" not in text
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is main


async def test_every_binding_has_an_id_and_a_tooltip() -> None:
    async with playing() as (_, main, _pilot):
        widgets = [main, main.routing, main.prompt]
        bindings = [binding for widget in widgets for binding in type(widget).BINDINGS]
        assert all(binding.id and binding.tooltip for binding in bindings)  # type: ignore[union-attr]


async def test_both_themes_draw() -> None:
    async with playing() as (app, _main, pilot):
        await pilot.press("ctrl+t")
        await pilot.pause()
        assert app.theme == "lab-light"
        assert "Nodes and Pods" in dump(app)


async def test_an_unchanged_screen_is_not_drawn_again() -> None:
    async with playing() as (app, main, pilot):
        main.player.engine.paused = True
        for _ in range(3):  # the layout follows what the panes hold, and has to come to rest first
            app.frame(0.1)
            await pilot.pause()
        assert sum(pane.show() for pane in main.query("Canvas").results(NodesPane)) == 0


async def test_help_names_keys_as_they_are_printed_and_cuts_nothing_off() -> None:
    async with playing((80, 60)) as (app, _main, pilot):
        await pilot.press("question_mark")
        await pilot.pause()
        text = dump(app)
        for _ in range(6):
            await pilot.press("pagedown")
            text += dump(app)
        assert "bracket" not in text
        assert "pageup" not in text
        assert "│ ← [ " in text
        assert "│ Shift+← { " in text
        assert "In pane 1" in text
        sheet = [line[:80] for line in text.splitlines() if line.startswith("│ ")]
        assert not any("…" in line for line in sheet)


async def test_what_is_told_in_passing_does_not_cover_the_prompt() -> None:
    app = LabApp(DemoPlayer(), timer=False)  # type: ignore[arg-type]
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await started(app, pilot)
        await pilot.press("b", "colon", *"kubectl get", "enter")
        for _ in range(400):
            await pilot.pause(0.005)
            if "one branch only" in dump(app):
                break
        lines = dump(app).splitlines()
        assert any("one branch only" in line for line in lines[1:8])
        assert not any("one branch only" in line for line in lines[8:])


async def test_arrows_select_nodes_and_pods() -> None:
    async with playing() as (_app, main, pilot):
        await pilot.press("1", "down")
        assert main.query_one(NodesPane).selected == Subject("Node", "", "worker-1")
