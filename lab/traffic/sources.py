"""Where requests come from: Pods that come and go, nodes, and hosts on the internet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.cluster.store import Store
from lab.kube.errors import LabError, nearest
from lab.kube.kinds import find_kind
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.meta import KubeObject
from lab.network.flow import Source
from lab.network.outside import asker, host_at, internet_host

if TYPE_CHECKING:
    from lab.traffic.servers import Servers


class Origin:
    """The present Sources of a client: `next` takes them in turn, and returns None while there is none."""

    def __init__(self) -> None:
        self._turn = -1

    def all(self) -> Sequence[Source]:
        """Everyone who can send right now."""
        return ()

    def next(self) -> Source | None:
        """The next one in turn."""
        present = self.all()
        if not present:
            return None
        self._turn = turn = self._turn + 1
        return present[turn % len(present)]


class FixedOrigin(Origin):
    """Hosts on the internet, which are always there."""

    def __init__(self, sources: Sequence[Source]) -> None:
        super().__init__()
        self._sources = sources

    def all(self) -> Sequence[Source]:
        """The hosts."""
        return self._sources


class NodeOrigin(Origin):
    """A node, while it exists and is alive."""

    def __init__(self, store: Store, servers: Servers, name: str) -> None:
        super().__init__()
        self._store, self._servers, self._name = store, servers, name

    def all(self) -> Sequence[Source]:
        """The node, or nothing."""
        node = self._store.find(Node, self._name, "")
        if node is None or self._name in self._servers.nodes_off:
            return ()
        return (Source(name=f"node/{node.name}", ip=node.address(), node=node.name, zone=node.zone),)


class PodsOrigin(Origin):
    """One Pod, or all Pods of a workload, while a container of theirs runs."""

    def __init__(self, store: Store, servers: Servers, owner: type[KubeObject], namespace: str, name: str) -> None:
        super().__init__()
        self._store, self._servers = store, servers
        self._owner, self._namespace, self._name = owner, namespace, name
        self._version = -1
        self._present: tuple[Source, ...] = ()

    def all(self) -> Sequence[Source]:
        """The running Pods, looked up again when a container has started or ended."""
        if self._version != self._servers.version:
            self._version = self._servers.version
            self._present = tuple(
                source
                for name in self._pods()
                if (source := self._servers.source(f"{self._namespace}/{name}")) is not None
                and source.node not in self._servers.nodes_off
            )
        return self._present

    def _pods(self) -> list[str]:
        if self._owner is Pod:
            return [self._name]
        workload = self._store.find(self._owner, self._name, self._namespace)
        return [] if workload is None else [pod.name for pod in self._below(workload)]

    def _below(self, owner: KubeObject) -> list[Pod]:
        """The Pods that an object owns, directly or through others such as ReplicaSets."""
        found: list[Pod] = []
        for child in self._store.dependents(owner.metadata.uid):
            found.extend([child] if isinstance(child, Pod) else self._below(child))
        return found


class Sources:
    """Turns what a scenario or a user writes into Sources; `families` are those of the cluster."""

    def __init__(self, store: Store, servers: Servers, families: tuple[str, ...]) -> None:
        self.asker = asker(families)
        """The host on the internet that questions and commands come from when they do not say otherwise."""
        self._store, self._servers = store, servers
        self._families = families
        self._internet_clients = 0
        self._found: dict[str, Origin] = {}

    def origin(self, text: str, *, addresses: int = 1) -> Origin:
        """Read `internet`, `internet/IP`, `node/NAME`, `pod/[NAMESPACE/]NAME`, `deployment/[NAMESPACE/]NAME`.

        `addresses` is how many hosts on the internet there are. Raises LabError for anything else.
        """
        word, *rest = text.split("/")
        if word == "internet" and len(rest) <= 1:
            return FixedOrigin([host_at(rest[0], self._families)] if rest else self._internet(addresses))
        if word == "node" and len(rest) == 1:
            return NodeOrigin(self._store, self._servers, rest[0])
        kind = find_kind(word)
        if kind is None or not kind.namespaced or len(rest) not in (1, 2):
            known = ("internet", "node", "pod", "deployment", "replicaset", "statefulset")
            raise LabError(
                f'"{text}" is nowhere to send from{nearest(word, known)}; write internet, node/NAME, '
                "pod/NAME, pod/NAMESPACE/NAME or deployment/NAMESPACE/NAME"
            )
        namespace = rest[0] if len(rest) == 2 else "default"
        return PodsOrigin(self._store, self._servers, kind.struct, namespace, rest[-1])

    def find(self, text: str) -> Source:
        """The one Source that `text` means now. Raises LabError when there is none."""
        # The same origin each time, so that whoever asks from the internet twice is the same host.
        origin = self._found.get(text)
        if origin is None:
            origin = self._found[text] = self.origin(text)
        source = origin.next()
        if source is None:
            names = [f"pod/{key}" for key in self._servers.pods] + [f"node/{n.name}" for n in self._store.list(Node)]
            raise LabError(f'nothing runs at "{text}" now{nearest(text, names)}')
        return source

    def _internet(self, addresses: int) -> list[Source]:
        first = self._internet_clients
        self._internet_clients += addresses
        return [internet_host(first + number, self._families) for number in range(addresses)]
