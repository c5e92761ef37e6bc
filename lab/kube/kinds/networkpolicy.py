"""networking.k8s.io/v1 NetworkPolicy: which connections the Pods of a namespace may make and take."""

from __future__ import annotations

import msgspec

from lab.kube.meta import KubeObject, LabelSelector
from lab.kube.struct import IntOrString, KubeStruct

INGRESS, EGRESS = "Ingress", "Egress"


class NetworkPolicyPort(KubeStruct, frozen=True):
    """A port by number or name, a range from `port` to `end_port`, or with no port all of a protocol."""

    protocol: str | None = None
    """TCP, UDP or SCTP; unset means TCP."""
    port: IntOrString | None = None
    end_port: int | None = None


class IPBlock(KubeStruct, frozen=True):
    """A network without some networks within it."""

    cidr: str = ""
    except_: tuple[str, ...] = msgspec.field(default=(), name="except")


class NetworkPolicyPeer(KubeStruct, frozen=True):
    """Pods of the policy's namespace, Pods of other namespaces, or addresses; an empty selector takes all."""

    pod_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    ip_block: IPBlock | None = None


class NetworkPolicyIngressRule(KubeStruct, frozen=True):
    """Allows connections that match one of the ports and one of the peers; without any, every one does."""

    ports: tuple[NetworkPolicyPort, ...] = ()
    from_: tuple[NetworkPolicyPeer, ...] = msgspec.field(default=(), name="from")


class NetworkPolicyEgressRule(KubeStruct, frozen=True):
    """Allows connections that match one of the ports and one of the peers; without any, every one does."""

    ports: tuple[NetworkPolicyPort, ...] = ()
    to: tuple[NetworkPolicyPeer, ...] = ()


class NetworkPolicySpec(KubeStruct, frozen=True):
    """The Pods it is about, and what it allows them. Whatever no policy allows an isolated Pod is denied."""

    pod_selector: LabelSelector = msgspec.field(default_factory=LabelSelector)
    policy_types: tuple[str, ...] = ()
    ingress: tuple[NetworkPolicyIngressRule, ...] = ()
    egress: tuple[NetworkPolicyEgressRule, ...] = ()

    @property
    def isolates(self) -> tuple[str, ...]:
        """The directions in which it isolates its Pods: as it says, else Ingress, and Egress if it has such rules."""
        return self.policy_types or ((INGRESS, EGRESS) if self.egress else (INGRESS,))


class NetworkPolicy(KubeObject, frozen=True):
    """Several policies add up: a connection passes when one of those that select the Pod allows it."""

    api_version: str = "networking.k8s.io/v1"
    kind: str = "NetworkPolicy"
    spec: NetworkPolicySpec = msgspec.field(default_factory=NetworkPolicySpec)
