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


def addresses_of(pod: Pod) -> tuple[str, ...]:
    """A Pod's addresses, one of each family; none before it has a sandbox."""
    status = pod.status
    return tuple(each.ip for each in status.pod_ips) or ((status.pod_ip,) if status.pod_ip else ())


class PodAddresses:
    """Every Pod's address; `changes` counts whenever one changes hands."""

    def __init__(self, changes: Changes) -> None:
        self.by_ip: dict[str, Owner] = {}
        self._changes = changes
        self._ips_of: dict[str, tuple[str, ...]] = {}
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
        ips, held = () if gone else addresses_of(pod), self._ips_of.get(name, ())
        if ips == held:
            return
        self._ips_of.pop(name, None)
        for ip in held:
            if self.by_ip[ip].pod == name:
                del self.by_ip[ip]
        if ips:
            self._ips_of[name] = ips
        for ip in ips:
            self.by_ip[ip] = _owner(name, pod.spec.node_name)
        self._changes.count += 1

    def ips_of(self, pod: str) -> tuple[str, ...]:
        """The addresses of a Pod (`NAMESPACE/NAME`); none of one that has none of its own."""
        return self._ips_of.get(pod, ())

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
