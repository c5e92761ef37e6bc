"""A network of a few lines: names have addresses, addresses have endpoints, and both can be taken away."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

from lab.clock import Clock
from lab.cluster.store import Store
from lab.journal import Decision, Journal, RequestFinished
from lab.kube.kinds.node import Node, NodeAddress, NodeStatus
from lab.kube.kinds.pod import Container, ContainerPort, EnvVar, Pod, PodSpec, PodStatus
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import ObjectMeta
from lab.network.flow import Source
from lab.network.quality import Quality
from lab.network.topology import Path
from lab.network.way import Way
from lab.settings import Settings
from lab.traffic.app import AppSpec, Distribution
from lab.traffic.traffic import Traffic

LATENCY_S = 0.001


class Answer(NamedTuple):
    addresses: tuple[str, ...]
    outcome: str = "ok"
    name: str = ""
    took_s: float = 0.0
    ttl_s: float = 30.0
    queries: int = 0


class FakeFlow:
    def __init__(self, **fields: Any) -> None:
        self.closed = False
        for name, value in fields.items():
            setattr(self, name, value)


class FakeNetwork:
    """Each Service name is its own address; `endpoints` says which Pods stand behind (address, port)."""

    def __init__(self, clock: Clock, journal: Journal) -> None:
        self.clock, self.journal = clock, journal
        self.dns = SimpleNamespace(at_hand=lambda source, host: None)
        self.tracer = SimpleNamespace()
        self.balancers = SimpleNamespace()
        self.names: dict[str, str] = {}
        self.endpoints: dict[tuple[str, int], list[tuple[str, str, int]]] = {}
        self.verdict = ""
        self.loss = 0.0
        self.cut = False
        self.connections = 0
        self.closed = 0

    def serve(self, name: str, port: int, *pods: tuple[str, str, int]) -> None:
        ip = self.names.setdefault(name, f"10.96.0.{len(self.names) + 20}")
        self.endpoints[(ip, port)] = list(pods)

    def reset_by_balancer(self, flow: FakeFlow) -> str:
        return ""

    def connect(
        self, source: Source, host: str, ip: str, port: int, protocol: str = "TCP", src_port: int = 0
    ) -> FakeFlow:
        self.connections += 1
        pods = self.endpoints.get((ip, port), [])
        pod, pod_ip, pod_port = pods[self.connections % len(pods)] if pods else ("", ip, port)
        verdict = self.verdict or ("deliver" if pods else "reject")
        service = next((f"default/{name}" for name, address in self.names.items() if address == ip), "")
        decision = Decision(
            self.clock.time(),
            self.connections,
            source.name,
            source.node,
            source.ip,
            40000,
            ip,
            port,
            protocol,
            host,
            service,
            f"{pod_ip}:{pod_port}",
            pod,
            verdict,
            "balanced",
        )
        self.journal.append(decision)
        reason = {"deliver": "balanced", "reject": "no-endpoints"}.get(verdict, "node-down")
        return FakeFlow(
            decision=decision,
            verdict=verdict,
            open=verdict == "deliver",
            reason=reason,
            latency_s=LATENCY_S,
            loss=self.loss,
            pod=pod,
            port=pod_port,
            way=Way(
                verdict,
                reason,
                ip=pod_ip,
                port=pod_port,
                socket=f"{pod_ip}:{pod_port}/{protocol}",
                quality=Quality(LATENCY_S, self.loss),
            ),
            waypoints=("internet", "node/worker-1"),
            node="worker-1",
        )

    def carries(self, flow: FakeFlow) -> bool:
        return not self.cut

    @property
    def topology(self) -> FakeNetwork:
        return self

    def path(self, start: str, end: str) -> Path | None:
        return None if self.cut else Path(Quality(LATENCY_S, 0.0), (start, end))

    def answer(self, flow: FakeFlow) -> None:
        return None

    def close(self, flow: FakeFlow, outcome: str = "ok") -> None:
        assert not flow.closed, "a flow is closed twice"
        flow.closed = True
        self.closed += 1

    def resolve(self, source: Source, host: str, done: Callable[[Answer], object]) -> None:
        ip = self.names.get(host)
        done(Answer((ip,), name=f"{host}.default.svc.cluster.local") if ip else Answer((), "nxdomain"))


class Bench:
    """A clock, a store, the fake network and the traffic under test."""

    def __init__(self, *apps: AppSpec, seed: int = 1) -> None:
        self.clock = Clock()
        self.journal = Journal()
        self.settings = Settings()
        self.store = Store(self.clock, self.journal, self.settings)
        self.network = FakeNetwork(self.clock, self.journal)
        self.traffic = Traffic(self.clock, self.journal, self.settings, seed, apps)
        self.traffic.attach(self.store, self.network)  # type: ignore[arg-type]
        self.exits: list[tuple[str, int, str]] = []
        self.store.create(
            Node(
                metadata=ObjectMeta(name="worker-1"),
                status=NodeStatus(addresses=(NodeAddress(type="InternalIP", address="172.18.0.11"),)),
            )
        )

    @property
    def servers(self) -> Any:
        return self.traffic.servers

    def service(self, name: str, port: int = 80, target: int | str | None = None, protocol: str = "TCP") -> Service:
        spec = ServiceSpec(
            selector={"app": name},
            cluster_ip=f"10.96.1.{len(self.store.list(Service)) + 1}",
            ports=(ServicePort(port=port, target_port=target, protocol=protocol),),
        )
        return self.store.create(Service(metadata=ObjectMeta(name=name, namespace="default"), spec=spec))

    def pod(
        self,
        name: str,
        *ports: int,
        image: str = "shop/app",
        env: dict[str, str] | None = None,
        args: tuple[str, ...] = (),
        app: str = "",
        run: bool = True,
    ) -> Pod:
        """Make a Pod, and run its container as a kubelet does."""
        container = Container(
            name="main",
            image=image,
            args=args,
            ports=tuple(ContainerPort(container_port=port) for port in ports),
            env=tuple(EnvVar(name=key, value=value) for key, value in (env or {}).items()),
        )
        pod = self.store.create(
            Pod(
                metadata=ObjectMeta(name=name, namespace="default", labels={"app": app or name}),
                spec=PodSpec(containers=(container,), node_name="worker-1"),
                status=PodStatus(pod_ip=f"10.244.0.{len(self.store.list(Pod)) + 5}"),
            )
        )
        if run:
            self.start(pod)
        return pod

    def start(self, pod: Pod) -> None:
        def exited(code: int, reason: str) -> None:
            self.exits.append((pod.name, code, reason))

        self.traffic.servers.start(pod, pod.spec.containers[0], exited)

    def expose(self, name: str, port: int, *pods: tuple[Pod, int]) -> None:
        """Give a name and port to containers on the fake network."""
        self.network.serve(name, port, *((f"default/{p.name}", p.status.pod_ip, number) for p, number in pods))

    def web(self, port: int = 8080, name: str = "web") -> Pod:
        """One running server behind http://web/."""
        pod = self.pod(name, port)
        self.expose(name, 80, (pod, port))
        return pod

    def source(self) -> Source:
        return Source(name="internet/198.51.100.7", ip="198.51.100.7")

    def ask(self, url: str = "http://web/", *, within_s: float = 200.0, **more: Any) -> Any:
        """Send one request, run until it has ended, and give its result back."""
        results: list[Any] = []
        self.traffic.request(self.source(), url, results.append, **more)
        end_s = self.clock.time() + within_s
        while not results and (due := self.clock.next_time) is not None and due <= end_s:
            self.clock.step()
        assert len(results) == 1, f"{len(results)} results within {within_s} s"
        return results[0]

    def finished(self) -> list[RequestFinished]:
        return [event for event in self.journal.read().events if isinstance(event, RequestFinished)]


def app(image: str = "shop/app", service_s: float = 0.01, **more: Any) -> AppSpec:
    return AppSpec(image=image, service_time=Distribution.constant(service_s), **{"startup_s": 0.0, **more})
