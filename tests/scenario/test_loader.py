from pathlib import Path

import pytest

from lab.kube.errors import LabError
from lab.scenario.loader import load
from lab.traffic.app import Distribution
from lab.traffic.client import Phase

SMOKE = Path(__file__).parent / "files" / "smoke.yaml"


@pytest.fixture
def write(tmp_path):
    def write_scenario(text):
        path = tmp_path / "scenario.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_scenario


def fault(path):
    with pytest.raises(LabError) as error:
        load(path)
    return str(error.value).replace(f"{path.parent}/", "")


def test_a_scenario_is_read_with_its_manifests_and_its_client_pod():
    scenario = load(SMOKE)
    assert scenario.name == "smoke"
    assert scenario.duration_s == 20.0
    assert [(obj.kind, obj.name, obj.namespace) for obj in scenario.objects] == [
        ("Pod", "client", "default"),
        ("Deployment", "web", "default"),
        ("Service", "web", "default"),
    ]
    assert [node.name for node in scenario.cluster.nodes] == ["worker-1", "worker-2"]


def test_traffic_becomes_clients_with_phases():
    inside, outside = load(SMOKE).clients
    assert (inside.name, inside.source, inside.phases[0].rate) == ("inside", "pod/default/client", 20.0)
    assert outside.phases == (Phase(rate=5.0, for_s=5.0, to=15.0), Phase(rate=15.0, for_s=15.0))


def test_a_service_time_may_be_a_number_or_percentiles(write):
    text = (
        "name: x\napps:\n  - {image: a, service_time: 12ms}\n  - {image: b, service_time: {median: 10ms, p99: 60ms}}\n"
    )
    a, b = load(write(text)).apps
    assert a.service_time == Distribution.constant(0.012)
    assert b.service_time == Distribution.lognormal(0.01, 0.06)


def test_an_app_says_what_it_uses_in_kubernetes_quantities(write):
    a, b, c = load(
        write(
            "name: x\napps: [{image: a, cpu: 50m, memory: 1Gi}, {image: b, cpu: 2, memory_growth: 5Mi}, {image: c}]\n"
        )
    ).apps
    assert (a.cpu, a.memory_bytes, b.cpu) == (0.05, 1024**3, 2.0)
    assert (c.cpu, c.memory_bytes, b.memory_growth, c.memory_growth) == (None, None, 5 * 1024**2, 0.0)


def test_zones_are_dealt_to_the_nodes_in_turn(write):
    path = write("name: x\ncluster: {nodes: [{name: a}, {zone: here}, {}], zones: [z1, z2]}\n")
    assert [(node.name, node.zone) for node in load(path).cluster.nodes] == [
        ("a", "z1"),
        ("worker-2", "here"),
        ("worker-3", "z1"),
    ]


def test_a_profile_of_load_balancers_brings_its_settings_which_the_file_may_override(write):
    path = write("name: x\ncluster: {load_balancer: aws-nlb, settings: {lb_registration_s: 2m}}\n")
    cluster = load(path).cluster
    assert cluster.load_balancer == "aws-nlb"
    assert (cluster.settings.lb_health_interval_s, cluster.settings.lb_registration_s) == (10.0, 120.0)


def test_settings_are_taken_by_name(write):
    path = write("name: x\ncluster: {settings: {node_monitor_grace_s: 20, proxy_sync_latency_s: 250ms}}\n")
    settings = load(path).cluster.settings
    assert (settings.node_monitor_grace_s, settings.proxy_sync_latency_s) == (20.0, 0.25)


def test_a_namespace_that_nobody_defines_comes_first(write):
    path = write("name: x\ntraffic: [{from: pod/shop/client, to: http://web, rate: 1}]\n")
    assert [(obj.kind, obj.name) for obj in load(path).objects] == [("Namespace", "shop"), ("Pod", "client")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\nduratoin: 3s\n", 'scenario.yaml:2: duratoin: there is no such key, did you mean "duration"?'),
        ("about: y\n", "scenario.yaml:1: name: is missing"),
        ("name: Not A Name\n", "scenario.yaml:1: name: expected lower-case"),
        ("name: x\nduration: soon\n", 'scenario.yaml:2: duration: "soon" is not a duration'),
        ("name: x\nduration: 0\n", "scenario.yaml:2: duration: the story must last"),
        ("name: x\ncluster: {proxy: iptable}\n", 'did you mean "iptables"?'),
        ("name: x\ncluster: {nodes: 0}\n", "scenario.yaml:2: cluster.nodes: expected 1 to 256 nodes"),
        ("name: x\ncluster: {nodes: two}\n", "expected a whole number from 1 up, or a list of nodes, got the"),
        ("name: x\ncluster: {nodes: -1}\n", "scenario.yaml:2: cluster.nodes: expected 1 to 256 nodes"),
        ("name: yes\n", 'name: expected text (put it in quotes: "yes"), got true'),
        ("name: x\nlesson: [{title: x, text: y}]\n", 'text: expected text (put it in quotes: "y"), got true'),
        ("name: x\nabout: 1.30\n", 'about: expected text (put it in quotes: "1.30"), got the number 1.30'),
        (f"name: x\nseed: {'9' * 29}\n", f"seed: expected a whole number from 0 up, got the number {'9' * 29}"),
        ("name: x\ncluster:\n  settings: {load_balancer: gcp}\n", "stands beside the settings: cluster.load_balancer"),
        ("name: x\ncluster:\n  load_balancer: cloud\n", "aws-nlb"),
        ("name: x\ncluster:\n  settings: {node_monitor_grace: 3}\n", 'did you mean "node_monitor_grace_s"?'),
        ("name: x\ncluster: {nodes: [{name: a}, {name: a}]}\n", 'there is a node "a" already'),
        ("name: x\ncluster: {nodes: [{cpu: lots}]}\n", "cluster.nodes[0].cpu"),
        ("name: x\nmanifests:\n  - nowhere.yaml\n", "scenario.yaml:3: manifests[0]: nowhere.yaml: no such file"),
        ("name: x\ntraffic: [{to: 'http://web'}]\n", "scenario.yaml:2: traffic[0]: expected a rate, or workers"),
        ("name: x\ntraffic: [{rate: 5}]\n", "traffic[0].to: is missing"),
        ("name: x\ntraffic: [{to: 'ftp://web', rate: 5}]\n", 'unknown scheme "ftp"'),
        ("name: x\ntraffic: [{to: web, rate: 5, from: pdo/x}]\n", 'did you mean "pod"?'),
        ("name: x\ntimeline:\n  - at: 1s\n    run: kubectl scael deployment/web\n", "scenario.yaml:4: timeline[0].run"),
        ("name: x\ntimeline: [{at: 1s, run: kubectl scale}]\n", "timeline[0].run: expected RESOURCE"),
        ("name: x\ntimeline: [{at: 99s, say: late}]\n", "is after the end of the story (60s)"),
        (
            "name: x\nlesson:\n  - {at: 0, title: a, watch: servce/web}\n",
            'scenario.yaml:3: lesson[0].watch: "servce/web"',
        ),
        (
            "name: x\nlesson: [{at: 0, title: a, watch: servce/web}]\n",
            'cannot be watched, did you mean "service"?; write',
        ),
        ("name: x\nlesson: [{at: 0, title: a, watch: web}]\n", '"web" cannot be watched; write service/NAME'),
        ("name: x\nexpect: [{that: sucess >= 1%}]\n", 'did you mean "success"?'),
        ("name: x\nexpect:\n  - sucess >= 1%\n", "scenario.yaml:3: expect[0].that: there is no metric"),
        ("name: x\nexpect: [{that: success >= 1%, traffic: me}]\n", 'there is no traffic "me"'),
        ("name: x\nexpect: [{that: success >= 1%, at: 3s}]\n", "expect[0].at: does not go with success"),
        ("name: x\nexpect: [{that: nodes == 3, service: web}]\n", "expect[0].service: does not go with nodes"),
        ("name: x\nexpect: [{that: success >= 1%, from: 50s, to: 20s}]\n", "expected times in order"),
        ("name: x\napps: [{image: a, error_rate: 12}]\n", '"12" is not a share'),
        ("name: x\napps: [{image: a, listen: [http]}]\n", "apps[0].listen[0]: expected a port"),
        ("name: x\napps: [{image: a, cpu: much}]\n", 'apps[0].cpu: "much" is not a quantity'),
        ("name: x\napps: [{image: a, memory: -1Mi}]\n", "apps[0].memory: expected 0 or more"),
        ("name: x\napps: [{image: a, service_time: {median: 3ms}}]\n", "lognormal needs median and p99"),
        ("name: x\napps: [{image: a, service_time: {p99: 3ms}}]\n", "lognormal needs median and p99"),
        ("name: x\napps: [{image: a, service_time: {mean: 3ms, p99: 4ms}}]\n", "lognormal needs median and p99, and"),
        ("name: x\napps: [{image: a, service_time: {distribution: constant, median: 3ms}}]\n", "constant needs mean"),
        (
            "name: x\napps:\n  - image: a\n    service_time:\n      median: 60ms\n      p99: 10ms\n",
            "scenario.yaml:6: apps[0].service_time.p99: expected at least the median (0.06 s)",
        ),
        ("name: x\napps: [{image: a, service_time: {median: 0, p99: 1s}}]\n", "service_time.median: expected longer"),
        ("name: x\napps: [{image: a, service_time: {mean: 0}}]\n", "apps[0].service_time.mean: expected longer"),
        ("name: x\napps: [{image: a, service_time: -5ms}]\n", 'apps[0].service_time: "-5ms" is not a duration'),
        ("name: x\napps:\n  - image: a\n    workers: 0\n", "scenario.yaml:4: apps[0].workers: expected 1 or more"),
        ("name: x\napps: [{image: a, workers: -1}]\n", "apps[0].workers: expected a whole number from 0 up"),
        ("name: x\napps: [{image: a, drives: 0}]\n", "apps[0].drives: expected more than 0 a second"),
        ("name: x\napps: [{image: a, shutdown_time: 3s}]\n", "shutdown_time: goes with `shutdown: graceful`"),
        ("name: x\napps: [{image: ''}]\n", "apps[0].image: expected an image"),
        ("name: x\napps: [{image: a}, {image: a}]\n", 'apps[1].image: there is an app for "a" already'),
        ("name: [x\n", "not valid YAML"),
        ("", "the file is empty"),
        ("- a\n- b\n", "expected a mapping"),
        ("name: x\n---\nname: y\n", "expected one document, got 2"),
        ("apiVersion: v1\nkind: Service\nmetadata: {name: web}\n", "run it with: lab run -f"),
    ],
)
def test_a_fault_is_named_by_line_and_key(write, text, message):
    assert message in fault(write(text))


def test_an_expectation_may_be_a_text_alone(write):
    path = write("name: x\nduration: 30s\nexpect:\n  - success >= 99%\n  - nodes ready == 3\n")
    success, nodes = load(path).expectations
    assert (success.from_s, success.to_s, success.place) == (0.0, 30.0, f"{path}:4")
    assert (nodes.from_s, nodes.to_s, nodes.throughout, nodes.sooner) == (0.0, 30.0, False, False)


def test_all_faults_are_named_at_once(write):
    found = fault(write("name: x\nsed: 3\nduration: soon\ntraffic:\n  - {to: http://web, rat: 3}\n"))
    assert [line.split(": ")[1] for line in found.splitlines()] == ["sed", "duration", "traffic[0].rat"]


def test_faults_of_inline_objects_are_named_by_their_line(write):
    head = "name: x\nmanifests:\n  - apiVersion: v1\n    kind: Service\n"
    text = f"{head}    metadata: {{name: web}}\n    spec:\n      ports: 80\n"
    assert "scenario.yaml:7: service/web: spec.ports: expected a list" in fault(write(text))


def test_a_yaml_bomb_is_refused(write):
    levels = "\n".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 10))
    assert "values once its aliases are written out" in fault(write(f"l0: &l0 [x]\n{levels}\nname: x\n"))


def test_a_missing_file_and_a_folder_are_errors(tmp_path):
    assert "there is no such file" in fault(tmp_path / "nothing.yaml")
    assert "this is a folder" in fault(tmp_path)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("rate: 1e300", "rate"),
        ("workers: 1000000", "workers"),
        ("rate: 1, addresses: 100000000", "addresses"),
        ("rate: 1, addresses: 0", "addresses"),
        ("rate: 1, retries: 100000", "retries"),
    ],
)
def test_what_no_machine_could_simulate_is_refused_with_its_place(write, entry, words):
    said = fault(write(f"name: x\ntraffic:\n  - {{name: a, to: http://web/, {entry}}}\n"))
    assert said.startswith(f"scenario.yaml:3: traffic[0].{words}: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\ncluster: {nodes: 30000000}\n", "scenario.yaml:2: cluster.nodes: expected 1 to 256 nodes"),
        ("name: x\ncluster: {nodes: [{name: internet}]}\n", 'cluster.nodes[0].name: no node can be named "internet"'),
        ("name: x\ncluster: {nodes: [{name: A_b}]}\n", 'cluster.nodes[0].name: no node can be named "A_b"'),
        ('name: x\ntraffic: [{to: "http://a/", rate: []}]\n', "traffic[0]: expected a rate, or workers"),
        (
            'name: x\ntraffic: [{to: "http://a/", rate: [], workers: 2}]\n',
            "traffic[0].rate: expected at least one phase",
        ),
        ("name: x\nduration: 99999h\n", "duration: the story must last longer than nothing, and at most 30 days"),
    ],
)
def test_what_no_machine_or_cluster_could_have_is_refused_at_once(write, text, message):
    assert message in fault(write(text))
