"""`lab trace` and `lab reach` from the shell: a cluster is built, asked one question, and is gone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from lab import cli

FILES = Path(__file__).parent / "scenario" / "files"
WEB, SMOKE = str(FILES / "web.yaml"), str(FILES / "smoke.yaml")
"""A Deployment `web`, and a scenario that scales it."""
MANIFESTS = Path(os.environ.get("LAB_MANIFESTS", Path(__file__).parents[1] / ".." / "shared" / "manifests"))

SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.50", "ports": [{"port": 80, "protocol": "TCP"}]},
}
SLICE = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
    "addressType": "IPv4",
    "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
    "endpoints": [{"addresses": ["10.0.1.2"]}, {"addresses": ["10.0.1.1"]}],
}
CASE: dict[str, Any] = {
    "id": "two",
    "proxy_mode": "nftables",
    "proxy": {"node_name": "n", "node_ips": ["192.168.0.2"], "ip_family": "IPv4", "cluster_cidr": "10.0.0.0/8"},
    "objects": [SERVICE, SLICE],
    "flows": [
        {"from": "10.0.0.2", "to": "10.96.0.50", "port": 80, "protocol": "TCP"},
        {"from": "203.0.113.2", "to": "10.96.0.50", "port": 80, "protocol": "TCP"},
        {"from": "10.0.0.2", "to": "10.96.0.50", "port": 81, "protocol": "TCP"},
        {"from": "10.0.0.2", "to": "10.9.9.9", "port": 80, "protocol": "TCP"},
    ],
}


def lab(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = cli.main(words)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.fixture
def web(tmp_path: Path) -> str:
    """A Service for the Deployment `web`, as a file."""
    path = tmp_path / "service.json"
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}
    path.write_text(json.dumps({**SERVICE, "spec": spec}), encoding="utf-8")
    return str(path)


def test_a_question_is_answered_on_a_cluster_of_ones_own(capsys: pytest.CaptureFixture[str], web: str) -> None:
    status, out, err = lab(capsys, "trace", "-f", WEB, web, "--from", "pod/client", "--to", "web:80", "--nodes", "2")
    assert (status, err) == (0, "")
    assert out.startswith("pod/default/client → web:80/TCP")
    assert "200 in" in out


def test_options_and_files_may_stand_in_any_order(capsys: pytest.CaptureFixture[str], web: str) -> None:
    words = ("--to", "service/web", "-o", "json", "--from", "node/worker-1", "--proxy", "iptables", "-f", web, WEB)
    status, out, _ = lab(capsys, "trace", *words)
    assert status == 0
    assert json.loads(out)["nodes"][0]["mode"] == "iptables"


def test_a_scenario_is_asked_at_a_moment(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("trace", "--scenario", SMOKE, "--from", "pod/client", "--to", "service/web", "-o", "json")
    early = json.loads(lab(capsys, *words)[1])
    late = json.loads(lab(capsys, *words, "--at", "19s")[1])
    assert (early["time_s"], late["time_s"]) == (0.0, 19.0)
    # The scenario scales web on the way.
    assert len(early["nodes"][0]["candidates"]) != len(late["nodes"][0]["candidates"])


def test_two_answers_to_one_question_are_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("reach", "-f", WEB, "--seed", "5", "-o", "json")
    assert lab(capsys, *words) == lab(capsys, *words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trace"], "lab trace: give the manifests with -f, or a scenario with --scenario"),
        (
            ["trace", "-f", WEB, "--scenario", SMOKE, "--to", "web"],
            "take the manifests of -f or the scenario of --scenario, not both",
        ),
        (["trace", "-f", WEB], "expected --to"),
        (["trace", "-f", WEB, "--too", "web"], 'there is no option --too, did you mean "--to"?'),
        (["trace", "-f", WEB, "--to", "node/worker-4"], 'node "worker-4" not found, did you mean "worker-3"?'),
        (["trace", "-f", WEB, "--to", "web", "--at", "soon"], '"soon" is not a duration'),
        (["trace", "-f", "nowhere", "--to", "web"], "nowhere: no such file or folder"),
        (["reach", "--scenario", SMOKE, "--nodes", "5"], "--nodes goes with -f"),
        (["reach", "--scenario", "clusterip"], 'did you mean "cluster-ip"?'),
        (["reach", "-f", WEB, "-o", "yaml"], "is not one of text, json"),
    ],
)
def test_what_is_wrong_is_said_and_status_is_2(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    status, out, err = lab(capsys, *words)
    assert status == 2
    assert out == ""
    assert err.startswith("lab: ")
    assert message in err


def test_cases_give_one_object_a_flow(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([CASE, {**CASE, "id": "ipt", "proxy_mode": "iptables"}]), encoding="utf-8")
    status, out, err = lab(capsys, "trace", "--cases", str(path))
    assert (status, err) == (0, "")
    both = ["10.0.1.1:8080", "10.0.1.2:8080"]
    assert [json.loads(line) for line in out.splitlines()] == [
        {"case": "two", "flow": 0, "outcome": "deliver", "endpoints": both, "masquerade": False},
        {"case": "two", "flow": 1, "outcome": "deliver", "endpoints": both, "masquerade": True},
        {"case": "two", "flow": 2, "outcome": "reject", "endpoints": [], "masquerade": False},
        {"case": "two", "flow": 3, "outcome": "pass", "endpoints": [], "masquerade": False},
        {"case": "ipt", "flow": 0, "outcome": "deliver", "endpoints": both, "masquerade": False},
        {"case": "ipt", "flow": 1, "outcome": "deliver", "endpoints": both, "masquerade": True},
        {"case": "ipt", "flow": 2, "outcome": "pass", "endpoints": [], "masquerade": False},
        {"case": "ipt", "flow": 3, "outcome": "pass", "endpoints": [], "masquerade": False},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this is not JSON"),
        ("{", "this is not JSON"),
        ("7", 'expected a list of cases, or an object with "cases"'),
        ("[7]", 'cases[0]: expected "object", got "int"'),
        ("[{}]", 'cases[0]: object missing required field "id"'),
        (json.dumps([{**CASE, "proxy_mode": "ebpf"}]), "cases[0].proxy_mode: expected one of iptables"),
        (json.dumps([{**CASE, "flows": [{**CASE["flows"][0], "port": "x"}]}]), "cases[0].flows[0].port"),
        (json.dumps([{**CASE, "flows": [{**CASE["flows"][0], "to": "web"}]}]), '"web" is not an IP address'),
        (json.dumps([{**CASE, "objects": [{"kind": "Service"}]}]), 'case "two": objects[0]'),
        (json.dumps([{**CASE, "proxy": 3}]), "cases[0].proxy"),
    ],
)
def test_a_bad_file_of_cases_is_one_clear_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "cases.json"
    path.write_text(text, encoding="utf-8")
    status, out, err = lab(capsys, "trace", "--cases", str(path))
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith(f"lab: {path}: ")
    assert message in err


def test_a_bad_case_is_named_and_the_others_are_answered(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([{**CASE, "id": "bad", "proxy": 3}, CASE]), encoding="utf-8")
    status, out, err = lab(capsys, "trace", "--cases", str(path))
    assert status == 2
    assert {json.loads(line)["case"] for line in out.splitlines()} == {"two"}
    assert f'{path}: case "bad": cases[0].proxy' in err


def test_a_file_of_cases_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, _, err = lab(capsys, "trace", "--cases", str(tmp_path / "none.json"))
    assert status == 2
    assert "there is no such file" in err


@pytest.fixture
def voting_app() -> str:
    path = MANIFESTS / "voting-app"
    if not path.is_dir():
        pytest.skip(f"no manifests in {path} (LAB_MANIFESTS names the folder)")
    return str(path)


def test_an_application_of_others_is_traced_to_its_database(
    capsys: pytest.CaptureFixture[str], voting_app: str
) -> None:
    status, out, _ = lab(capsys, "trace", "-f", voting_app, "--from", "deployment/worker", "--to", "tcp://db:5432")
    assert status == 0
    assert "is a cluster IP of Service default/db" in out
    assert "an answer in" in out


def test_an_application_of_others_is_seen_from_all_sides(capsys: pytest.CaptureFixture[str], voting_app: str) -> None:
    status, out, _ = lab(capsys, "reach", "-f", voting_app, "-o", "json")
    found = json.loads(out)
    assert status == 0
    missed = {(each["from"], each["to"]) for each in found["results"] if each["reach"] != "yes"}
    closed = {"default/db:5432", "default/redis:6379", "kube-system/kube-dns:53", "kube-system/kube-dns:53/UDP"}
    assert missed == {("internet", target) for target in closed}
    assert {each["port"] for each in found["open"]} == {31000, 31001}
