"""Recordings: what is written can be played again as the same run, also when it breaks off."""

from dataclasses import replace
from pathlib import Path

import msgpack
import pytest

from lab.cli import main
from lab.kube.errors import LabError
from lab.kube.kinds.service import Service
from lab.recording.codec import pack_scenario, unpack_scenario
from lab.recording.frames import FrameWriter
from lab.recording.replay import Replay
from lab.recording.tape import Recorder, read_tape
from lab.scenario.catalogue import catalogue
from lab.scenario.loader import load
from lab.scenario.player import Player

TEXT = """\
name: taped
duration: 20s
manifests:
  - {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: 2
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: web, image: web, ports: [{containerPort: 80, protocol: TCP}]}]}
traffic: [{from: pod/client, to: "http://web/", rate: 20}]
timeline: [{at: 5s, run: kubectl scale deployment/web --replicas=3}]
"""
EXTRA = "apiVersion: v1\nkind: Service\nmetadata: {name: extra}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"


@pytest.fixture
def scenario(tmp_path):
    (tmp_path / "extra.yaml").write_text(EXTRA)
    path = tmp_path / "taped.yaml"
    path.write_text(TEXT)
    return load(path)


@pytest.fixture
def recorded(scenario, tmp_path):
    """A run with commands by hand, recorded; its journal's digest, and the file."""
    player = Player(scenario)
    recorder = Recorder(player, tmp_path / "run.rec")
    player.start()
    player.run_until(3.3)
    player.give("kubectl apply -f extra.yaml")
    player.give("kubectl delete pod nothing")
    player.run_until(9.05)
    player.give("lab fail node/worker-2", by="key")
    player.run_until(20.0)
    recorder.close()
    return player.engine.journal.digest, tmp_path / "run.rec"


def replayed(path):
    tape = read_tape(path)
    replay = Replay(tape)
    replay.player.start()
    replay.player.run_until(tape.end_s)
    return tape, replay


def test_a_recording_played_again_is_the_same_run(recorded):
    digest, path = recorded
    tape, replay = replayed(path)
    assert replay.player.engine.journal.digest == digest
    assert (replay.same, tape.ended, tape.torn) == (True, True, "")
    assert replay.verdict.endswith(digest)
    assert [(given.time_s, given.by) for given in tape.log.given] == [(3.3, "prompt"), (3.3, "prompt"), (9.05, "key")]


def test_what_a_command_has_read_is_recorded_with_it(recorded, tmp_path):
    (tmp_path / "extra.yaml").write_text("gone")
    _, replay = replayed(recorded[1])
    assert replay.same
    assert replay.player.engine.store.find(Service, "extra", "default") is not None
    assert [read.path for read in replay.player.log.reads] == ["extra.yaml"]


def test_a_refusal_is_recorded_with_every_place_that_it_named(scenario, tmp_path):
    bad = EXTRA.replace("port: 80", "port: 0")
    (tmp_path / "bad.yaml").write_text(f"{bad}---\na: [\n")
    player = Player(scenario)
    recorder = Recorder(player, tmp_path / "run.rec")
    player.start()
    said = player.give("kubectl apply -f bad.yaml").error
    assert said.startswith("error: bad.yaml:4: service/extra: spec.ports[0].port: ")
    assert len(said.splitlines()) == 4
    player.run_until(2.0)
    recorder.close()
    (tmp_path / "bad.yaml").unlink()
    _, replay = replayed(tmp_path / "run.rec")
    assert replay.same


def test_where_the_objects_of_a_scenario_were_written_is_recorded_too(scenario, tmp_path):
    again = unpack_scenario(msgpack.unpackb(msgpack.packb(pack_scenario(scenario))))
    assert [str(each.place) for each in again.documents] == [str(each.place) for each in scenario.documents]
    assert str(again.documents[-1].place_of("spec.replicas")) == f"{tmp_path}/taped.yaml:5"


def test_a_recording_that_breaks_off_is_played_as_far_as_it_goes(recorded):
    _, path = recorded
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"lab fail") - 30])
    tape, replay = replayed(path)
    assert tape.torn.startswith("it breaks off at byte")
    assert not tape.ended
    assert [given.text for given in replay.player.log.given] == [
        "kubectl apply -f extra.yaml",
        "kubectl delete pod nothing",
    ]
    assert replay.verdict == "the recording breaks off before there was anything to compare"


def test_a_run_that_differs_is_found_out(recorded, scenario):
    tape = read_tape(recorded[1])
    replay = Replay(tape._replace(seed=tape.seed + 1))
    said = []
    replay.on_done.append(said.append)
    replay.player.start()
    replay.player.run_until(tape.end_s)
    assert not replay.same
    assert said == ["the journal differs from the recorded one, at the latest from 20.000 s on"]


def test_a_command_is_written_before_it_is_carried_out(scenario, tmp_path):
    player = Player(scenario)
    recorder = Recorder(player, tmp_path / "run.rec")
    player.start()
    player.listeners.given.append(lambda given: seen.extend(read_tape(tmp_path / "run.rec").log.given))
    seen = []
    player.give("kubectl get pods")
    recorder.close()
    assert [given.text for given in seen] == ["kubectl get pods"]


def test_commands_at_one_moment_come_after_everything_that_is_due_then(scenario):
    player = Player(scenario)
    player.start()
    order = []
    player.engine.clock.at(2.0, lambda: order.append("due"))
    player.engine.clock.at(2.0, lambda: player.engine.clock.after(0.0, lambda: order.append("then due")))
    player.at_quiet(2.0, lambda: order.append("first"))
    player.at_quiet(2.0, lambda: order.append("second"))
    player.run_until(3.0)
    assert order == ["due", "then due", "first", "second"]


def test_a_command_that_is_given_in_the_middle_of_a_moment_waits_for_its_end(scenario):
    player = Player(scenario)
    player.start()
    happened = []
    for number in range(5000):
        player.engine.clock.at(2.0, happened.append, number)
    player.run_until(1.9999)
    assert not player.run_until(2.0, budget_s=0.0), "the budget was to end in the middle of the moment"
    assert 0 < len(happened) < 5000
    player.listeners.given.append(lambda given: happened.append(given.text))
    player.give("kubectl get pods")
    assert happened == [*range(5000), "kubectl get pods"]


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.name)
def test_every_scenario_that_comes_along_goes_through_msgpack_unchanged(entry):
    scenario = load(entry.path)
    again = unpack_scenario(msgpack.unpackb(msgpack.packb(pack_scenario(scenario))))
    assert again == replace(scenario, folder=Path())


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "there is nothing in this recording"),
        ([b"\xc1"], "is not a recording of Service Lab"),
        ([msgpack.packb({"kind": "head", "format": 99, "version": "9.9"})], "was made by Service Lab 9.9"),
        ([msgpack.packb({"kind": "head", "format": 1, "version": "0.1", "seed": 1})], "cannot be played by"),
        ([msgpack.packb({"kind": "head", "format": 1, "seed": 1, "scenario": {"name": 3}})], "cannot be read"),
    ],
)
def test_a_recording_that_cannot_be_played_says_why(tmp_path, frames, message):
    writer = FrameWriter(tmp_path / "x.rec")
    for frame in frames:
        writer.append(frame)
    writer.close()
    with pytest.raises(LabError, match=message):
        read_tape(tmp_path / "x.rec")


def test_a_scenario_is_recorded_and_replayed_from_the_shell(scenario, tmp_path, capsys):
    path = tmp_path / "run.rec"
    assert main(["play", scenario.file, "--headless", "--record", str(path)]) == 0
    capsys.readouterr()
    assert main(["replay", str(path), "--headless"]) == 0
    assert "the journal is the same: " in capsys.readouterr().out.splitlines()[-1]
