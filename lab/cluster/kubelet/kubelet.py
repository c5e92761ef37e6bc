"""The kubelet of one node: a worker for each Pod that is bound to it, and a lease that says it is alive."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.kubelet.images import ImageStore
from lab.cluster.kubelet.pod_ips import NoAddressError, PodAddresses
from lab.cluster.kubelet.pod_worker import PodWorker
from lab.cluster.kubelet.registry import Registry
from lab.cluster.runtime import ContainerRuntime, Usage
from lab.cluster.store import Change, Store
from lab.gate import Gate
from lab.journal import Journal
from lab.kube.kinds.node import Lease, LeaseSpec, Node
from lab.kube.kinds.pod import Pod
from lab.kube.meta import Condition, ObjectMeta, OwnerReference
from lab.settings import Settings

LEASE_NAMESPACE = "kube-node-lease"

_NO_CAPACITY = "Node didn't have enough resource: pods, requested: 1, used: 0, capacity: 0"

_HEALTHY = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


class Kubelet:
    """Runs what the API binds to its node. Without power it does nothing at all, and nobody is told."""

    def __init__(
        self,
        node: Node,
        clock: Clock,
        journal: Journal,
        settings: Settings,
        seed: int,
        store: Store,
        runtime: ContainerRuntime,
        registry: Registry,
    ) -> None:
        self.node_name = node.name
        self.registration = node
        """The Node object that it makes when it starts and finds none."""
        self.host_ips = tuple(each.address for each in node.status.addresses if each.type == "InternalIP")
        self.host_ip = self.host_ips[0] if self.host_ips else ""
        self.powered = False
        self.clock = Gate(clock)
        """Closed while the kubelet does nothing: its process is stopped, or its machine is frozen."""
        self.stopped = False
        """Whether its process is stopped, on a machine that is frozen, too."""
        self.line = Gate(clock)
        """The way to the API server; closed while it is cut."""
        self.journal = journal
        self.settings = settings
        self.store = store
        self.runtime = runtime
        self._rng = Random(f"{seed}/kubelet/{node.name}")
        self.images = ImageStore(self.clock, settings, self._rng, registry)
        self.workers: dict[str, PodWorker] = {}
        """By the Pod's uid."""
        cidrs = node.spec.pod_cidrs or (node.spec.pod_cidr,)
        self._addresses = [PodAddresses(cidr) for cidr in cidrs]
        self._unsent: list[Callable[[], object]] = []
        self._unregistered = False
        """Whether it has started and could not tell the API server yet."""
        self._boot = 0
        self._unfollow: Callable[[], None] | None = None

    # -- power -------------------------------------------------------------------------------------------------

    def power_on(self) -> None:
        """Boot: register the node and report it ready, renew the lease, and start what is bound here."""
        if self.powered:
            return
        self.powered = True
        self._boot += 1
        self._register()
        self._renew_lease()
        self.clock.after(self._rng.uniform(0.0, self.settings.node_lease_renew_s), self._keep_lease, self._boot)
        hear = self.line.through(self.clock.through(self._hear))
        self._unfollow = self.store.follow(hear, Pod, Node, node=self.node_name)

    def power_off(self) -> None:
        """Everything here stops at once: no lease, no probes, no containers, and no word about it.

        The runtime is not called: whoever cuts the power tells it, too.
        """
        if not self.powered:
            return
        self.powered = False
        if self._unfollow is not None:
            self._unfollow()
        for worker in self.workers.values():
            worker.abandon()
        self.workers.clear()
        self._unsent.clear()
        self.stopped = False
        self.clock.reset()

    # -- the API server ----------------------------------------------------------------------------------------

    def write(self, change: Callable[[], object]) -> None:
        """Write to the API server; what cannot be written now is written when the line is whole again."""
        if self.alone:
            self._unsent.append(change)
        else:
            change()

    @property
    def alone(self) -> bool:
        """Whether it cannot reach the API server."""
        return self.line.closed or self.store.down

    def reconnect(self) -> None:
        """The line is whole: what is unsent goes first, then what was not heard of is heard."""
        self.line.closed = False
        self.catch_up()
        self.line.open()

    def catch_up(self) -> None:
        """Tell the API server what could not be told, if it can be reached now."""
        if self.alone:
            return
        unsent, self._unsent = self._unsent, []
        for change in unsent:
            change()
        if self.powered:
            if self._unregistered:
                self._register()
            self._renew_lease()

    # -- the node ----------------------------------------------------------------------------------------------

    def _register(self) -> None:
        """Make the Node object when there is none, as a kubelet does when it starts and at no other time."""
        self._unregistered = self.alone
        if self.alone:
            return
        if self.store.find(Node, self.node_name) is None:
            self.store.create(self.registration)
        self._report_ready()

    def _keep_lease(self, boot: int) -> None:
        if self.powered and boot == self._boot:
            self._renew_lease()
            self.clock.after(self.settings.node_lease_renew_s, self._keep_lease, boot)

    def _renew_lease(self) -> None:
        if self.alone:
            return
        spec = LeaseSpec(
            holder_identity=self.node_name,
            lease_duration_seconds=int(self.settings.node_lease_duration_s),
            renew_time=self.clock.time(),
        )
        renewed = self.store.mutate(Lease, self.node_name, LEASE_NAMESPACE, lambda lease: replace(lease, spec=spec))
        node = self.store.find(Node, self.node_name)
        if renewed is None and node is not None:
            # The lease goes with the Node object, and is not made again without one.
            owner = OwnerReference(api_version=node.api_version, kind=node.kind, name=node.name, uid=node.metadata.uid)
            meta = ObjectMeta(name=self.node_name, namespace=LEASE_NAMESPACE, owner_references=(owner,))
            self.store.create(Lease(metadata=meta, spec=spec))

    def _report_ready(self) -> None:
        if self.alone:
            return
        node = self.store.mutate(Node, self.node_name, "", self._with_health)
        if node is not None:
            message = f"Node {self.node_name} status is now: NodeReady"
            self.store.note(node, "NodeReady", message, component="kubelet")

    def _with_health(self, node: Node) -> Node:
        now = self.clock.time()
        known = {condition.type: condition for condition in node.status.conditions}
        conditions = []
        for type, status, reason, message in _HEALTHY:
            old = known.get(type)
            since = old.last_transition_time if old is not None and old.status == status else now
            conditions.append(
                Condition(type=type, status=status, reason=reason, message=message, last_transition_time=since)
            )
        return replace(node, status=replace(node.status, conditions=tuple(conditions)))

    # -- Pods --------------------------------------------------------------------------------------------------

    def _hear(self, change: Change) -> None:
        obj = change.object
        if isinstance(obj, Pod):
            self._hear_of_pod(change, obj)
        elif isinstance(obj, Node) and change.new is not None and not obj.ready:
            # The control plane gave this node up while it was only out of reach: everything is told anew.
            self._report_ready()
            for worker in self.workers.values():
                worker.changed()

    def _hear_of_pod(self, change: Change, pod: Pod) -> None:
        worker = self.workers.get(pod.metadata.uid)
        if change.new is None:
            if worker is not None:
                worker.removed()
        elif worker is not None:
            worker.update(pod)
        elif pod.finished or not self._exists(pod):
            return
        elif self.store.find(Node, self.node_name) is None and not pod.terminating:
            self._reject(pod)
        else:
            worker = self.workers[pod.metadata.uid] = PodWorker(self, pod)
            worker.begin()

    def _exists(self, pod: Pod) -> bool:
        """Whether news of a Pod without a worker is more than the last word about one that has just gone."""
        found = self.store.find(Pod, pod.name, pod.namespace)
        return found is not None and found.metadata.uid == pod.metadata.uid

    def _reject(self, pod: Pod) -> None:
        """A kubelet without a Node object takes its node for one without any capacity."""
        self.store.note(pod, "OutOfpods", _NO_CAPACITY, type="Warning", component="kubelet")
        self.store.mutate(Pod, pod.name, pod.namespace, _rejected)

    def forget(self, worker: PodWorker) -> None:
        """A Pod has ended here: its object can go."""
        self.workers.pop(worker.pod.metadata.uid, None)
        self.write(partial(self.store.remove, worker.pod))

    @property
    def answers(self) -> bool:
        """Whether who asks it hears something."""
        return self.powered and not self.clock.closed

    # -- what its Pods use -------------------------------------------------------------------------------------

    def usage(self, pod: Pod) -> dict[str, Usage]:
        """What each running container of a Pod here uses, by its name, as `/metrics/resource` tells it."""
        names = [each.name for each in (*pod.spec.init_containers, *pod.spec.containers)] if self.answers else []
        found = {name: self.runtime.usage(pod, name) for name in names}
        return {name: usage for name, usage in found.items() if usage is not None}

    def worked(self) -> list[Pod]:
        """The Pods here with a container that has used CPU since it started; the others need no sampling."""
        keys = self.runtime.worked(self.node_name) if self.answers else ()
        found = [self.store.find(Pod, name, namespace) for namespace, name in keys]
        return [pod for pod in found if pod is not None]

    # -- addresses ---------------------------------------------------------------------------------------------

    def take_addresses(self, pod: Pod) -> tuple[str, ...]:
        """The addresses of a new sandbox, one of each family; raises `NoAddressError`."""
        if pod.spec.host_network:
            return self.host_ips
        now = self.clock.time()
        if not all(pool.has_free(now) for pool in self._addresses):
            raise NoAddressError(f"no free addresses in {', '.join(pool.cidr for pool in self._addresses)}")
        return tuple(pool.take(now) for pool in self._addresses)

    def give_back_addresses(self, pod: Pod, ips: tuple[str, ...]) -> None:
        """A sandbox is gone."""
        if not pod.spec.host_network:
            for pool, ip in zip(self._addresses, ips, strict=True):
                pool.give_back(ip, self.clock.time())


def _rejected(pod: Pod) -> Pod:
    message = f"Pod was rejected: {_NO_CAPACITY}"
    return replace(pod, status=replace(pod.status, phase="Failed", reason="OutOfpods", message=message))
