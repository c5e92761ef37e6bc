"""A few nodes with kubelets on a clock, and an instant runtime, for tests of what happens on nodes."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.control_plane import ControlPlane, NodeSpec
from lab.cluster.runtime import InstantRuntime, ProbeResult
from lab.journal import Journal, Noted, Probed
from lab.kube.kinds.endpointslice import Endpoint, EndpointSlice
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Container, ContainerStatus, Pod, PodSpec, Probe, TCPSocketAction, Toleration
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import ObjectMeta
from lab.settings import Settings

TOLERANT = tuple(
    Toleration(key=f"node.kubernetes.io/{key}", operator="Exists", effect="NoExecute", toleration_seconds=300)
    for key in ("not-ready", "unreachable")
)


def app(**fields: object) -> Container:
    return replace(Container(name="app", image="shop/web:1"), **fields)


def tcp_probe(**fields: float) -> Probe:
    return Probe(tcp_socket=TCPSocketAction(port=8080), **fields)  # type: ignore[arg-type]


class SmallCluster:
    """`worker-1` and so on, booted at time zero."""

    def __init__(
        self,
        nodes: int = 1,
        *,
        zones: Sequence[str] = ("",),
        settings: Settings | None = None,
    ) -> None:
        self.clock = Clock()
        self.journal = Journal()
        self.runtime = InstantRuntime()
        self.settings = settings or Settings()
        self.plane = ControlPlane(self.clock, self.journal, self.settings, 1, self.runtime)
        self.store = self.plane.store
        for i in range(nodes):
            self.plane.add_node(NodeSpec(name=f"worker-{i + 1}", zone=zones[i % len(zones)]))
        self.plane.start()

    def lose(self, *nodes: int) -> None:
        """Cut the power of `worker-N` for each N."""
        for number in nodes:
            self.plane.kubelets[f"worker-{number}"].power_off()

    def taints(self, number: int) -> list[str]:
        """The taints of `worker-N`, as kubectl prints them."""
        return sorted(f"{t.key}:{t.effect}" for t in self.node(f"worker-{number}").spec.taints)

    def run(self, seconds: float) -> None:
        self.clock.run_until(self.clock.time() + seconds)

    def until(self, moment: float) -> None:
        self.clock.run_until(moment)

    def add_pod(self, *containers: Container, name: str = "web", node: str = "worker-1", **spec: object) -> Pod:
        meta = ObjectMeta(name=name, namespace="default", labels={"app": "web"})
        wanted = replace(PodSpec(containers=containers or (app(),), node_name=node, tolerations=TOLERANT), **spec)
        return self.store.create(Pod(metadata=meta, spec=wanted))

    def add_service(self, **spec: object) -> Service:
        wanted = replace(ServiceSpec(selector={"app": "web"}, ports=(ServicePort(port=80, target_port=8080),)), **spec)
        return self.store.create(Service(metadata=ObjectMeta(name="web", namespace="default"), spec=wanted))

    def pod(self, name: str = "web") -> Pod:
        return self.store.get(Pod, name)

    def container(self, name: str = "web") -> ContainerStatus:
        return self.pod(name).status.container_statuses[0]

    def node(self, name: str) -> Node:
        return self.store.get(Node, name)

    def exists(self, name: str = "web") -> bool:
        return self.store.find(Pod, name) is not None

    def answer(self, success: bool, took_s: float = 0.0, name: str = "web") -> None:
        """From now on, probes of a Pod's app get this verdict."""
        self.runtime.verdicts[("default", name, "app")] = ProbeResult(success, "connection refused", took_s)

    def crash(self, name: str = "web") -> None:
        self.runtime.exit(self.pod(name), "app", 1, "Error")

    def notes(self, reason: str, name: str = "") -> list[Noted]:
        return [
            event
            for event in self.journal.read().events
            if isinstance(event, Noted) and event.reason == reason and name in ("", event.name)
        ]

    def reasons(self, name: str) -> list[str]:
        return [e.reason for e in self.journal.read().events if isinstance(e, Noted) and e.name == name]

    def verdicts(self) -> list[tuple[str, bool]]:
        return [(e.probe, e.success) for e in self.journal.read().events if isinstance(e, Probed)]

    def endpoints(self) -> dict[str, Endpoint]:
        slices = self.store.list(EndpointSlice)
        return {e.target_ref.name: e for found in slices for e in found.endpoints if e.target_ref}

    def ready_since(self, type: str = "Ready", name: str = "web") -> float:
        condition = next(c for c in self.pod(name).status.conditions if c.type == type)
        assert condition.status == "True"
        assert condition.last_transition_time is not None
        return condition.last_transition_time
