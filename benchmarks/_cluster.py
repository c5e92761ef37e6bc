"""A small cluster to measure on: a web app behind a Service, and a client Pod."""

from __future__ import annotations

from lab.clock import tune_gc
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.kube.kinds.deployment import Deployment, DeploymentSpec
from lab.kube.kinds.pod import Container, ContainerPort, Pod, PodSpec, PodTemplateSpec
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import KubeObject, LabelSelector, ObjectMeta
from lab.traffic.app import AppSpec

_LABELS = {"app": "web"}


def web_objects(replicas: int) -> list[KubeObject]:
    """Deployment and Service `web`, and Pod `client`."""
    container = Container(name="web", image="bench/web", ports=(ContainerPort(container_port=8080),))
    template = PodTemplateSpec(metadata=ObjectMeta(labels=_LABELS), spec=PodSpec(containers=(container,)))
    client = Container(name="client", image="service-lab/client")
    return [
        Deployment(
            metadata=ObjectMeta(name="web", namespace="default"),
            spec=DeploymentSpec(replicas=replicas, selector=LabelSelector(match_labels=_LABELS), template=template),
        ),
        Service(
            metadata=ObjectMeta(name="web", namespace="default"),
            spec=ServiceSpec(selector=_LABELS, ports=(ServicePort(port=80, target_port=8080),)),
        ),
        Pod(metadata=ObjectMeta(name="client", namespace="default"), spec=PodSpec(containers=(client,))),
    ]


def settled(app: AppSpec, *, replicas: int = 1, nodes: int = 3, seed: int = 1) -> Engine:
    """An engine at time zero, with everything Ready, in a process tuned as that of `lab play`."""
    engine = Engine(ClusterSpec(nodes=plain_nodes(nodes)), seed=seed, apps=(app,))
    engine.boot()
    engine.apply(web_objects(replicas))
    waiting = engine.settle()
    if waiting:
        raise RuntimeError(f"not Ready at time zero: {', '.join(waiting)}")
    tune_gc()
    return engine
