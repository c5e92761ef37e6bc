"""One key says which release of Kubernetes the cluster is, and everything that changed between releases follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.cli import main
from lab.commands.run import run
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.journal import Noted
from lab.kube.errors import LabError
from lab.kube.versions import NEWEST, VERSIONS, features_of, settings_of, warning_about
from lab.scenario.jsonschema import scenario_schema
from lab.scenario.loader import load
from lab.scenario.notation import parse_release


def scenario(tmp_path: Path, cluster: str) -> Path:
    path = tmp_path / "scenario.yaml"
    path.write_text(f"name: x\ncluster: {cluster}\n")
    return path


def engine_of(kubernetes: str, **spec: str) -> Engine:
    settings = settings_of({"kubernetes": kubernetes})
    engine = Engine(ClusterSpec(nodes=plain_nodes(1), settings=settings, **spec), settle_s=5.0)
    engine.boot()
    engine.settle()
    return engine


# -- which release ----------------------------------------------------------------------------------------------


def test_a_cluster_is_of_the_newest_release_unless_it_says_otherwise(tmp_path: Path) -> None:
    assert load(scenario(tmp_path, "{}")).cluster.kubernetes == NEWEST == "1.37"


@pytest.mark.parametrize("written", ['"1.30"', "1.30", "v1.30"])
def test_a_scenario_names_its_release_in_quotes_or_not(tmp_path: Path, written: str) -> None:
    assert load(scenario(tmp_path, f"{{kubernetes: {written}}}")).cluster.kubernetes == "1.30"


@pytest.mark.parametrize("written", ["1.2", "1.3", "1.4", '"1.3"', "1"])
def test_a_release_is_what_is_written_and_not_what_a_program_makes_of_it(tmp_path: Path, written: str) -> None:
    with pytest.raises(LabError, match="is not a release") as caught:
        load(scenario(tmp_path, f"{{kubernetes: {written}}}"))
    sentence = "; put it in quotes, for a program may take 1.30 for the number 1.3"
    assert (sentence in str(caught.value)) is (written != "1")


@pytest.mark.parametrize("value", ["1.2", "1.3"])
def test_the_command_line_says_the_same(value: str) -> None:
    with pytest.raises(LabError, match="; put it in quotes"):
        parse_release(value)


def test_a_program_that_made_a_number_of_1_30_is_understood() -> None:
    assert (parse_release(1.3), parse_release(1.31)) == ("1.30", "1.31")
    with pytest.raises(LabError, match="; put it in quotes"):
        parse_release(1.2)


def test_a_release_that_does_not_exist_is_one_error_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(LabError) as caught:
        load(scenario(tmp_path, '{kubernetes: "1.38"}'))
    (line,) = str(caught.value).splitlines()
    assert "scenario.yaml:2: cluster.kubernetes: " in line
    assert 'kubernetes "1.38" is not a release from 1.29 to 1.37, did you mean "1.37"?' in line


def test_the_schema_lists_every_release() -> None:
    described = scenario_schema()["$defs"]["ClusterEntry"]["properties"]["kubernetes"]
    assert set(VERSIONS) <= set(described["enum"])


def test_kubectl_get_nodes_shows_the_release() -> None:
    done = run(engine_of("1.31"), "kubectl get nodes")
    assert "v1.31.0" in done.output[1]


# -- what changed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "grace_s"), [("1.29", 40.0), ("1.31", 40.0), ("1.32", 50.0), ("1.37", 50.0)])
def test_a_silent_node_is_given_up_after_40_s_before_1_32_and_50_s_since(version: str, grace_s: float) -> None:
    assert settings_of({"kubernetes": version}).node_monitor_grace_s == grace_s


def test_what_a_scenario_sets_itself_beats_the_default_of_the_release(tmp_path: Path) -> None:
    path = scenario(tmp_path, '{kubernetes: "1.30", settings: {node_monitor_grace_s: 20s}}')
    assert load(path).cluster.settings.node_monitor_grace_s == 20.0


@pytest.mark.parametrize(("version", "hints"), [("1.33", False), ("1.34", True)])
def test_kube_proxy_heeds_node_hints_since_1_34(version: str, hints: bool) -> None:
    features = engine_of(version).network.hosts["worker-1"].facts.features
    assert features.prefer_same_traffic_distribution is hints


@pytest.mark.parametrize(("version", "intercepted"), [("1.29", True), ("1.30", False)])
def test_addresses_with_ip_mode_proxy_are_left_alone_since_1_30(version: str, intercepted: bool) -> None:
    assert engine_of(version).network.builder._ip_mode is not intercepted


def test_the_conntrack_reconciler_came_with_1_32() -> None:
    assert [features_of(version).conntrack_reconciler for version in ("1.31", "1.32")] == [False, True]


# -- kube-proxy's modes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "version", "said"),
    [
        ("iptables", "1.29", ""),
        ("iptables", "1.37", ""),
        ("nftables", "1.30", "alpha"),
        ("nftables", "1.31", ""),
        ("nftables", "1.33", ""),
        ("ipvs", "1.34", ""),
        ("ipvs", "1.35", "deprecated since Kubernetes 1.35"),
        ("ipvs", "1.37", "deprecated since Kubernetes 1.35"),
    ],
)
def test_kube_proxy_warns_of_modes_that_are_not_stable(mode: str, version: str, said: str) -> None:
    warning = warning_about(mode, version)
    assert said in warning
    assert bool(warning) is bool(said)


def test_a_mode_that_a_release_has_no_more_is_an_error() -> None:
    with pytest.raises(LabError, match=r"kube-proxy of Kubernetes 1\.43 has no mode ipvs any more"):
        warning_about("ipvs", "1.43")


def test_a_mode_that_never_was_is_an_error_with_the_nearest() -> None:
    with pytest.raises(LabError, match='no mode "iptable", did you mean "iptables"'):
        warning_about("iptable", "1.37")


def test_the_warning_is_an_event_of_the_node() -> None:
    engine = engine_of("1.30", proxy="nftables")
    events = [event for event in engine.journal.tail() if isinstance(event, Noted) and event.reason == "ProxyMode"]
    assert [(event.type, event.name, event.component) for event in events] == [("Warning", "worker-1", "kube-proxy")]
    assert "alpha" in events[0].message


# -- a mode for each node ---------------------------------------------------------------------------------------


def test_a_node_may_have_another_mode_than_the_cluster(tmp_path: Path) -> None:
    path = scenario(tmp_path, "{proxy: nftables, nodes: [{name: a}, {name: b, proxy: iptables}]}")
    engine = Engine(load(path).cluster, settle_s=5.0)
    engine.boot()
    engine.settle()
    modes = {name: host.facts.mode for name, host in engine.network.hosts.items()}
    assert modes == {"a": "nftables", "b": "iptables"}
    assert "# iptables-save" in run(engine, "lab rules --node b").output
    assert "table ip kube-proxy {" in run(engine, "lab rules --node a").output


# -- from the shell ---------------------------------------------------------------------------------------------


def manifest(tmp_path: Path) -> str:
    path = tmp_path / "web.yaml"
    path.write_text("apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n")
    return str(path)


def test_lab_run_takes_the_release(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["expose", "-f", manifest(tmp_path), "--kubernetes", "1.30"]) == 0
    assert capsys.readouterr().err == ""


def test_lab_run_says_which_release_was_meant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "-f", manifest(tmp_path), "--headless", "--kubernetes", "1.73"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == 'lab: kubernetes "1.73" is not a release from 1.29 to 1.37, did you mean "1.37"?'
