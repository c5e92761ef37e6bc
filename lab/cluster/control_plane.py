"""The control plane: the store, every controller, and a kubelet for each node."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from lab.clock import Clock
from lab.cluster.admission import Admission
from lab.cluster.controllers.autoscaling.horizontal import HorizontalController
from lab.cluster.controllers.base import Controller
from lab.cluster.controllers.cronjob import CronJobController
from lab.cluster.controllers.daemonset import DaemonSetController
from lab.cluster.controllers.deployment import DeploymentController
from lab.cluster.controllers.disruption import DisruptionController
from lab.cluster.controllers.endpoints_mirroring import EndpointsMirroring
from lab.cluster.controllers.endpointslice import EndpointSliceController
from lab.cluster.controllers.job import JobController
from lab.cluster.controllers.legacy_endpoints import EndpointsController
from lab.cluster.controllers.load_balancer import LoadBalancerController
from lab.cluster.controllers.node_lifecycle import NodeLifecycle
from lab.cluster.controllers.pod_gc import PodGarbageCollector
from lab.cluster.controllers.replicaset import ReplicaSetController
from lab.cluster.controllers.resource_quota import ResourceQuotaController
from lab.cluster.controllers.scheduler import Scheduler
from lab.cluster.controllers.servicecidr import ServiceCIDRController
from lab.cluster.controllers.statefulset import StatefulSetController
from lab.cluster.controllers.taint_eviction import TaintEviction
from lab.cluster.controllers.ttl_after_finished import TTLAfterFinished
from lab.cluster.kubelet.kubelet import Kubelet
from lab.cluster.kubelet.registry import Registry
from lab.cluster.metrics_server import MetricsServer
from lab.cluster.networks import FIRST_EXTERNAL, FIRST_INTERNAL, Address
from lab.cluster.pod_cidrs import PodCIDRs
from lab.cluster.provider import Provider
from lab.cluster.runtime import ContainerRuntime
from lab.cluster.store import Store
from lab.gate import Timer
from lab.journal import Journal
from lab.kube.balancers import NONE
from lab.kube.kinds.node import HOSTNAME_LABEL, ZONE_LABEL, Node, NodeAddress, NodeStatus, Taint
from lab.kube.kinds.node import NodeSpec as NodeObjectSpec
from lab.kube.meta import ObjectMeta
from lab.settings import Settings

NODE_INFO = {
    "osImage": "Service Lab",
    "kernelVersion": "simulated",
    "containerRuntimeVersion": "simulated",
}
"""status.nodeInfo of every node, besides the release whose behaviour it shows: it is no machine."""


class NodeSpec(msgspec.Struct, frozen=True):
    """A machine to add; what is empty is filled in from the settings and the node's number."""

    name: str
    zone: str = ""
    cpu: str = ""
    memory: str = ""
    pods: int = 0
    labels: dict[str, str] = {}
    taints: tuple[Taint, ...] = ()
    internal_ip: str = ""
    external_ip: str = ""
    proxy: str = ""
    """The mode of this node's kube-proxy; empty for the cluster's."""


class ControlPlane:
    """One cluster's brain."""

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        settings: Settings,
        seed: int,
        runtime: ContainerRuntime,
    ) -> None:
        self.store = Store(clock, journal, settings, seed)
        self.admission = Admission(settings, seed)
        self.admission.attach(self.store)
        self.kubelets: dict[str, Kubelet] = {}
        self.metrics = MetricsServer(clock, settings, seed, self.store, self.kubelets)
        self.registry = Registry()
        self._clock = clock
        self._journal = journal
        self._settings = settings
        self._seed = seed
        self._runtime = runtime
        self._added = 0
        self._cidrs = PodCIDRs(settings.pod_cidr)
        gate = self.store.gate
        self.controllers: list[Controller] = [kind(self.store, gate, settings, seed) for kind in _CONTROLLERS]
        self.provider = Provider()
        """Of load balancers."""
        if settings.load_balancer != NONE:
            self.controllers.append(LoadBalancerController(self.store, gate, settings, seed, self.provider))
        self.controllers.append(HorizontalController(self.store, gate, settings, seed, self.metrics))

    def start(self) -> None:
        """Start every controller; nodes may be added before or after."""
        self.metrics.start()
        for controller in self.controllers:
            self.store.gate.spawn(controller.run(), controller.name)

    def power(self, on: bool) -> None:
        """Take API server, controllers and scheduler down, or up again; nodes go on with what they have.

        Up again, kubelets tell what they could not before anybody looks at their leases.
        """
        gate = self.store.gate
        if not on:
            gate.close()
            return
        gate.open()
        for controller in self.controllers:
            controller.resume()
        for kubelet in self.kubelets.values():
            kubelet.catch_up()

    def add_node(self, spec: NodeSpec) -> Node:
        """Put a machine up and switch it on: its kubelet registers it."""
        kubelet = Kubelet(
            self._node(spec),
            self._clock,
            self._journal,
            self._settings,
            self._seed,
            self.store,
            self._runtime,
            self.registry,
        )
        self.kubelets[spec.name] = kubelet
        kubelet.power_on()
        return self.store.get(Node, spec.name)

    def _node(self, spec: NodeSpec) -> Node:
        self._added += 1
        settings = self._settings
        labels = {HOSTNAME_LABEL: spec.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        if spec.zone:
            labels[ZONE_LABEL] = spec.zone
        capacity = {
            "cpu": spec.cpu or settings.node_cpu,
            "memory": spec.memory or settings.node_memory,
            "pods": str(spec.pods or settings.node_pods),
        }
        addresses = (
            *self._addresses("InternalIP", FIRST_INTERNAL, spec.internal_ip),
            *self._addresses("ExternalIP", FIRST_EXTERNAL, spec.external_ip),
            NodeAddress(type="Hostname", address=spec.name),
        )
        cidrs = self._cidrs.take()
        info = {"kubeletVersion": f"v{settings.kubernetes}.0", **NODE_INFO}
        return Node(
            metadata=ObjectMeta(name=spec.name, labels={**labels, **spec.labels}),
            spec=NodeObjectSpec(pod_cidr=cidrs[0], pod_cidrs=cidrs, taints=spec.taints),
            status=NodeStatus(capacity=capacity, allocatable=capacity, addresses=addresses, extra={"nodeInfo": info}),
        )

    def _addresses(self, type: str, first: Mapping[str, Address], given: str) -> list[NodeAddress]:
        """One of each family of the cluster, in the order of the families; what is given takes its family's place."""
        found = {family: str(first[family] + self._added) for family in self._cidrs.families}
        if given:
            found["IPv6" if ":" in given else "IPv4"] = given
        return [NodeAddress(type=type, address=address) for address in found.values()]


_CONTROLLERS: tuple[Callable[[Store, Timer, Settings, int], Controller], ...] = (
    DeploymentController,
    ReplicaSetController,
    StatefulSetController,
    DisruptionController,
    ResourceQuotaController,
    DaemonSetController,
    JobController,
    CronJobController,
    TTLAfterFinished,
    Scheduler,
    EndpointSliceController,
    EndpointsController,
    EndpointsMirroring,
    ServiceCIDRController,
    NodeLifecycle,
    TaintEviction,
    PodGarbageCollector,
)
