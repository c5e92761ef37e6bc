"""What the screens look at: one player's engine, and the pages made of it, made anew only when it changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.journal import CommandGiven, CommandRefused, Event, Narrated, NetworkChanged
from lab.kube.kinds.endpointslice import EndpointSlice
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service
from lab.tui.figures import Figures
from lab.tui.logs import EventLog, RoutingLog
from lab.views.lesson import Expectation, Step, kata_text
from lab.views.nodes_canvas import NodeFacts, NodeMap, node_map
from lab.views.page import Lines
from lab.views.services import service_rows, services_page
from lab.views.status import Status
from lab.views.ways_in import ways_in

if TYPE_CHECKING:
    from lab.engine import Engine
    from lab.recording.timeline import Timeline
    from lab.scenario.kata import KataRun
    from lab.scenario.player import Player
    from lab.scenario.scenario import Step as ScenarioStep


def kata_step(run: KataRun) -> Step:
    """The task of a kata, the hints that were asked for, and in the end what it was."""
    kata = run.kata
    text = kata_text(kata.task, kata.hints, run.hints_shown, kata.debrief if run.solved else "")
    return Step(f"Kata ({kata.difficulty})", text)


def kept_text(whats: Sequence[str]) -> str:
    """What manifests say and the lab does not simulate, whole kinds first: they make no Pods here."""
    kinds = [what for what in whats if " " not in what]
    fields = [what for what in whats if " " in what]
    return f"kept, not simulated: {', '.join([*kinds, *fields])}"


_NOTES = (("no proxy", "warn"), ("no kubelet", "warn"), ("cut off", "warn"))
"""What the map says of a node's kube-proxy, its kubelet, and its line to the control plane; short, for narrow boxes."""


def _tells_the_answer(event: Event) -> bool:
    if isinstance(event, CommandGiven | CommandRefused):
        return event.by in ("timeline", "clock")
    return isinstance(event, NetworkChanged)


class Live:
    """Everything that panes draw of a running scenario. Reads the engine, and never changes it."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.engine: Engine = player.engine
        self.routing = RoutingLog(self.engine.journal)
        self._told = frozenset(f"{step.title}. {step.text}".strip() for step in player.steps)
        self.events = EventLog(self.engine.journal, wanted=self._is_news)
        if player.scenario.kept:
            self.events.tell(kept_text([kept.what for kept in player.scenario.kept]), 0.0)
        self.figures = Figures(self.engine.traffic.measure, lambda: [client.name for client in player.clients])
        self._counts: tuple[int, int, int, int] = (0, 0, 0, 0)
        self._counted = -1

    def close(self) -> None:
        """Listen no longer."""
        self.routing.close()
        self.events.close()

    def _is_news(self, event: Event) -> bool:
        """The lesson's own text stands in its pane already, and a kata does not tell what its timeline breaks."""
        if isinstance(event, Narrated):
            return event.text not in self._told
        return not (self._puzzling and _tells_the_answer(event))

    @property
    def _puzzling(self) -> bool:
        """Whether there is a kata that is yet to be solved."""
        return self.player.kata is not None and not self.player.kata.solved

    # -- the cluster ----------------------------------------------------------------------------------------

    def collect(self) -> None:
        """Take in what happened since the last frame."""
        self.routing.collect()
        self.events.collect()
        self.figures.update(self.engine.now, self.engine.speed)

    def node_facts(self) -> list[NodeFacts]:
        """Machines with their Pods and what only the lab knows: power, kube-proxy, a Node object that was deleted."""
        by_node: dict[str, list[Pod]] = {}
        for pod in self.engine.store.list(Pod):
            by_node.setdefault(pod.spec.node_name, []).append(pod)
        return [
            NodeFacts(node, tuple(by_node.get(node.name, ())), self.notes(node.name), self.powered(node.name))
            for node in (*self.engine.store.list(Node), *self._unregistered())
        ]

    def _unregistered(self) -> list[Node]:
        """Machines whose Node object was deleted, as their kubelets would register them."""
        kubelets = self.engine.control_plane.kubelets
        return [each.registration for name, each in kubelets.items() if self.engine.store.find(Node, name) is None]

    def powered(self, node: str) -> bool:
        """Whether a node has power, which the API learns of only when its lease runs out."""
        kubelet = self.engine.control_plane.kubelets.get(node)
        return kubelet is None or kubelet.powered

    def notes(self, node: str) -> tuple[tuple[str, str], ...]:
        """What is wrong with a node that the API does not say; in a kata, processes are for the player to find."""
        gone = [("deleted", "bad")] if self.engine.store.find(Node, node) is None else []
        power, awake, *processes = self._health(node)
        if not power:
            return (*gone, ("no power", "bad"))
        if not awake:
            return (*gone, ("frozen", "bad"))
        if self._puzzling:
            return tuple(gone)
        return (*gone, *(note for fine, note in zip(processes, _NOTES, strict=True) if not fine))

    def _health(self, node: str) -> tuple[bool, ...]:
        """Whether a node has power, is awake, and what `_NOTES` name is well with it."""
        kubelet = self.engine.control_plane.kubelets.get(node)
        if kubelet is None:
            return (True,) * (2 + len(_NOTES))
        network = self.engine.network
        proxy = network.proxies[node].running
        return kubelet.powered, not network.hosts[node].frozen, proxy, not kubelet.stopped, not kubelet.line.closed

    @property
    def state(self) -> tuple[object, ...]:
        """Changes whenever the map of nodes or the list of Services may look different."""
        nodes = tuple(map(self._health, self.engine.control_plane.kubelets))
        healthy = sum(len(each.healthy) for each in self.engine.network.balancers.by_ip.values())
        return (self.engine.store.version, nodes, healthy, self._puzzling)

    def nodes_page(self, width: int, height: int, rows: int) -> NodeMap:
        """The map of nodes and Pods; a low pane gets fewer of the ways in; it could have `rows`."""
        services = self.engine.store.list(Service)
        facts = self.node_facts()
        placed = {each.node.name for each in facts}
        waiting = [p for p in self.engine.store.list(Pod) if p.spec.node_name not in placed and not p.finished]
        return node_map(
            facts,
            width=width,
            rows=rows,
            ways_in=ways_in(services, self.balancer_health, limit=min(max(height // 6, 1), 5)),
            waiting=waiting,
            rate=self.figures.pod,
        )

    def balancer_health(self, service: Service) -> Sequence[tuple[str, bool]]:
        """What a Service's load balancer thinks of each node."""
        name = f"{service.namespace}/{service.name}"
        found = [each for each in self.engine.network.balancers.by_ip.values() if each.service == name]
        return [(target.node, target.healthy) for each in found[:1] for target in each.targets.values()]

    def services_page(self, width: int) -> Lines:
        """Services and their endpoints."""
        store = self.engine.store
        rows = service_rows(store.list(Service), store.list(EndpointSlice), self.figures.service, self.figures.endpoint)
        return services_page(rows, width)

    # -- the story ------------------------------------------------------------------------------------------

    def status(self, timeline: Timeline) -> Status:
        """The figures of the status line."""
        engine, scenario = self.engine, self.player.scenario
        requests, ok = self.figures.counts
        p50, p99 = self.figures.latency if requests else (math.nan, math.nan)
        nodes, nodes_ready, pods, pods_ready = self._count()
        return Status(
            scenario=scenario.title,
            now=engine.now,
            paused=engine.paused,
            speed=engine.speed,
            behind_s=engine.behind_s,
            seed=engine.seed,
            rate=self.figures.total_rate,
            ok=ok,
            requests=requests,
            p50_s=p50,
            p99_s=p99,
            nodes=nodes,
            nodes_ready=nodes_ready,
            pods=pods,
            pods_ready=pods_ready,
            proxy=engine.spec.proxy,
            finished=self.player.finished,
            duration_s=scenario.duration_s,
            newest_s=timeline.end_s,
            branch=timeline.branch.name if len(timeline.branches) > 1 else "",
        )

    def _count(self) -> tuple[int, int, int, int]:
        store = self.engine.store
        if store.version != self._counted:
            nodes, pods = store.list(Node), [pod for pod in store.list(Pod) if not pod.finished]
            ready = sum(pod.ready and not pod.terminating for pod in pods)
            self._counts = (len(nodes), sum(node.ready for node in nodes), len(pods), ready)
            self._counted = store.version
        return self._counts

    @property
    def steps(self) -> list[Step]:
        """The steps of the lesson; a kata is one, whose text grows with its hints."""
        if self.player.kata is not None:
            return [kata_step(self.player.kata)]
        return [Step(step.title, step.text) for step in self.player.steps]

    @property
    def current_step(self) -> int:
        """The index of the step that is being told; -1 before the first."""
        if self.player.kata is not None:
            return 0
        now = self.engine.now
        return sum(step.at_s <= now for step in self.player.steps) - 1

    @property
    def waiting(self) -> bool:
        """Whether time stands still because the current step asks to be read first."""
        step = self._told_step
        return step is not None and step.wait and self.engine.paused and self.engine.now == step.at_s

    @property
    def watched(self) -> str:
        """What the current step asks to look at, such as `service/web`."""
        step = self._told_step
        return step.watch if step is not None else ""

    @property
    def step_began_s(self) -> float:
        """When the current step began; 0 before the first."""
        step = self._told_step
        return step.at_s if step is not None else 0.0

    @property
    def _told_step(self) -> ScenarioStep | None:
        current = self.current_step
        return self.player.steps[current] if 0 <= current < len(self.player.steps) else None

    def expectations(self) -> list[Expectation]:
        """How each expectation stands; of a kata first the conditions that solve it."""
        kata = self.player.kata
        wanted = (
            [Expectation(check.name, check.passed or None) for check in kata.conditions] if kata is not None else []
        )
        return wanted + [Expectation(check.name, check.passed, check.message) for check in self.player.checks]
