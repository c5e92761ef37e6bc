"""A small engine stand-in: a real store, journal and clock, and nothing that could be broken."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from lab.clock import Clock
from lab.cluster.admission import Admission
from lab.cluster.apply import apply_object
from lab.cluster.store import Store
from lab.cluster.trial import Refusal, trial
from lab.commands.call import Call
from lab.commands.execution import Execution
from lab.commands.parser import bind, take_apart
from lab.commands.run import run
from lab.commands.words import split
from lab.engine import Broken
from lab.journal import CommandGiven, CommandRefused, Journal
from lab.kube import defaults
from lab.kube.decode import decode
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.node import Node, NodeAddress, NodeStatus
from lab.kube.kinds.pod import Pod, PodStatus
from lab.kube.meta import Condition, KubeObject, ObjectMeta
from lab.settings import Settings

READY = (Condition(type="Ready", status="True"),)


class World:
    """What commands use of an engine."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.journal = Journal()
        self.store = Store(self.clock, self.journal, Settings())
        self.store.admission.append(lambda obj, old: defaults.apply(obj))
        self.traffic = SimpleNamespace(measure=None)
        self.spec = SimpleNamespace(settings=Settings(metrics_server=False))
        self.broken: dict[str, Broken] = {}
        self.riddle = False
        for name in ("default", "kube-system", "shop"):
            self.store.create(Namespace(metadata=ObjectMeta(name=name)))

    @property
    def now(self) -> float:
        return self.clock.time()

    def trial(self, objects: Sequence[KubeObject]) -> list[Refusal]:
        return trial(self.store, Admission(Settings()), objects)

    def apply(self, objects: Sequence[KubeObject]) -> list[str]:
        return [apply_object(self.store, obj) for obj in objects]

    @property
    def machines(self) -> list[str]:
        return [node.name for node in self.store.list(Node)]

    @property
    def zones(self) -> dict[str, tuple[str, ...]]:
        nodes = self.store.list(Node)
        return {zone: tuple(n.name for n in nodes if n.zone == zone) for zone in [n.zone for n in nodes] if zone}

    def runs(self, namespace: str, name: str) -> bool:
        return True

    def values(self, text: str) -> dict[str, Any]:
        """What the words of a command mean."""
        call = Call(self, Execution(text, "prompt"))
        bind(take_apart(split(text)), call, len(text))
        return call.values

    # -- what tests put in ---------------------------------------------------------------------------------------

    def node(self, name: str, zone: str = "") -> Node:
        labels = {"topology.kubernetes.io/zone": zone} if zone else {}
        status = NodeStatus(conditions=READY, addresses=(NodeAddress(type="InternalIP", address="172.18.0.11"),))
        return self.store.create(Node(metadata=ObjectMeta(name=name, labels=labels), status=status))

    def pod(self, name: str, namespace: str = "default", *, node: str = "worker-1", **labels: str) -> Pod:
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": {"nodeName": node, "containers": [{"name": "web", "image": "shop/web:1"}]},
        }
        status = PodStatus(phase="Running", pod_ip="10.244.1.7", conditions=READY)
        obj = decode(body)
        assert isinstance(obj, Pod)
        return self.store.create(type(obj)(metadata=obj.metadata, spec=obj.spec, status=status))

    def deployment(self, name: str, replicas: int = 3) -> KubeObject:
        labels = {"app": name}
        return self.store.create(
            decode(
                {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "metadata": {"name": name, "labels": labels},
                    "spec": {
                        "replicas": replicas,
                        "selector": {"matchLabels": labels},
                        "template": {
                            "metadata": {"labels": labels},
                            "spec": {
                                "containers": [
                                    {"name": "web", "image": "shop/web:1", "ports": [{"containerPort": 8080}]}
                                ]
                            },
                        },
                    },
                }
            )
        )

    # -- commands ------------------------------------------------------------------------------------------------

    def type(self, text: str, **options) -> Execution:
        execution = run(self, text, **options)
        assert "the lab itself failed" not in execution.error, execution.error
        return execution

    def ok(self, text: str) -> list[str]:
        execution = self.type(text)
        assert not execution.error, execution.error
        assert execution.done
        return execution.output

    def wrong(self, text: str) -> str:
        execution = self.type(text)
        assert execution.done
        assert execution.error
        return execution.error

    @property
    def given(self) -> list[CommandGiven | CommandRefused]:
        events = self.journal.read().events
        return [event for event in events if isinstance(event, CommandGiven | CommandRefused)]
