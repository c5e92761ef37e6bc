import io
import json

import pytest

from lab.scenario.comparison import compare, to_text
from lab.scenario.headless import Options, play_all
from lab.scenario.loader import load_all
from lab.scenario.player import Player

TEXT = """\
name: down
duration: 10s
vars: {rate: 20}
manifests:
  - {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}
  - apiVersion: v1
    kind: Pod
    metadata: {name: web, labels: {app: web}}
    spec: {containers: [{name: web, image: web, ports: [{containerPort: 80}]}]}
traffic: [{from: pod/client, to: "http://web/", rate: "${rate}", arrivals: constant}]
variants:
  broken: {timeline: [{at: 5s, run: kubectl set selector service/web app=nobody}], expect: [errors >= 1]}
  fixed: {expect: [errors == 0]}
"""


@pytest.fixture
def players(tmp_path):
    path = tmp_path / "down.yaml"
    path.write_text(TEXT)
    return [Player(scenario) for scenario in load_all(path)]


def test_variants_are_played_one_after_the_other_and_compared(players):
    out = io.StringIO()
    assert play_all(players, Options(), out)
    lines = out.getvalue().splitlines()
    assert [line for line in lines if line.startswith("== ")] == ["== down (broken) ==", "== down (fixed) =="]
    assert lines[-3].split()[:4] == ["VARIANT", "REQUESTS", "LOST", "SUCCESS"]
    lost = int(lines[-2].split()[2])
    assert 90 <= lost <= 100
    assert lines[-1].endswith(f"{lost} requests saved")


def test_the_comparison_is_the_last_of_the_json_lines(players):
    out = io.StringIO()
    play_all(players, Options(form="jsonl"), out)
    last = json.loads(out.getvalue().splitlines()[-1])
    assert last["type"] == "comparison"
    assert [each["variant"] for each in last["variants"]] == ["broken", "fixed"]
    assert last["variants"][1]["saved"] == last["variants"][0]["lost"]


def test_what_was_saved_is_measured_at_equal_numbers_of_requests(players):
    play_all(players, Options(), io.StringIO())
    broken, fixed = (player.report() for player in players)
    once = compare("down", [("a", broken), ("b", broken)])
    assert [each.saved for each in once.variants] == [0, 0]
    assert to_text(once)[-1].endswith("no difference")
    worse = compare("down", [("a", fixed), ("b", broken)])
    assert worse.variants[1].saved == -worse.variants[1].lost
