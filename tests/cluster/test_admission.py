from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.admission import Admission
from lab.cluster.errors import Forbidden
from lab.cluster.store import Invalid, Store
from lab.journal import Journal
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.pod import (
    Container,
    ExecAction,
    Lifecycle,
    LifecycleHandler,
    Pod,
    PodReadinessGate,
    PodSpec,
    Probe,
    SleepAction,
    TCPSocketAction,
    Toleration,
)
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import KubeObject, LabelSelector, ObjectMeta
from lab.settings import Settings
from tests.cluster.workloads import deployment


@pytest.fixture
def store() -> Store:
    made = Store(Clock(), Journal(), Settings())
    Admission(Settings()).attach(made)
    return made


def service(*ports: ServicePort, name: str = "web", **spec: Any) -> Service:
    return Service(metadata=ObjectMeta(name=name), spec=ServiceSpec(ports=ports, **spec))


def pod(*containers: Container, **spec: Any) -> Pod:
    return Pod(metadata=ObjectMeta(name="web"), spec=PodSpec(containers=containers, **spec))


APP = Container(name="app", image="web:1")


def test_defaults_are_filled_in(store: Store) -> None:
    made = store.create(service(ServicePort(port=80)))
    assert (made.spec.ports[0].target_port, made.spec.internal_traffic_policy) == (80, "Cluster")


def test_a_pod_outlasts_a_silent_node_for_five_minutes(store: Store) -> None:
    tolerations = store.create(pod(APP)).spec.tolerations
    assert [(each.key, each.toleration_seconds) for each in tolerations] == [
        ("node.kubernetes.io/not-ready", 300.0),
        ("node.kubernetes.io/unreachable", 300.0),
    ]


def test_unless_it_says_otherwise(store: Store) -> None:
    own = Toleration(key="node.kubernetes.io/unreachable", operator="Exists", effect="NoExecute", toleration_seconds=5)
    tolerations = store.create(pod(APP, tolerations=(own,))).spec.tolerations
    assert [(each.key, each.toleration_seconds) for each in tolerations] == [
        ("node.kubernetes.io/unreachable", 5),
        ("node.kubernetes.io/not-ready", 300.0),
    ]


def test_a_status_write_does_not_go_through_it_again(store: Store) -> None:
    made = store.create(pod(APP))
    after = store.update(replace(made, status=replace(made.status, phase="Running")))
    assert after.spec is made.spec


def wrong_selector() -> Deployment:
    made = deployment()
    return replace(made, spec=replace(made.spec, selector=LabelSelector(match_labels={"app": "other"})))


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (service(), 'Service "web" is invalid: spec.ports: Required value'),
        (
            service(ServicePort(port=70000)),
            'Service "web" is invalid: [spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, '
            "inclusive, spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive]",
        ),
        (
            service(ServicePort(port=80), ServicePort(port=81, name="b")),
            'Service "web" is invalid: spec.ports[0].name: Required value',
        ),
        (
            service(ServicePort(port=80, name="a"), ServicePort(port=81, name="a")),
            'Service "web" is invalid: spec.ports[1].name: Duplicate value: "a"',
        ),
        (
            service(ServicePort(port=80, name="a"), ServicePort(port=80, name="b")),
            'Service "web" is invalid: spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}',
        ),
        (
            service(ServicePort(port=80, protocol="HTTP")),
            'Service "web" is invalid: spec.ports[0].protocol: Unsupported value: "HTTP": '
            'supported values: "SCTP", "TCP", "UDP"',
        ),
        (
            service(ServicePort(port=80, node_port=30080)),
            "Service \"web\" is invalid: spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
        ),
        (
            service(ServicePort(port=80), type="NodePort", cluster_ip="None"),
            'Service "web" is invalid: spec.clusterIPs[0]: Invalid value: "None": '
            "may not be set to 'None' for NodePort services",
        ),
        (pod(), 'Pod "web" is invalid: spec.containers: Required value'),
        (pod(Container(name="app")), 'Pod "web" is invalid: spec.containers[0].image: Required value'),
        (pod(APP, APP), 'Pod "web" is invalid: spec.containers[1].name: Duplicate value: "app"'),
        (
            wrong_selector(),
            'Deployment.apps "web" is invalid: spec.template.metadata.labels: Invalid value: {"app":"web"}: '
            "`selector` does not match template `labels`",
        ),
        (
            deployment(surge=0, unavailable=0),
            'Deployment.apps "web" is invalid: spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: '
            "may not be 0 when `maxSurge` is 0",
        ),
        (
            deployment(-1),
            'Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
        ),
    ],
)
def test_refusals_are_in_the_api_servers_words(store: Store, obj: KubeObject, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        store.create(obj)
    assert str(refused.value) == message


@pytest.mark.parametrize("name", ["Web", "web_1", "-web", "a" * 64])
def test_a_service_is_named_by_a_dns_label(store: Store, name: str) -> None:
    with pytest.raises(Invalid, match=r"metadata.name: Invalid value"):
        store.create(service(ServicePort(port=80), name=name))


def test_a_selector_is_for_ever(store: Store) -> None:
    made = store.create(deployment())
    labels = {"app": "other"}
    template = replace(made.spec.template, metadata=ObjectMeta(labels=labels))
    spec = replace(made.spec, selector=LabelSelector(match_labels=labels), template=template)
    with pytest.raises(Invalid, match=r"spec.selector: Invalid value: .*: field is immutable"):
        store.update(replace(made, spec=spec))


NEGATIVE = "must be greater than or equal to 0"


@pytest.mark.parametrize(
    ("kind", "field", "value", "message"),
    [
        ("readiness", "failure_threshold", -1, f"failureThreshold: Invalid value: -1: {NEGATIVE}"),
        ("readiness", "period_seconds", -5, f"periodSeconds: Invalid value: -5: {NEGATIVE}"),
        ("liveness", "timeout_seconds", -1, f"timeoutSeconds: Invalid value: -1: {NEGATIVE}"),
        ("startup", "initial_delay_seconds", -3, f"initialDelaySeconds: Invalid value: -3: {NEGATIVE}"),
        ("readiness", "success_threshold", -2, f"successThreshold: Invalid value: -2: {NEGATIVE}"),
        ("liveness", "success_threshold", 2, "successThreshold: Invalid value: 2: must be 1"),
        (
            "liveness",
            "termination_grace_period_seconds",
            0,
            "terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0",
        ),
    ],
)
def test_a_probes_numbers_are_not_below_zero(store: Store, kind: str, field: str, value: int, message: str) -> None:
    probe = Probe(tcp_socket=TCPSocketAction(port=80), **{field: value})
    with pytest.raises(Invalid) as refused:
        store.create(pod(replace(APP, **{f"{kind}_probe": probe})))
    assert str(refused.value) == f'Pod "web" is invalid: spec.containers[0].{kind}Probe.{message}'


def test_zero_in_a_probe_means_the_default(store: Store) -> None:
    probe = Probe(tcp_socket=TCPSocketAction(port=80), period_seconds=0, failure_threshold=0, success_threshold=0)
    made = store.create(pod(replace(APP, readiness_probe=probe))).spec.containers[0].readiness_probe
    assert made is not None
    assert (made.period_seconds, made.failure_threshold, made.success_threshold) == (10, 3, 1)


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_the_namespaces_of_every_cluster_may_not_be_deleted(store: Store, name: str) -> None:
    store.create(Namespace(metadata=ObjectMeta(name=name)))
    with pytest.raises(Forbidden, match=f'namespaces "{name}" is forbidden: this namespace may not be deleted'):
        store.delete(Namespace, name)
    assert store.find(Namespace, name) is not None


def test_other_namespaces_may(store: Store) -> None:
    store.create(Namespace(metadata=ObjectMeta(name="shop")))
    store.delete(Namespace, "shop")
    assert store.find(Namespace, "shop") is None


def test_an_image_has_no_space_around_it(store: Store) -> None:
    with pytest.raises(Invalid, match=r"spec.containers\[0\].image: Invalid value: \" web\": must not have leading"):
        store.create(pod(replace(APP, image=" web")))


TCP = Probe(tcp_socket=TCPSocketAction(port=80))
ONLY_SIDECARS = "may not be set for init containers without restartPolicy=Always"


@pytest.mark.parametrize(
    ("made", "path", "why"),
    [
        (pod(replace(APP, liveness_probe=Probe())), "containers[0].livenessProbe", "must specify a handler type"),
        (
            pod(replace(APP, liveness_probe=replace(TCP, exec=ExecAction(command=("true",))))),
            "containers[0].livenessProbe",
            "may not specify more than 1 handler type",
        ),
        (
            pod(replace(APP, readiness_probe=replace(TCP, termination_grace_period_seconds=5))),
            "containers[0].readinessProbe.terminationGracePeriodSeconds",
            "must not be set for readinessProbes",
        ),
        (
            pod(APP, init_containers=(replace(APP, name="init", readiness_probe=TCP),)),
            "initContainers[0].readinessProbe",
            ONLY_SIDECARS,
        ),
        (
            pod(APP, init_containers=(replace(APP, name="init", lifecycle=Lifecycle()),)),
            "initContainers[0].lifecycle",
            ONLY_SIDECARS,
        ),
        (
            pod(replace(APP, lifecycle=Lifecycle(pre_stop=LifecycleHandler(sleep=SleepAction(seconds=31))))),
            "containers[0].lifecycle.preStop.sleep",
            "must be non-negative and less than terminationGracePeriodSeconds (30)",
        ),
        (
            pod(APP, readiness_gates=(PodReadinessGate(condition_type="a/b/c"),)),
            "readinessGates[0].conditionType",
            "a qualified name must consist of",
        ),
    ],
)
def test_what_a_pod_may_not_say_of_its_containers_lives(store: Store, made: Pod, path: str, why: str) -> None:
    with pytest.raises(Invalid) as error:
        store.create(made)
    (found,) = error.value.errors
    assert found.path == f"spec.{path}"
    assert why in str(found)


def test_a_sidecar_may_have_probes_and_hooks_and_a_sleep_may_be_as_long_as_the_grace(store: Store) -> None:
    hooks = Lifecycle(pre_stop=LifecycleHandler(sleep=SleepAction(seconds=30)), post_start=None)
    sidecar = replace(APP, name="mesh", restart_policy="Always", readiness_probe=TCP, lifecycle=hooks)
    assert store.create(pod(replace(APP, lifecycle=hooks), init_containers=(sidecar,))).name == "web"
