"""One running cluster: the parts put together, its time, and what can be done to it.

Headless, on a screen or in a test it is the same engine. It knows none of its listeners: whoever wants
to know what happens reads the journal. What can be broken about it is in `lab.faults`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from lab.clock import Clock
from lab.cluster.apply import apply_object
from lab.cluster.control_plane import ControlPlane, NodeSpec
from lab.cluster.system_objects import system_objects
from lab.cluster.trial import Refusal, trial
from lab.journal import Journal, NetworkChanged
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.pod import Pod
from lab.kube.meta import KubeObject
from lab.network.network import Network
from lab.settings import Settings
from lab.traffic.app import AppSpec
from lab.traffic.traffic import Traffic

SETTLE_S = 300.0
"""How long before zero the cluster boots: enough for Pods with long start-up delays to become Ready."""
MIN_SPEED, MAX_SPEED = 0.1, 1000.0
_MOST_OWED_S = 0.5  # wall seconds of lag that are caught up; what is more is given up, and shows as a lower speed


class ClusterSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a cluster is made of before anything runs on it."""

    nodes: tuple[NodeSpec, ...] = ()
    proxy: str = "nftables"
    """kube-proxy's mode: nftables, iptables or ipvs; a node may have another."""
    settings: Settings = msgspec.field(default_factory=Settings)
    """Among them the release of Kubernetes and the profile of the load balancers; `lab.kube.versions.settings_of` makes
    those that go with them."""

    @property
    def kubernetes(self) -> str:
        """The release whose behaviour it shows, such as 1.37."""
        return self.settings.kubernetes

    @property
    def load_balancer(self) -> str:
        """Who answers Services of type LoadBalancer: aws-nlb, gcp, metallb-l2 or none (lab.kube.balancers)."""
        return self.settings.load_balancer


class Broken(NamedTuple):
    """Something that a command has broken."""

    command: str
    """The line that broke it."""
    since_s: float
    until_s: float
    """When it is mended by itself; infinity for never."""


def plain_nodes(count: int, zones: Sequence[str] = ()) -> tuple[NodeSpec, ...]:
    """`worker-1` to `worker-N`, dealt over the zones in turn."""
    return tuple(NodeSpec(name=f"worker-{i + 1}", zone=zones[i % len(zones)] if zones else "") for i in range(count))


def _rank(obj: KubeObject) -> int:
    return 0 if isinstance(obj, Namespace) else 1


class Engine:
    """A cluster on virtual time. Before zero it boots; at zero the story begins."""

    def __init__(
        self, spec: ClusterSpec, *, seed: int = 1, apps: Sequence[AppSpec] = (), settle_s: float = SETTLE_S
    ) -> None:
        self.spec = spec
        self.seed = seed
        self.speed = 1.0
        self.paused = False
        self.behind_s = 0.0
        """Virtual seconds that `advance` owes and could not run within its budget."""
        self.broken: dict[str, Broken] = {}
        """What commands have broken, by the line that mends it; kept by `lab.commands.fault`."""
        self.riddle = False
        """Whether somebody is to find out what is broken, so that no command tells it; a kata's, until it is solved."""
        self.routines: dict[str, object] = {}
        """What breaks things again and again, by name; kept by `lab.commands.verbs.chaos`."""
        settings = spec.settings
        self.clock = Clock(start_s=-settle_s)
        self.journal = Journal()
        self.traffic = Traffic(self.clock, self.journal, settings, seed, apps)
        self.control_plane = ControlPlane(self.clock, self.journal, settings, seed, self.traffic.servers)
        self.store = self.control_plane.store
        modes = {node.name: node.proxy for node in spec.nodes if node.proxy}
        self.network = Network(
            self.clock,
            self.journal,
            settings,
            seed,
            self.store,
            proxy_mode=spec.proxy,
            proxy_modes=modes,
            machines=self.control_plane.kubelets,
            provider=self.control_plane.provider,
        )
        self.traffic.attach(self.store, self.network)
        self.control_plane.registry.holds = lambda image: not self.traffic.servers.apps.find(image).missing

    @property
    def now(self) -> float:
        """Virtual seconds since the story began; negative while the cluster boots."""
        return self.clock.time()

    # -- starting -----------------------------------------------------------------------------------------

    def boot(self) -> None:
        """Create the namespaces, the cluster's DNS and the nodes, and start every component."""
        for obj in system_objects(self.spec.settings):
            self.store.create(obj)
        for node in self.spec.nodes:
            self.control_plane.add_node(node)
        self.control_plane.start()
        self.network.start()

    def trial(self, objects: Sequence[KubeObject]) -> list[Refusal]:
        """Everything that `apply` would be refused now, with the addresses it would get; nothing happens."""
        order = sorted(range(len(objects)), key=lambda index: _rank(objects[index]))
        found = trial(self.store, self.control_plane.admission, [objects[index] for index in order])
        return [refusal._replace(which=order[refusal.which]) for refusal in found]

    def apply(self, objects: Iterable[KubeObject]) -> list[str]:
        """Create or change objects as `kubectl apply` does; a line for each, such as `service/web created`.

        Namespaces go first, so that the order of files does not matter. Raises LabError at the first object that is
        refused, with what went before already applied: who wants all or nothing asks for a `trial` first.
        """
        return [apply_object(self.store, obj) for obj in sorted(objects, key=_rank)]

    def settle(self) -> list[str]:
        """Run to time zero; the `NAMESPACE/NAME` of Pods that are not Ready by then."""
        self.clock.run_until(0.0)
        return [f"{pod.namespace}/{pod.name}" for pod in self.store.list(Pod) if not pod.ready and not pod.finished]

    # -- time ---------------------------------------------------------------------------------------------

    def run_until(self, when_s: float, budget_s: float | None = None) -> bool:
        """Run flat out to a moment; False when `budget_s` wall seconds were not enough."""
        return self.clock.run_until(when_s, budget_s=budget_s)

    def run_for(self, seconds: float) -> None:
        """Run flat out for some virtual seconds."""
        self.clock.run_until(self.clock.time() + seconds)

    def advance(self, elapsed_s: float, budget_s: float) -> None:
        """Run what `elapsed_s` wall seconds are worth at the present speed, spending at most `budget_s`.

        What does not fit is owed to the next call, up to a bound: a machine that cannot keep up shows a
        slower clock and never a frozen screen.
        """
        if self.paused:
            self.behind_s = 0.0
            return
        now = self.clock.time()
        owed = min(self.behind_s, _MOST_OWED_S * self.speed) + elapsed_s * self.speed
        self.clock.run_until(now + owed, budget_s=budget_s)
        self.behind_s = max(0.0, now + owed - self.clock.time())

    def set_speed(self, speed: float) -> None:
        """Virtual seconds a wall second, kept within 0.1 and 1000."""
        self.speed = min(MAX_SPEED, max(MIN_SPEED, speed))
        self.behind_s = 0.0

    def close(self) -> None:
        """Stop every component and write out the journal."""
        self.clock.close()
        self.journal.close()

    # -- for who breaks things (lab.faults) ---------------------------------------------------------------

    @property
    def machines(self) -> list[str]:
        """The names of all machines, with a Node object or without."""
        return list(self.control_plane.kubelets)

    @property
    def zones(self) -> dict[str, tuple[str, ...]]:
        """The machines of each zone."""
        found: dict[str, tuple[str, ...]] = {}
        for name, kubelet in self.control_plane.kubelets.items():
            zone = kubelet.registration.zone
            if zone:
                found[zone] = (*found.get(zone, ()), name)
        return found

    def runs(self, namespace: str, name: str) -> bool:
        """Whether a container of a Pod runs, whatever the API says of it."""
        return self.traffic.servers.source(f"{namespace}/{name}") is not None

    def say(self, what: str, state: str) -> None:
        """Write a change of the machines, links or processes into the journal."""
        self.journal.append(NetworkChanged(self.clock.time(), what, state))
