import io
import json
import subprocess
import sys
from pathlib import Path

import msgpack
import pytest

from lab import __version__, cli

SMOKE = str(Path(__file__).parent / "scenario" / "files" / "smoke.yaml")
WEB = str(Path(__file__).parent / "scenario" / "files" / "web.yaml")


def lab(capsys, *words):
    status = cli.main(words)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_help_is_short_and_names_every_verb(capsys):
    status, out, _ = lab(capsys, "--help")
    assert status == 0
    assert len(out.splitlines()) < 40
    assert all(verb in out for verb in ("play", "run", "tour", "list", "schema", "version"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pla"], 'there is no "lab pla", did you mean "play"?'),
        (["play"], "the following arguments are required"),
        (["play", "x", "--hedless"], 'there is no option --hedless, did you mean "--headless"?'),
        (["play", "x", "--speed", "fast"], "expected a number from 0.1 to 1000"),
        (["play", "clusterip"], 'did you mean "cluster-ip"?'),
        (["play", "no/such.yaml"], "no/such.yaml: there is no such file"),
        (["play", WEB], "this is a manifest, not a scenario; run it with: lab run -f"),
        (["play", SMOKE, "--headless", "--until", "soon"], '"soon" is not a duration'),
        (["play", SMOKE, "--headless", "--journal", "/nowhere/x"], "cannot be written"),
        (["run", "-f", "nowhere"], "nowhere: no such file or folder"),
        (["run", "-f", WEB, "--nodes", "0"], "a cluster needs a node"),
        (["run", "-f", SMOKE], f"{SMOKE}:1: this is a scenario, not a manifest; play it with: lab play {SMOKE}"),
        (
            ["run", "-f", "https://x.example/a.yaml"],
            "https://x.example/a.yaml: manifests are read from files; download",
        ),
        (["play", "https://x.example/a.yaml"], "https://x.example/a.yaml: scenarios are read from files; download it"),
        (["trace", "-f", SMOKE, "--from", "internet", "--to", "web"], "this is a scenario, not a manifest"),
        (["run", "-f", WEB, "--nodes", "300"], "--pod-cidr 10.244.0.0/16 has room for 256"),
        (["run", "-f", WEB, "--service-cidr", "abc"], '--service-cidr: "abc" is not a network (such as 10.96.0.0/12)'),
        (["reach", "-f", WEB, "--pod-cidr", "10.0.0.1/8"], "--pod-cidr: "),
        (["rules", "-f", WEB, "--node", "worker-1", "--node-ports", "5-1"], '--node-ports: "5-1" is not a range'),
        (["validate", WEB, "--service-cidr", "10.96.0.0/33"], "--service-cidr: "),
        (["trace", "--scenario", SMOKE, "--to", "web", "--node-ports", "1-2"], "--node-ports goes with -f"),
    ],
)
def test_what_is_wrong_is_one_clear_line_and_status_2(capsys, words, message):
    status, out, err = lab(capsys, *words)
    assert status == 2
    assert out == ""
    assert err.startswith("lab: ")
    assert len(err.splitlines()) == 1
    assert message in err


def test_version(capsys):
    assert lab(capsys, "version")[1] == lab(capsys, "--version")[1] == f"service-lab {__version__}\n"


def test_without_a_terminal_lab_lists_what_can_be_played(capsys):
    status, out, _ = lab(capsys)
    assert status == 0
    assert "cluster-ip" in out
    assert "--headless" in out


def test_the_schema_is_json(capsys):
    assert json.loads(lab(capsys, "schema")[1])["title"] == "Service Lab scenario"


def test_a_headless_run_prints_a_line_a_second_and_a_report(capsys):
    status, out, err = lab(capsys, "play", SMOKE, "--headless")
    assert status == 0, out + err
    lines = out.splitlines()
    assert sum(" rps " in line for line in lines) == 20
    assert any(line.startswith("inside") and "100%" in line for line in lines)
    assert "FAILED" not in out
    assert "         | deployment.apps/web scaled" in lines
    assert lines[-1].startswith("journal ")


def test_jsonl_is_an_object_a_line(capsys):
    status, out, _ = lab(capsys, "play", SMOKE, "-o", "jsonl")
    objects = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert [each["time_s"] for each in objects if each["type"] == "second"] == [float(s) for s in range(1, 21)]
    report = objects[-1]
    assert report["type"] == "report"
    assert report["passed"] is True
    assert {check["passed"] for check in report["checks"]} == {True}
    assert sum(each["requests"] for each in objects if each["type"] == "second") == report["total"]["requests"]
    assert {share["service"] for share in report["endpoints"]} == {"default/web"}


def test_an_expectation_that_does_not_hold_is_status_1(capsys, tmp_path):
    failing = tmp_path / "failing.yaml"
    failing.write_text("name: failing\nduration: 3s\nexpect: [{that: nodes ready == 9}]\n", encoding="utf-8")
    status, out, _ = lab(capsys, "play", str(failing), "--headless")
    assert status == 1
    assert "FAILED" in out
    assert "failing.yaml:3" in out


def test_a_story_can_be_ended_early(capsys):
    status, out, _ = lab(capsys, "play", SMOKE, "--headless", "--until", "2s")
    assert status == 0
    assert sum(" rps " in line for line in out.splitlines()) == 2
    assert "not judged" in out


def test_the_journal_is_a_stream_of_msgpack_maps(capsys, tmp_path):
    path = tmp_path / "events"
    _, out, _ = lab(capsys, "play", SMOKE, "--headless", "--until", "1s", "--journal", str(path))
    events = list(msgpack.Unpacker(io.BytesIO(path.read_bytes())))
    assert all({"event", "time"} <= set(event) for event in events)
    assert f"{len(events)} events" in out


def test_another_seed_is_another_run(capsys):
    def digest(seed):
        return lab(capsys, "play", SMOKE, "--headless", "--seed", seed, "--until", "2s")[1].split("journal ")[1]

    assert digest("1") == digest("1")
    assert digest("1") != digest("2")


def test_manifests_of_ones_own_run_with_traffic_to_what_is_exposed(capsys, tmp_path):
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    (tmp_path / "service.json").write_text(json.dumps(service), encoding="utf-8")
    words = ["run", "-f", WEB, str(tmp_path / "service.json"), "--for", "5s", "-o", "jsonl"]
    status, out, _ = lab(capsys, *words)
    report = json.loads(out.splitlines()[-1])
    assert status == 0
    assert [group["name"] for group in report["groups"]] == ["web"]
    assert report["groups"][0]["success"] == 1.0
    assert report["not_ready"] == []


@pytest.mark.parametrize(
    "words",
    [["run"], ["run", "--headless"], ["trace", "--to", "web"], ["reach"], ["rules", "--node", "worker-1"], ["expose"]],
)
def test_manifests_that_are_refused_are_told_whole_before_anything_runs(capsys, tmp_path, words):
    port = "ports: [{port: 80, nodePort: 30080}]"
    head = "apiVersion: v1\nkind: Service\nmetadata:"
    one, two = (f"{head} {{name: {name}}}\nspec: {{type: NodePort, {port}}}\n" for name in ("one", "two"))
    (tmp_path / "all.yaml").write_text(f"{one}---\n{two}---\n{head} {{}}\nspec: {{clusterIP: 1.2.3.4, ports: 80}}\n")
    status, out, err = lab(capsys, *words, "-f", str(tmp_path / "all.yaml"))
    assert (status, out) == (2, "")
    places = [line.replace(f"{tmp_path}/", "").split(": ")[1:4] for line in err.splitlines()]
    assert places == [
        ["all.yaml:9", "service/two", "spec.ports[0].nodePort"],
        ["all.yaml:13", "metadata.name", "is missing"],
        ["all.yaml:14", "spec.ports", "expected a list, got the number 80"],
        ["all.yaml:14", "spec.clusterIPs", "Invalid value"],
    ]


def test_dual_stack_manifests_run_on_ranges_of_ones_own(capsys, tmp_path):
    both = "{ipFamilyPolicy: RequireDualStack, type: NodePort, ports: [{port: 80, nodePort: 40080}]}"
    (tmp_path / "web.yaml").write_text(f"apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {both}\n")
    ranges = ["--service-cidr", "10.96.0.0/12,fd00:10:96::/112", "--node-ports", "40000-40100"]
    ranges += ["--pod-cidr", "10.244.0.0/16,fd00:10:244::/56"]
    status, out, err = lab(capsys, "expose", "-f", str(tmp_path / "web.yaml"), *ranges)
    assert (status, err) == (0, "")
    assert "192.0.2.11:40080/TCP" in out


def test_a_reader_who_leaves_ends_the_run_quietly():
    run = subprocess.Popen(
        [sys.executable, "-m", "lab", "play", SMOKE, "--headless"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert run.stdout is not None
    run.stdout.readline()
    run.stdout.close()
    _, err = run.communicate(timeout=60)
    assert err == b""
    assert run.returncode == 0


def test_the_command_line_imports_nothing_heavy():
    heavy = ("textual", "networkx", "rich", "yaml")
    code = f"import sys, lab.cli; lab.cli.main(['version']); print([m for m in {heavy} if m in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[-1] == "[]"
