"""All running containers: the container runtime that the kubelets use, and what listens where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from lab.clock import Clock
from lab.cluster.indexes import Key
from lab.cluster.runtime import Lifetime, ProbeResult, Usage
from lab.cluster.store import Store
from lab.kube.errors import LabError
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Container, Pod, Probe
from lab.network.addresses import socket_of
from lab.network.flow import Source
from lab.network.pod_addresses import addresses_of
from lab.traffic.ailment import WELL, Ailment
from lab.traffic.app import AppSpec, AppTable
from lab.traffic.exchange import Caller
from lab.traffic.known_images import KNOWN_IMAGES
from lab.traffic.lifetime import ending, lifetime_of
from lab.traffic.probes import judge
from lab.traffic.server import RUNNING, STARTING, Server
from lab.traffic.service_index import ServiceIndex
from lab.traffic.wire import Wire

if TYPE_CHECKING:
    from lab.network.network import Network
    from lab.traffic.foresight import Foresight

APP_CALL_TIMEOUT_S = 5.0
"""How long an app waits for another one."""
_HUNG_LOOK_S = 1.0
"""How often a container that hangs when it should end is looked at again."""


class Servers:
    """Starts, stops and probes the containers of every node (`lab.cluster.runtime.ContainerRuntime`)."""

    def __init__(self, clock: Clock, seed: int, apps: Sequence[AppSpec] = ()) -> None:
        self.clock = clock
        self.seed = seed
        self.apps = AppTable(tuple(apps), KNOWN_IMAGES)
        self.pods: dict[str, dict[str, Server]] = {}
        """The containers that run now: by `NAMESPACE/NAME` of the Pod, then by container."""
        self.version = 0
        """Grows whenever a container starts or ends."""
        self.nodes_off: dict[str, None] = {}
        """Nodes without power, and those that stand still: nothing is sent from there."""
        self._ailments: dict[Key, tuple[str, Ailment]] = {}
        """What ails a Pod, and its uid: another one of the same name is well."""
        self._worked: dict[str, dict[Server, None]] = {}
        """Running containers that were ever asked something, by their node."""
        self.wire: Wire
        self.answer_bytes: int
        self.network: Network
        self.store: Store
        self.caller: Caller
        self.services: ServiceIndex
        self.foresight: Foresight

    def attach(self, store: Store, network: Network, wire: Wire) -> None:
        """Say which cluster and network these containers live in; before anything is started."""
        self.store, self.network, self.wire = store, network, wire
        self.answer_bytes = wire.settings.answer_bytes
        self.caller = Caller(wire, timeout_s=APP_CALL_TIMEOUT_S)
        self.services = ServiceIndex(store, wire.settings.cluster_domain, self)

    # -- what the kubelet asks ------------------------------------------------------------------------------

    def start(self, pod: Pod, container: Container, exited: Callable[[int, str], None]) -> None:
        """Run a container; it listens after its start-up time."""
        spec = self.apps.find(container.image)
        key = f"{pod.namespace}/{pod.name}"
        restarts = next((s.restart_count for s in pod.status.container_statuses if s.name == container.name), 0)
        server = Server(self, pod, container, spec, self._source_of(pod), restarts, exited)
        self.pods.setdefault(key, {})[container.name] = server
        self.version += 1
        ailment = self.ailment(pod)
        if ailment is not WELL:
            server.behave(ailment)
        self.clock.after(spec.startup_s, self._up, server)
        runs_s, code = lifetime_of(spec, pod, container, self.wire.settings.job_run_s)
        if runs_s is not None:
            self.clock.after(runs_s, self._run_out, server, code)

    def initializes(self, pod: Pod, container: Container) -> Lifetime:
        """How an init container ends: as its app says, or its command, or well after a second."""
        return ending(self.apps.find(container.image), container, self.wire.settings.init_container_run_s)

    def _run_out(self, server: Server, code: int) -> None:
        """A container's work is done; one that hangs never gets that far."""
        if not server.moves:
            self.clock.after(_HUNG_LOOK_S, self._run_out, server, code)
        else:
            server.end(code, "Error" if code else "Completed")

    def stop(self, pod: Pod, container: str) -> None:
        """Send SIGTERM; unknown containers are ignored."""
        server = self._find(pod, container)
        if server is not None:
            server.terminate()

    def kill(self, pod: Pod, container: str) -> None:
        """Send SIGKILL; unknown containers are ignored."""
        server = self._find(pod, container)
        if server is not None:
            server.end(137, "Error")

    def probe(self, pod: Pod, container: str, probe: Probe) -> ProbeResult:
        """The verdict of a probe sent now."""
        return judge(self._find(pod, container), probe)

    def usage(self, pod: Pod, container: str) -> Usage | None:
        """What a container has used since it started; None when it does not run."""
        server = self._find(pod, container)
        return server.usage if server is not None else None

    def worked(self, node: str) -> Iterable[Key]:
        """The Pods of a node with a running container that was ever asked something, oldest work first."""
        return dict.fromkeys(server.pod.key for server in self._worked.get(node, ()))

    def has_worked(self, server: Server) -> None:
        """A container works for the first time."""
        self._worked.setdefault(server.source.node, {})[server] = None

    def _find(self, pod: Pod, container: str) -> Server | None:
        return self.pods.get(f"{pod.namespace}/{pod.name}", {}).get(container)

    def _source_of(self, pod: Pod) -> Source:
        node = self.store.find(Node, pod.spec.node_name, "")
        return Source(
            name=f"pod/{pod.namespace}/{pod.name}",
            ip=pod.status.pod_ip,
            node=pod.spec.node_name,
            zone=node.zone if node is not None else "",
            namespace=pod.namespace,
        )

    def source(self, pod: str) -> Source | None:
        """The Source that a Pod (`NAMESPACE/NAME`) is while a container of it runs."""
        running = self.pods.get(pod)
        return next(iter(running.values())).source if running else None

    def answering(self, pod: str) -> bool:
        """Whether a container of a Pod (`NAMESPACE/NAME`) listens somewhere and answers."""
        return any(server.answers and server.ports for server in self.pods.get(pod, {}).values())

    def listens(self, socket: str) -> bool:
        """Whether an app listens on `IP:PORT/PROTOCOL`; the kernel takes connections for one that hangs, too."""
        server = self.wire.listeners.get(socket)
        return server is not None and not server.silent

    # -- ports ----------------------------------------------------------------------------------------------

    def _up(self, server: Server) -> None:
        if server.state == STARTING:
            server.state = RUNNING
            self.services.watch(server)
            self.open_ports(server)
            self.drive(server)

    def open_ports(self, server: Server) -> None:
        """Listen on what the app listens on, as its Pod and Services now are."""
        if server.state != RUNNING:
            return
        self.close_ports(server)
        server.ports = {} if server.closed else self.services.ports_of(server)
        for socket in _sockets_of(server):
            self.wire.listeners.setdefault(socket, server)

    def close_ports(self, server: Server) -> None:
        """Listen no more."""
        for socket in _sockets_of(server):
            if self.wire.listeners.get(socket) is server:
                del self.wire.listeners[socket]
        server.ports = {}

    def forget(self, server: Server) -> None:
        """A container has ended."""
        self.close_ports(server)
        self.services.unwatch(server)
        self._worked.get(server.source.node, {}).pop(server, None)
        key = f"{server.pod.namespace}/{server.pod.name}"
        running = self.pods.get(key, {})
        if running.get(server.container.name) is server:
            del running[server.container.name]
            if not running:
                del self.pods[key]
        self.version += 1

    # -- apps that only call --------------------------------------------------------------------------------

    def drive(self, server: Server) -> None:
        """Let an app that listens nowhere call its targets, again and again, from now on."""
        if server.state == RUNNING and not (server.driving or server.closed or server.ports) and server.calls:
            server.driving = True
            self.clock.after(server.rng.random() / server.spec.drives, self._tick, server)

    def _tick(self, server: Server) -> None:
        if server.state != RUNNING or server.ports or not server.calls:
            server.driving = False
            return
        if server.moves:
            for target in server.calls:
                self.caller.send(server.source, target, self.clock.time(), depth=1)
        self.clock.after(1.0 / server.spec.drives, self._tick, server)

    # -- what happens to them -------------------------------------------------------------------------------

    def ailment(self, pod: Pod) -> Ailment:
        """What ails a Pod."""
        uid, ailment = self._ailments.get(pod.key, ("", WELL))
        return ailment if uid == pod.metadata.uid else WELL

    def ail(self, pod: Pod, ailment: Ailment) -> None:
        """Let the containers of a Pod, those that run and those to come, have this and nothing else."""
        if ailment == WELL:
            self._ailments.pop(pod.key, None)
        else:
            self._ailments[pod.key] = (pod.metadata.uid, ailment)
        for server in list(self.pods.get(f"{pod.namespace}/{pod.name}", {}).values()):
            server.behave(ailment)

    def ailing(self) -> list[tuple[Pod, Ailment]]:
        """The Pods that anything ails, with what it is."""
        found = [self.store.find(Pod, name, namespace) for namespace, name in self._ailments]
        pods = [pod for pod in found if pod is not None]
        return [(pod, self.ailment(pod)) for pod in pods if self.ailment(pod) is not WELL]

    def crash(self, namespace: str, name: str) -> None:
        """The processes of a Pod end with an error; the kubelet sees it and restarts them."""
        for server in self._of_pod(namespace, name):
            server.end(1, "Error")

    def hang(self, namespace: str, name: str, hung: bool = True) -> None:
        """The processes of a Pod stop answering, or answer again; connections are still accepted."""
        for server in self._of_pod(namespace, name):
            server.hang(hung)

    def hanging(self) -> list[tuple[str, str]]:
        """Namespace and name of every Pod with a process that hangs."""
        found = (server.pod for running in self.pods.values() for server in running.values() if server.hung)
        return list(dict.fromkeys((pod.namespace, pod.name) for pod in found))

    def hangs(self, namespace: str, name: str) -> bool:
        """Whether all processes of a Pod hang. Raises LabError when none runs."""
        return all(server.hung for server in self._of_pod(namespace, name))

    def power(self, node: str, on: bool) -> None:
        """A node loses power, and everything on it is gone without a word; its kubelet starts it anew later."""
        if on:
            self.nodes_off.pop(node, None)
            return
        self.nodes_off[node] = None
        for running in list(self.pods.values()):
            for server in list(running.values()):
                if server.source.node == node:
                    server.power_off()

    def freeze(self, node: str, on: bool) -> None:
        """Everything on a node stands still, or goes on with what it was at."""
        self.version += 1
        if on:
            self.nodes_off[node] = None
        else:
            self.nodes_off.pop(node, None)
        for running in self.pods.values():
            for server in running.values():
                if server.source.node == node:
                    server.freeze(on)

    def _of_pod(self, namespace: str, name: str) -> list[Server]:
        running = self.pods.get(f"{namespace}/{name}")
        if not running:
            raise LabError(f'no container of pod "{namespace}/{name}" runs')
        return list(running.values())


def _sockets_of(server: Server) -> Iterator[str]:
    """Where a server listens, on each address of its Pod."""
    for ip in addresses_of(server.pod):
        for protocol, port in server.ports:
            yield socket_of(ip, port, protocol)
