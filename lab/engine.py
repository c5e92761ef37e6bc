"""One running cluster: the parts put together, its time, and what can be done to it.

Headless, on a screen or in a test it is the same engine. It knows none of its listeners: whoever wants
to know what happens reads the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from lab.clock import Clock
from lab.cluster.apply import apply_object
from lab.cluster.control_plane import ControlPlane, NodeSpec
from lab.cluster.kubelet.kubelet import Kubelet
from lab.cluster.system_objects import system_objects
from lab.cluster.trial import Refusal, trial
from lab.journal import Journal, NetworkChanged
from lab.kube.errors import LabError, nearest
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.pod import Pod
from lab.kube.meta import KubeObject
from lab.network.network import Network
from lab.network.proxy import NodeProxy
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
    load_balancer: str = "cloud"
    """Who answers Services of type LoadBalancer: cloud, or none (EXTERNAL-IP stays pending)."""
    settings: Settings = msgspec.field(default_factory=Settings)
    """Among them the release of Kubernetes; `lab.kube.versions.settings_of` makes those that go with a release."""

    @property
    def kubernetes(self) -> str:
        """The release whose behaviour it shows, such as 1.37."""
        return self.settings.kubernetes


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
        settings = spec.settings
        self.clock = Clock(start_s=-settle_s)
        self.journal = Journal()
        self.traffic = Traffic(self.clock, self.journal, settings, seed, apps)
        self.control_plane = ControlPlane(
            self.clock, self.journal, settings, seed, self.traffic.servers, load_balancer=spec.load_balancer
        )
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
        )
        self.traffic.attach(self.store, self.network)

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

    # -- faults -------------------------------------------------------------------------------------------

    # Each of them says whether it changed anything; what does not is not journaled.

    @property
    def machines(self) -> list[str]:
        """The names of all machines, with a Node object or without."""
        return list(self.control_plane.kubelets)

    def runs(self, namespace: str, name: str) -> bool:
        """Whether a container of a Pod runs, whatever the API says of it."""
        return self.traffic.servers.source(f"{namespace}/{name}") is not None

    def fail_node(self, name: str) -> bool:
        """Power a node off: silence at once; the control plane notices when its lease runs out."""
        kubelet = self._kubelet(name)
        if not kubelet.powered:
            return False
        self._say(f"node/{name}", "off")
        self.network.node_power(name, False)
        self.traffic.node_power(name, False)
        kubelet.power_off()
        return True

    def recover_node(self, name: str) -> bool:
        """Power a node on again: it boots, registers when it has no Node object, and its containers start anew."""
        kubelet = self._kubelet(name)
        if kubelet.powered:
            return False
        self._say(f"node/{name}", "on")
        self.network.node_power(name, True)
        self.traffic.node_power(name, True)
        kubelet.power_on()
        return True

    def crash_pod(self, namespace: str, name: str) -> None:
        """End the processes of a Pod with exit status 1; its kubelet restarts them. Raises LabError when none runs."""
        self._running(namespace, name)
        self._say(f"pod/{namespace}/{name}", "crashed")
        self.traffic.crash_pod(namespace, name)

    def hang_pod(self, namespace: str, name: str) -> bool:
        """Let a Pod's processes accept connections and never answer, until they are restarted.

        Raises LabError when none runs.
        """
        self._running(namespace, name)
        if self.traffic.servers.hangs(namespace, name):
            return False
        self._say(f"pod/{namespace}/{name}", "hung")
        self.traffic.hang_pod(namespace, name)
        return True

    def cut_link(self, a: str, b: str) -> bool:
        """Let nothing pass between two nodes, zones or the internet."""
        return self._link(a, b, self.network.topology.cut, "cut")

    def heal_link(self, a: str, b: str) -> bool:
        """Undo `cut_link`."""
        return self._link(a, b, self.network.topology.heal, "healed")

    def set_upstream(self, state: str) -> bool:
        """Let the resolver outside be up, down or servfail (lab.network.coredns)."""
        if self.network.dns.server.upstream == state:
            return False
        self.network.dns.server.set_upstream(state)
        self._say("dns/upstream", state)
        return True

    def stop_proxy(self, node: str) -> bool:
        """Stop kube-proxy on a node: it keeps the rules that it last programmed."""
        proxy = self._proxy(node)
        if not proxy.running:
            return False
        self._say(f"proxy/{node}", "stopped")
        proxy.stop()
        return True

    def start_proxy(self, node: str) -> bool:
        """Start kube-proxy on a node again: it catches up with one sync. Raises LabError without power."""
        proxy = self._proxy(node)
        if proxy.running:
            return False
        if not proxy.powered:
            raise LabError(f'node "{node}" has no power: lab recover node/{node}')
        self._say(f"proxy/{node}", "started")
        proxy.start()
        return True

    def _say(self, what: str, state: str) -> None:
        self.journal.append(NetworkChanged(self.clock.time(), what, state))

    def _link(self, a: str, b: str, change: Callable[[str, str], object], state: str) -> bool:
        before = self.network.topology.down()
        change(a, b)
        if self.network.topology.down() == before:
            return False
        self._say(f"link/{a} {b}", state)
        return True

    def _kubelet(self, name: str) -> Kubelet:
        kubelet = self.control_plane.kubelets.get(name)
        if kubelet is None:
            raise LabError(f'node "{name}" not found{nearest(name, self.machines)}')
        return kubelet

    def _proxy(self, node: str) -> NodeProxy:
        self._kubelet(node)
        return self.network.proxies[node]

    def _running(self, namespace: str, name: str) -> None:
        pod = self._pod(namespace, name)
        if not self.runs(namespace, name):
            node = pod.spec.node_name
            off = node in self.control_plane.kubelets and not self.control_plane.kubelets[node].powered
            why = f": its node {node} has no power" if off else ""
            raise LabError(f'no container of pod "{name}" runs{why}')

    def _pod(self, namespace: str, name: str) -> Pod:
        pod = self.store.find(Pod, name, namespace)
        if pod is None:
            known = (p.name for p in self.store.list(Pod, namespace))
            raise LabError(f'pod "{name}" not found in namespace {namespace}{nearest(name, known)}')
        return pod
