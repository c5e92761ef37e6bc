"""NetworkPolicies, Pods and namespaces for tests, and a plugin that knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.clock import Clock
from lab.cluster.store import Change
from lab.kube.decode import decode
from lab.kube.kinds.networkpolicy import NetworkPolicy
from lab.kube.kinds.pod import Pod
from lab.kube.meta import KubeObject
from lab.network.changes import Changes
from lab.network.policy import Policies
from lab.settings import Settings


def policy(name: str = "it", namespace: str = "default", pods: Mapping[str, str] | None = None, **spec: Any) -> Any:
    """A policy about the Pods with these labels (none given: all of the namespace)."""
    made = decode(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"podSelector": {"matchLabels": dict(pods or {})}, **spec},
        }
    )
    assert isinstance(made, NetworkPolicy)
    return made


def pod(name: str, ip: str = "", namespace: str = "default", **labels: str) -> Pod:
    """A Pod with a port `http` 8080 and a port `dns` 53/UDP."""
    ports = [{"name": "http", "containerPort": 8080}, {"name": "dns", "containerPort": 53, "protocol": "UDP"}]
    made = decode(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": {"nodeName": "worker-1", "containers": [{"name": "app", "image": "app", "ports": ports}]},
            "status": {"phase": "Running", "podIP": ip},
        }
    )
    assert isinstance(made, Pod)
    return made


def namespace(name: str, **labels: str) -> KubeObject:
    """A namespace as admission leaves it."""
    meta = {"name": name, "labels": {**labels, "kubernetes.io/metadata.name": name}}
    return decode({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})


class Plugin(Policies):
    """Knows what it is told at once."""

    def __init__(self, *objects: KubeObject) -> None:
        super().__init__(Clock(), Settings(), Changes())
        self.add(*objects)

    def add(self, *objects: KubeObject) -> Plugin:
        for obj in objects:
            self.apply(Change("ADDED", None, obj))
        return self

    def remove(self, obj: KubeObject) -> Plugin:
        self.apply(Change("DELETED", obj, None))
        return self

    def lets_in(self, ip: str, port: int = 8080, protocol: str = "TCP", target: str = "default/web") -> bool:
        ruling = self.ingress(target, ip, port, protocol)
        return ruling is None or ruling.allowed

    def lets_out(self, ip: str, port: int = 8080, protocol: str = "TCP", source: str = "default/web") -> bool:
        ruling = self.egress(source, ip, port, protocol)
        return ruling is None or ruling.allowed
