"""What runs Pods in a set of manifests: Deployments and their like, Pods, and kinds that are kept but not simulated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.cluster.job_identity import LEGACY_NAME_LABEL, NAME_LABEL
from lab.kube.documents import Document
from lab.kube.kinds.cronjob import CronJob
from lab.kube.kinds.daemonset import DaemonSet
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.job import Job
from lab.kube.kinds.pod import Pod, PodSpec
from lab.kube.kinds.replicaset import ReplicaSet
from lab.kube.kinds.statefulset import StatefulSet
from lab.kube.meta import KeptObject, KubeObject


@dataclass(frozen=True)
class DeclaredPort:
    """A port that a container says it listens on."""

    name: str
    number: int
    protocol: str


@dataclass(frozen=True)
class Workload:
    """Pods that a document makes: their labels, and the ports that their containers declare."""

    document: Document
    kind: str
    namespace: str
    name: str
    labels: Mapping[str, str]
    ports: tuple[DeclaredPort, ...]
    silent: bool
    """Whether a container declares no port at all (or none that can be read), and so may listen on any."""
    replicas: int | None
    """How many Pods it makes; None when that depends on the cluster."""

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}"


def workloads_of(documents: Iterable[Document]) -> list[Workload]:
    """Every workload of the documents, in their order."""
    return [found for document in documents if (found := _workload(document)) is not None]


def _workload(document: Document) -> Workload | None:
    obj = document.readable
    if isinstance(obj, Pod):
        return _of_spec(document, obj, obj.metadata.labels, obj.spec, 1)
    if isinstance(obj, Deployment | ReplicaSet | StatefulSet):
        if isinstance(obj, ReplicaSet) and obj.metadata.controller is not None:
            return None
        template = obj.spec.template
        return _of_spec(document, obj, template.metadata.labels, template.spec, obj.spec.replicas)
    if isinstance(obj, DaemonSet):
        return _of_spec(document, obj, obj.spec.template.metadata.labels, obj.spec.template.spec, None)
    if isinstance(obj, Job):
        named = {LEGACY_NAME_LABEL: obj.name, NAME_LABEL: obj.name}
        template = obj.spec.template
        return _of_spec(document, obj, {**named, **template.metadata.labels}, template.spec, None)
    if isinstance(obj, CronJob):
        template = obj.spec.job_template.spec.template
        return _of_spec(document, obj, template.metadata.labels, template.spec, None)
    return _kept(document, obj) if isinstance(obj, KeptObject) else None


def _of_spec(
    document: Document, obj: KubeObject, labels: Mapping[str, str], spec: PodSpec, replicas: int | None
) -> Workload:
    sidecars = [each for each in spec.init_containers if each.restart_policy == "Always"]
    containers = [*spec.containers, *sidecars]
    ports = tuple(
        DeclaredPort(port.name, port.container_port, port.protocol or "TCP")
        for container in containers
        for port in container.ports
    )
    # Of a document that could not be read whole, who knows which ports it declares.
    silent = document.object is None or any(not container.ports for container in spec.containers)
    return Workload(document, obj.kind, obj.namespace or "default", obj.name, labels, ports, silent, replicas)


def _kept(document: Document, obj: KeptObject) -> Workload | None:
    """A Rollout, a ReplicationController: anything with a Pod template."""
    template = _map(_map(obj.body.get("spec")).get("template"))
    labels = _map(_map(template.get("metadata")).get("labels"))
    containers = _list(_map(template.get("spec")).get("containers"))
    if not labels or not containers:
        return None
    declared = [_map(port) for container in containers for port in _list(_map(container).get("ports"))]
    ports = tuple(
        DeclaredPort(str(port.get("name") or ""), int(port["containerPort"]), str(port.get("protocol") or "TCP"))
        for port in declared
        if isinstance(port.get("containerPort"), int)
    )
    silent = any(not _list(_map(container).get("ports")) for container in containers)
    texts = {key: value for key, value in labels.items() if isinstance(value, str)}
    return Workload(document, obj.kind, obj.namespace or "default", obj.name, texts, ports, silent, None)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
