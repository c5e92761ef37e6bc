"""Pages about runs: complete, on their own, and readable by a real browser."""

import re
import shutil
import subprocess

import pytest

from lab.cli import main
from lab.scenario.history import Bucket, History, Mark
from lab.scenario.loader import load, load_all
from lab.scenario.page import Recorder
from lab.scenario.player import Player
from lab.scenario.plots import drawn

TEXT = """\
name: down
duration: 20s
cluster: {settings: {dns_ttl_s: 7s}}
manifests:
  - {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}
  - apiVersion: v1
    kind: Pod
    metadata: {name: web, labels: {app: web}}
    spec: {containers: [{name: web, image: web, ports: [{containerPort: 80}]}]}
traffic: [{name: c, from: pod/client, to: "http://web/", rate: 20, arrivals: constant}]
timeline: [{at: 5s, run: kubectl set selector service/web app=nobody, say: "Now <b>look</b>."}]
variants:
  broken: {expect: [errors >= 1]}
  fixed: {timeline: [], expect: [errors == 0, nodes == 4]}
"""

pytest.importorskip("matplotlib", reason="the extra `report` is not installed")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    (folder / "down.yaml").write_text(TEXT)
    assert main(["play", f"{folder}/down.yaml", "--headless", "--report", f"{folder}/out.html"]) == 1
    return folder / "out.html"


def test_the_page_needs_nothing_but_itself(page):
    text = page.read_text()
    assert not re.search(r"""(src|href)\s*=\s*["']?(?!#)[a-z]+:""", text.replace("http://www.w3.org", ""))
    assert not re.search(r"<script|<link|@import|url\((?!#)", text)


def test_the_page_shows_every_variant_with_its_plots_and_checks(page):
    text = page.read_text()
    assert text.count("<svg") == 4
    for part in ("Variants", "id='broken'", "id='fixed'", "errors &gt;= 1", "1 of 2 expectations broken"):
        assert part in text


def test_the_page_tells_what_is_worth_knowing_besides(page):
    text = page.read_text()
    assert "<h3>Worth knowing</h3>" in text
    assert "<td>made for the traffic<td>pod/default/client" in text


def test_the_page_tells_settings_that_are_not_the_usual_ones_and_the_journal(page):
    text = page.read_text()
    assert "<td>dns_ttl_s<td>7.0" in text
    first = load_all(page.parent / "down.yaml")[0]
    player = Player(first)
    player.start()
    player.engine.run_until(20.0)
    player.drain()
    assert player.engine.journal.digest in text


def test_what_a_scenario_says_is_text_and_not_markup(page):
    assert "Now &lt;b&gt;look&lt;/b&gt;" in page.read_text()


def test_the_same_run_gives_the_same_page(page, tmp_path):
    again = tmp_path / "again.html"
    main(["play", str(page.parent / "down.yaml"), "--headless", "--report", str(again)])
    assert again.read_text() == page.read_text()


def test_a_page_that_cannot_be_written_is_told_before_anything_runs(page, capsys):
    assert main(["play", str(page.parent / "down.yaml"), "--headless", "--report", "/nowhere/out.html"]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "lab: /nowhere/out.html: cannot be written: No such file or directory\n")


def test_a_run_that_breaks_off_leaves_an_older_page_alone(page, tmp_path):
    path = tmp_path / "old.html"
    path.write_text("old")
    Recorder([Player(load(page.parent / "down.yaml"))], str(path))
    assert path.read_text() == "old"


def test_a_history_counts_requests_by_the_second_in_which_they_end(page):
    player = Player(load(page.parent / "down.yaml"))
    history = History(player.engine, frozenset({"c"}))
    player.start()
    player.engine.run_until(20.0)
    assert sum(bucket.requests for bucket in history.seconds.values()) == player.report().groups[0].requests
    assert history.seconds[2].ok == 20
    assert history.seconds[12].ok == 0
    assert [mark.text for mark in history.marks][:2] == [
        '"Now <b>look</b>"',
        "$ kubectl set selector service/web app=nobody",
    ]


def test_plots_are_marked_once_for_a_moment():
    marks = [Mark(1.0, "command", "a"), Mark(1.02, "network", "b"), Mark(2.0, "story", "c"), Mark(3.0, "health", "d")]
    assert [mark.text for mark in drawn(marks)] == ["a", "d"]


def test_a_second_without_requests_has_none():
    assert Bucket().requests == 0


@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_a_browser_shows_the_page(page, tmp_path):
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    more = f"--disable-component-update --disable-sync --user-data-dir={tmp_path} --window-size=1200,1600"
    command = ["chromium", *flags.split(), *more.split(), "--dump-dom", page.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert "<h1>down</h1>" in shown
    assert shown.count("<svg") == 4
    assert shown.count("<tr") > 40
