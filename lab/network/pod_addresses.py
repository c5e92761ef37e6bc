"""Who has which address: a Pod's IP belongs to it until the Pod object is gone or has ended."""

from __future__ import annotations

from typing import NamedTuple

from lab.cluster.store import Change
from lab.kube.kinds.pod import Pod
from lab.network.changes import Changes


class Owner(NamedTuple):
    """A Pod and where it is."""

    pod: str
    """`NAMESPACE/NAME`."""
    node: str
    party: str
    """`pod/NAMESPACE/NAME`."""
    vertex: str
    """`node/NAME`."""


def _owner(pod: str, node: str) -> Owner:
    return Owner(pod, node, f"pod/{pod}", f"node/{node}")


class PodAddresses:
    """Every Pod's address; `changes` counts whenever one changes hands."""

    def __init__(self, changes: Changes) -> None:
        self.by_ip: dict[str, Owner] = {}
        self._changes = changes
        self._ip_of: dict[str, str] = {}
        self._on_host: dict[str, dict[str, Pod]] = {}
        """Pods that use their node's own addresses, by node."""

    def changed(self, change: Change) -> None:
        """Follow a Pod's object."""
        pod = change.object
        assert isinstance(pod, Pod)
        gone = change.new is None or pod.finished
        if pod.spec.host_network:
            self._change_on_host(pod, gone)
            return
        name = f"{pod.namespace}/{pod.name}"
        ip, held = "" if gone else pod.status.pod_ip, self._ip_of.get(name, "")
        if ip == held:
            return
        if held:
            del self._ip_of[name]
            if self.by_ip[held].pod == name:
                del self.by_ip[held]
        if ip:
            self._ip_of[name] = ip
            self.by_ip[ip] = _owner(name, pod.spec.node_name)
        self._changes.count += 1

    def on_host(self, node: str, port: int, protocol: str) -> Owner | None:
        """The Pod in the node's own network namespace that says it listens on a port."""
        for name, pod in self._on_host.get(node, {}).items():
            ports = [p for container in pod.spec.containers for p in container.ports]
            if any(p.container_port == port and p.protocol == protocol for p in ports):
                return _owner(name, node)
        return None

    def has(self, pod: str, ip: str, node: str) -> bool:
        """Whether a Pod still has an address on a node."""
        owner = self.by_ip.get(ip)
        return owner.pod == pod if owner is not None else pod in self._on_host.get(node, {})

    def _change_on_host(self, pod: Pod, gone: bool) -> None:
        pods = self._on_host.setdefault(pod.spec.node_name, {})
        if gone:
            pods.pop(f"{pod.namespace}/{pod.name}", None)
        else:
            pods[f"{pod.namespace}/{pod.name}"] = pod
        self._changes.count += 1
