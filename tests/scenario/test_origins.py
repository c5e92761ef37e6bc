"""Who may send: what the file provides, and client Pods that are made for the traffic."""

import pytest

from lab.commands.run import COMMANDS
from lab.kube.errors import LabError
from lab.kube.kinds import find_kind
from lab.scenario.loader import load

FILE = """\
name: x
manifests:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: &spec
      selector: {matchLabels: {app: web}}
      template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}
  - {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: *spec}
  - {apiVersion: v1, kind: Pod, metadata: {name: probe}, spec: {containers: [{name: c, image: c}]}}
timeline:
  - {at: 1s, run: kubectl create deployment later --image=x -n shop}
  - {at: 1s, run: kubectl run single --image=x}
  - {at: 1s, run: kubectl apply -f more.yaml}
  - {at: 1s, run: kubectl create deployment never --image=x, refused: exists}
traffic:
"""
LINE = FILE.count("\n") + 1
MORE = "apiVersion: v1\nkind: Pod\nmetadata: {name: from-file}\nspec: {containers: [{name: c, image: c}]}\n"


@pytest.fixture
def scenario(tmp_path):
    def read(entry):
        (tmp_path / "more.yaml").write_text(MORE, encoding="utf-8")
        path = tmp_path / "scenario.yaml"
        path.write_text(f"{FILE}  - {{to: http://web/, rate: 1, {entry}}}\n", encoding="utf-8")
        return load(path)

    return read


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("from: node/worker-9", 'from: there is no "node/worker-9" in this scenario, did you mean "node/worker-'),
        ("from: node/x", 'no "node/x" in this scenario; known are node/worker-1, node/worker-2, node/worker-3'),
        ("from: deployment/wbe", 'no "deployment/wbe" in this scenario, did you mean "deployment/web"?'),
        ("from: deployment/zzz", 'no "deployment/zzz" in this scenario; known are deployment/web, statefulset/db'),
        ("from: deployment/db", 'did you mean "statefulset/db"?'),
        ("from: deployment/later", 'did you mean "deployment/shop/later"?'),
        ("from: deployment/shop/web", 'did you mean "deployment/web"?'),
        ("from: deployment/never", 'no "deployment/never" in this scenario'),
        ("from: pod/web", 'no "pod/web" in this scenario, did you mean "deployment/web"?'),
        ("from: pod/web-5d4f7bcd8-x2bcd", "the Pods of deployment/web get their names when they are created; write"),
        ("from: pod/prboe", 'did you mean "pod/probe"?'),
        ("from: pod/prob", 'did you mean "pod/probe"?'),
        ("from: pod/Client", '"pod/Client" cannot be made: names have lower-case letters, digits and dashes'),
        ("from: internet/here", '"here" is no IP address: expected internet, or internet/198.51.100.7'),
        ("from: internet, node: worker-1", "node: goes with a Pod that is made for the traffic (from: pod/NAME)"),
        ("from: pod/probe, node: worker-1", "node: goes with a Pod that is made for the traffic"),
    ],
)
def test_who_is_not_there_to_send_is_refused_with_place_and_the_nearest_name(scenario, entry, message):
    with pytest.raises(LabError) as error:
        scenario(entry)
    (said,) = str(error.value).splitlines()
    assert f"scenario.yaml:{LINE}: traffic[0]." in said
    assert message in said


@pytest.mark.parametrize("sender", ["pod/client", "pod/shop/client", "pod/probe-2", "pod/web-tests"])
def test_a_pod_whose_name_is_free_is_made(scenario, sender):
    found = scenario(f"from: {sender}")
    name = sender.rpartition("/")[2]
    assert [obj.spec.containers[0].image for obj in found.objects if obj.name == name] == ["service-lab/client"]


@pytest.mark.parametrize(
    "sender",
    [
        "deployment/web",
        "statefulset/db",
        "node/worker-2",
        "internet",
        "internet/203.0.113.9",
        "pod/probe",
        "pod/db-0",
        "deployment/shop/later",
        "pod/single",
        "pod/from-file",
    ],
)
def test_nothing_is_made_for_what_manifests_and_commands_provide(scenario, sender):
    images = [getattr(obj.spec, "containers", ()) for obj in scenario(f"from: {sender}").objects if obj.kind == "Pod"]
    assert [containers[0].image for containers in images] == ["c"]


def test_every_command_that_creates_says_what():
    creating = {name: command.makes for name, command in COMMANDS.items() if name.startswith("kubectl create ")}
    assert creating["kubectl create job"] == "Job"
    assert all(find_kind(kind) is not None for kind in creating.values())


def test_who_is_missing_is_not_told_while_a_manifest_cannot_be_read(tmp_path):
    path = tmp_path / "scenario.yaml"
    path.write_text("name: x\nmanifests: [no.yaml]\ntraffic: [{from: deployment/web, to: http://web/, rate: 1}]\n")
    with pytest.raises(LabError) as error:
        load(path)
    assert str(error.value).splitlines() == [f"{path}:2: manifests[0]: {tmp_path}/no.yaml: no such file or folder"]
