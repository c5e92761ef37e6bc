"""A player made by hand: a real store, journal and measurements, and traffic that is drawn up rather than simulated.

The screens' own tests and the frame benchmark use it, so that they test drawing and nothing else.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from lab.clock import Clock
from lab.cluster.admission import Admission
from lab.cluster.kubelet.registry import Registry
from lab.cluster.store import Store
from lab.commands.call import WIDTH
from lab.commands.execution import Execution
from lab.commands.run import run
from lab.journal import Decision, Journal, Narrated, Noted, RequestFinished
from lab.kube.kinds.endpointslice import (
    SERVICE_NAME_LABEL,
    Endpoint,
    EndpointConditions,
    EndpointPort,
    EndpointSlice,
    ObjectReference,
)
from lab.kube.kinds.node import ZONE_LABEL, Node, NodeStatus
from lab.kube.kinds.pod import Container, ContainerState, ContainerStatus, Pod, PodSpec, PodStatus
from lab.kube.kinds.service import (
    LoadBalancerIngress,
    LoadBalancerStatus,
    Service,
    ServicePort,
    ServiceSpec,
    ServiceStatus,
)
from lab.kube.meta import Condition, ObjectMeta
from lab.scenario.log import Log
from lab.scenario.player import Player
from lab.scenario.report import Group, Report
from lab.scenario.scenario import Scenario, Step
from lab.settings import Settings
from lab.traffic.measure import Measurements


def condition(ready: bool) -> tuple[Condition, ...]:
    return (Condition(type="Ready", status="True" if ready else "False"),)


def node(name: str, zone: str = "", *, ready: bool = True) -> Node:
    labels = {ZONE_LABEL: zone} if zone else {}
    return Node(metadata=ObjectMeta(name=name, labels=labels), status=NodeStatus(conditions=condition(ready)))


def pod(
    name: str,
    where: str,
    *,
    ready: bool = True,
    phase: str = "Running",
    waiting: str = "",
    ip: str = "",
    ns: str = "default",
) -> Pod:
    states = (ContainerStatus(name="c", state=ContainerState(state="waiting", reason=waiting)),) if waiting else ()
    return Pod(
        metadata=ObjectMeta(name=name, namespace=ns),
        spec=PodSpec(node_name=where, containers=(Container(name="c"),)),
        status=PodStatus(phase=phase, conditions=condition(ready), pod_ip=ip, container_statuses=states),
    )


def service(name: str, kind: str, ip: str, *ports: ServicePort, external: str = "", ns: str = "default") -> Service:
    ingress = (LoadBalancerIngress(ip=external),) if external else ()
    return Service(
        metadata=ObjectMeta(name=name, namespace=ns),
        spec=ServiceSpec(type=kind, cluster_ip=ip, ports=ports, selector={"app": name}),
        status=ServiceStatus(load_balancer=LoadBalancerStatus(ingress=ingress)),
    )


def endpoints(of: str, port: int, pods: list[Pod], ns: str = "default") -> EndpointSlice:
    return EndpointSlice(
        metadata=ObjectMeta(name=f"{of}-abc", namespace=ns, labels={SERVICE_NAME_LABEL: of}),
        ports=(EndpointPort(port=port),),
        endpoints=tuple(
            Endpoint(
                addresses=(each.status.pod_ip,),
                conditions=EndpointConditions(ready=each.ready, serving=each.ready, terminating=False),
                node_name=each.spec.node_name,
                target_ref=ObjectReference(kind="Pod", namespace=ns, name=each.name),
            )
            for each in pods
        ),
    )


@dataclass
class DemoEngine:
    """As much of an Engine as the screens look at; `advance` makes `per_second` connections a second."""

    per_second: int = 200
    pods_a_node: int = 3
    nodes: int = 4
    seed: int = 7
    speed: float = 1.0
    paused: bool = False
    riddle: bool = False
    behind_s: float = 0.0
    clock: Clock = field(default_factory=Clock)
    journal: Journal = field(default_factory=Journal)

    def __post_init__(self) -> None:
        self.store = Store(self.clock, self.journal, Settings(), seed=1)
        self.traffic = SimpleNamespace(
            measure=Measurements(), servers=SimpleNamespace(hanging=lambda: [], ailing=lambda: [])
        )
        self.network = SimpleNamespace(
            proxies={},
            balancers=SimpleNamespace(by_ip={}, unheard={}),
            hosts={},
            open_ports=lambda: [],
            explain=lambda decision: None,
            topology=SimpleNamespace(down=lambda: []),
            dns=SimpleNamespace(server=SimpleNamespace(upstream="up", silent=False, slow_s=0.0)),
        )
        self.control_plane = SimpleNamespace(
            kubelets={}, provider=SimpleNamespace(up=True), registry=Registry(), admission=Admission(Settings())
        )
        self.spec = SimpleNamespace(proxy="nftables", settings=Settings())
        self.random = random.Random("demo")
        self.web: list[Pod] = []
        self._ids = 0
        self._build()

    @property
    def now(self) -> float:
        return self.clock.time()

    @property
    def machines(self) -> list[str]:
        return [each.name for each in self.store.list(Node)]

    @property
    def zones(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for each in self.store.list(Node):
            found.setdefault(each.zone, []).append(each.name)
        return found

    def _build(self) -> None:
        for i in range(self.nodes):
            self.store.create(node(f"worker-{i + 1}", f"zone-{'ab'[i % 2]}", ready=i != 1))
            for k in range(self.pods_a_node):
                made = pod(
                    f"web-7f9c6d5b4-{i}x{k:02d}q", f"worker-{i + 1}", ready=k != 2 or i != 2, ip=f"10.244.{i}.{k + 2}"
                )
                self.web.append(self.store.create(made))
        self.store.create(pod("api-55d8f-crash", "worker-1", ready=False, waiting="CrashLoopBackOff"))
        self.store.create(pod("api-55d8f-wait", "", ready=False, phase="Pending"))
        web = service(
            "web", "LoadBalancer", "10.96.0.12", ServicePort(port=80, node_port=30080), external="203.0.113.10"
        )
        self.store.create(web)
        self.store.create(service("api", "LoadBalancer", "10.96.7.1", ServicePort(port=9090, node_port=31090)))
        self.store.create(service("shop", "NodePort", "10.96.7.2", ServicePort(port=80, node_port=30081)))
        self.store.create(endpoints("web", 8080, self.web))

    def set_speed(self, speed: float) -> None:
        self.speed = speed

    def advance(self, elapsed_s: float, budget_s: float) -> None:
        if not self.paused:
            self._run(elapsed_s * self.speed)

    def run_until(self, when_s: float, budget_s: float | None = None) -> bool:
        self._run(when_s - self.now)
        return True

    def close(self) -> None:
        self.journal.close()

    def _run(self, seconds: float) -> None:
        count = round(self.per_second * seconds)
        for i in range(count):
            self.clock.run_until(self.now + seconds / count)
            self._connect(i)
        if not count:
            self.clock.run_until(self.now + seconds)

    def _connect(self, i: int) -> None:
        self._ids += 1
        chosen = self.web[self.random.randrange(len(self.web))]
        lost = self._ids % 17 == 0
        inside = self._ids % 3 == 0
        client = "pod/default/client" if inside else f"internet/198.51.100.{self._ids % 90 + 1}"
        self.journal.append(
            Decision(
                self.now,
                id=self._ids,
                client=client,
                node=chosen.spec.node_name,
                src_ip="198.51.100.7",
                src_port=40000 + i,
                dst_ip="10.96.0.12" if inside else "203.0.113.10",
                dst_port=80,
                protocol="TCP",
                host="web",
                service="default/web",
                endpoint="" if lost else f"{chosen.status.pod_ip}:8080",
                pod="" if lost else f"default/{chosen.name}",
                verdict="drop" if lost else "deliver",
                reason="no-local-endpoints" if lost else "balanced",
                hops=("lb/203.0.113.10", f"node/{chosen.spec.node_name}"),
                masquerade=not inside,
            )
        )
        latency = 0.005 + self.random.random() * 0.02
        outcome = "timeout" if lost else "ok"
        finished = RequestFinished(
            self.now,
            self._ids,
            self._ids,
            client,
            "default/web",
            f"default/{chosen.name}",
            0 if lost else 200,
            outcome,
            2.0 if lost else latency,
        )
        self.journal.append(finished)
        tally = self.traffic.measure.tally("shoppers", "default/web", f"default/{chosen.name}")
        tally.record(self.now, latency, outcome, "")
        if self._ids % 40 == 0:
            self.journal.append(
                Noted(self.now, "Warning", "Unhealthy", "Pod", "default", chosen.name, "Readiness probe failed")
            )
        if self._ids % 400 == 0:
            self.journal.append(Narrated(self.now, "worker-2 has lost its power, and nobody knows yet."))


LESSON = (
    Step(0.0, "One address for many Pods", "The Service has one address. " * 6, watch="service/web"),
    Step(20.0, "A node is lost", "Nobody knows yet.", watch="node/worker-2"),
)


class DemoPlayer:
    """As much of a Player as the app looks at; already started."""

    def __init__(self, *, lesson: bool = True, duration_s: float = 60.0, **engine: Any) -> None:
        self.engine = DemoEngine(**engine)
        self.scenario = Scenario(name="peak-load", about="A demo.", duration_s=duration_s)
        self.seed = 7
        self.log = Log()
        self.begun = True
        self.kata = None
        self.steps = LESSON if lesson else ()
        self.checks = [SimpleNamespace(name="success >= 90%", passed=None, message="")] if lesson else []
        self.not_ready: list[str] = []
        self.on_command: list[Any] = []
        self.width = WIDTH
        self.clients = (SimpleNamespace(name="shoppers"),)

    @property
    def finished(self) -> bool:
        return self.engine.now >= self.scenario.duration_s

    def boot(self) -> None:
        return

    def begin(self) -> None:
        return

    @property
    def next_stop_s(self) -> float:
        return self.scenario.duration_s if self.engine.now < self.scenario.duration_s else math.inf

    def run_until(self, when_s: float, budget_s: float | None = None) -> bool:
        return self.engine.run_until(when_s, budget_s)

    _draining = False

    def _run_over_stops(self, until_s: float, budget_s: float) -> None:
        Player._run_over_stops(self, until_s, budget_s)  # type: ignore[arg-type]

    def advance(self, elapsed_s: float, budget_s: float) -> None:
        Player.advance(self, elapsed_s, budget_s)  # type: ignore[arg-type]

    def _moment(self) -> None:
        return

    def give(self, text: str, *, by: str = "prompt", width: int = WIDTH) -> Execution:
        return run(self.engine, text, by=by, width=width)  # type: ignore[arg-type]

    def report(self) -> Report:
        total = Group("all", 1000, 940, 0.94, 16.0, 0.012, 0.03, 0.2, 2.0, {"timeout": 60})
        return Report(
            "peak-load",
            7,
            self.engine.now,
            0.0,
            total,
            [total],
            [],
            [],
            [],
            [],
            [],
            len(self.engine.journal),
            "ab" * 32,
            True,
        )
