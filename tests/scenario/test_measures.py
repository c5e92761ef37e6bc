"""Metrics that need more than a count: skew, who answered, recovery, objects; and windows that slide."""

import pytest

from lab.kube.errors import LabError
from lab.scenario.loader import load
from lab.scenario.player import Player

WORLD = """\
name: measures
duration: 40s
cluster: {nodes: 2}
manifests:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: 2
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: web, image: web, ports: [{containerPort: 80}]}]}
  - apiVersion: v1
    kind: Pod
    metadata: {name: web-canary, labels: {app: canary}}
    spec: {containers: [{name: web, image: web, ports: [{containerPort: 80}]}]}
  - {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}
traffic:
  - {name: c, from: pod/client, to: http://web/, rate: 20, arrivals: constant}
timeline:
  - {at: 10s, run: kubectl set selector service/web app=nobody}
  - {at: 15s, run: kubectl set selector service/web app=web}
  - {at: 30s, run: kubectl set selector service/web app=canary}
  - {at: 39s, run: kubectl get service wbe nothing, refused: NotFound}  # so that these names may come to be
expect:
"""


@pytest.fixture(scope="module")
def checks(tmp_path_factory):
    """Expectations by their index in EXPECTED, judged in one run."""
    path = tmp_path_factory.mktemp("measures") / "measures.yaml"
    path.write_text(WORLD + "".join(f"  - {said}\n" for said, _, _ in EXPECTED), encoding="utf-8")
    player = Player(load(path))
    player.start()
    player.engine.run_until(40.0)
    player.drain()
    return player.checks


EXPECTED = [
    ("{that: recovery <= 7s, from: 10s, to: 30s}", True, None),
    ("{that: recovery >= 4s, from: 10s, to: 30s}", True, None),
    ("{that: recovery 1% == 0s, from: 1s, to: 9s}", True, "0 s"),
    ("{that: recovery <= 1m, from: 10s, to: 14s}", False, "not within this window"),
    ("{that: recovery <= 1m, service: nothing}", False, "there were no requests in this window"),
    ("{that: answered web-canary == 0, from: 1s, to: 30s}", True, "0"),
    ("{that: answered web-canary >= 150, from: 31s}", True, None),
    ("{that: answered default/web >= 400}", True, None),
    ("{that: skew web <= 1.5, from: 1s, to: 9s}", True, None),
    ("{that: skew web >= 2, from: 1s, to: 9s}", False, None),
    ("{that: success >= 99%, over: 2s, from: 2s, to: 9s}", True, "100%"),
    ("{that: success >= 99%, over: 2s, from: 2s, to: 20s}", False, None),
    ("{that: success <= 1%, over: 2s, by: 20s}", True, "0%"),
    ("{that: success >= 99%, over: 3s, from: 10s, within: 15s}", True, "100%"),
    ("{that: success == 0%, over: 2s, at: 14s}", True, "0%"),
    ("{that: pods ready web == 2, from: 5s, within: 1s}", True, "2"),
    ("{that: condition Available deployment/web == True}", True, "True"),
    ("{that: condition Nonsense deployment/web == True}", False, "none"),
    ("{that: field spec.replicas deployment/web >= 2}", True, "2"),
    ("{that: field spec.type service/default/web == ClusterIP}", True, "ClusterIP"),
    ("{that: 'field spec.ports[0].port service/web == 80'}", True, "80"),
    ("{that: 'field spec.ports[7].port service/web == 80'}", False, "none"),
    (
        "{that: field spec.type svc/wbe == ClusterIP}",
        False,
        'there is no Service "wbe", did you mean "web"?',
    ),
    ("{that: field spec.type web == ClusterIP}", False, 'expected KIND/NAME, not "web"'),
]


@pytest.mark.parametrize("index", range(len(EXPECTED)), ids=[said for said, _, _ in EXPECTED])
def test_each_is_judged_by_what_was_measured(checks, index):
    _, passed, message = EXPECTED[index]
    assert checks[index].passed is passed, checks[index].message
    assert message is None or checks[index].message.startswith(message)


def test_a_window_that_slides_is_judged_as_soon_as_it_is_full(checks):
    broken = next(check for check in checks if check.name == "success >= 99% (over 2s, 2s to 20s)")
    assert 10.0 < broken.at_s <= 12.0


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("{that: success >= 99%, at: 3s}", "expect[0].at: does not go with success: it is measured over a window"),
        ("{that: nodes == 2, over: 3s}", "expect[0].over: does not go with nodes: it is about the cluster"),
        ("{that: recovery < 3s, over: 3s, by: 4s}", "expect[0].by: does not go with recovery"),
        ("{that: nodes == 2, by: 4s, within: 4s}", "expect[0].within: `within` counts from `from`"),
        ("{that: field spec.type >= 3}", "expect[0].that: field needs two words after it"),
        ("{that: field spec.type service/web >= x}", 'expect[0].that: "x" is a text: compare it with == or !='),
        ("{that: recovery often < 3s}", 'expect[0].that: "often" is not a share'),
        ("{that: skew web < even}", "expect[0].that: skew is a ratio"),
    ],
)
def test_what_does_not_go_together_is_told(tmp_path, said, message):
    path = tmp_path / "measures.yaml"
    path.write_text(f"{WORLD}  - {said}\n", encoding="utf-8")
    with pytest.raises(LabError) as error:
        load(path)
    assert message in str(error.value)
