"""core/v1 Node, and the Lease with which its kubelet says that it is alive."""

from __future__ import annotations

import msgspec

from lab.kube.meta import Condition, KubeObject
from lab.kube.struct import KubeStruct, MicroTimestamp, Timestamp

ZONE_LABEL = "topology.kubernetes.io/zone"
HOSTNAME_LABEL = "kubernetes.io/hostname"


class Taint(KubeStruct, frozen=True):
    """Keeps Pods away (NoSchedule), or drives them off (NoExecute)."""

    key: str = ""
    value: str = ""
    effect: str = ""
    time_added: Timestamp | None = None


class NodeSpec(KubeStruct, frozen=True):
    """What is wanted of a node."""

    pod_cidr: str = msgspec.field(default="", name="podCIDR")
    pod_cidrs: tuple[str, ...] = msgspec.field(default=(), name="podCIDRs")
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()


class NodeAddress(KubeStruct, frozen=True):
    """InternalIP, ExternalIP or Hostname."""

    type: str
    address: str


class NodeStatus(KubeStruct, frozen=True):
    """What the kubelet and the node lifecycle controller say."""

    capacity: dict[str, str] = {}
    allocatable: dict[str, str] = {}
    addresses: tuple[NodeAddress, ...] = ()
    conditions: tuple[Condition, ...] = ()


class Node(KubeObject, frozen=True):
    """A machine that runs Pods."""

    api_version: str = "v1"
    kind: str = "Node"
    spec: NodeSpec = msgspec.field(default_factory=NodeSpec)
    status: NodeStatus = msgspec.field(default_factory=NodeStatus)

    @property
    def zone(self) -> str:
        """The zone label's value; empty when the node has none."""
        return self.metadata.labels.get(ZONE_LABEL, "")

    @property
    def ready(self) -> bool:
        """Whether the Ready condition is True."""
        return any(c.type == "Ready" and c.status == "True" for c in self.status.conditions)

    def address(self, type: str = "InternalIP") -> str:
        """The first address of a type; empty when there is none."""
        return next((a.address for a in self.status.addresses if a.type == type), "")


class LeaseSpec(KubeStruct, frozen=True):
    """Who holds it, and since when it was last renewed."""

    holder_identity: str = ""
    lease_duration_seconds: int | None = None
    renew_time: MicroTimestamp | None = None


class Lease(KubeObject, frozen=True):
    """coordination.k8s.io/v1 Lease in `kube-node-lease`, one a node."""

    api_version: str = "coordination.k8s.io/v1"
    kind: str = "Lease"
    spec: LeaseSpec = msgspec.field(default_factory=LeaseSpec)
