"""NetworkPolicies: who may connect to whom, by the addresses that a packet has at that hop.

Egress is judged on the client's node after kube-proxy has chosen an endpoint, so a policy sees the Pod behind a
Service and never the cluster IP. Ingress is judged at the target with the source address that arrives there: behind
a masquerade that is a node's, which no podSelector matches, and no ipBlock that is meant for the client. The API
leaves that order open; this one is what most network plugins do.

Never judged: Pods of the host's network, a Pod and itself, and a Pod and the processes of its own node, such as a
kubelet that probes it. What a node merely forwards does not count as its own. A policy decides about new
connections; the answers, and all that is established, pass by conntrack.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lab.clock import Clock
from lab.cluster.store import Change
from lab.kube.defaults import NAMESPACE_NAME_LABEL
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.networkpolicy import EGRESS, INGRESS, NetworkPolicy
from lab.kube.kinds.pod import Pod
from lab.kube.meta import KubeObject
from lab.kube.selector import matches
from lab.network.addresses import join
from lab.network.changes import Changes
from lab.network.policy_rules import Connection, PodFacts, Policy, facts_of, policy_of
from lab.settings import Settings

OWN_NODE = "a Pod and the processes of its own node are never kept apart"
ITSELF = "a Pod is never kept apart from itself"
_KNOWN_RULINGS = 65_536


class Ruling(NamedTuple):
    """What the policies of one Pod say to a connection."""

    direction: str
    """Ingress or Egress."""
    allowed: bool
    pod: str
    """`NAMESPACE/NAME` of the Pod whose policies they are."""
    other: str
    """The other end: `IP`, or for a destination `IP:PORT`, with the Pod that has the address."""
    policies: tuple[str, ...] = ()
    """`NAMESPACE/NAME`: the first one that allows it, or all that isolate the Pod and do not; in order of names."""
    exempt: str = ""
    """Why it is allowed whatever policies say."""

    def __str__(self) -> str:
        way = f"from {self.other}" if self.direction == INGRESS else f"to {self.other}"
        isolated = f"isolated for {self.direction.lower()}"
        if self.exempt:
            return f"{self.pod}, {way}: {self.exempt}"
        if not self.policies:
            return f"{self.pod} is not {isolated}: no NetworkPolicy selects it, so anything is allowed ({way})"
        if self.allowed:
            return f"{self.pod} is {isolated}, and NetworkPolicy {self.policies[0]} allows it {way}"
        if len(self.policies) == 1:
            return f"{self.pod} is {isolated} by NetworkPolicy {self.policies[0]}, which does not allow it {way}"
        names = ", ".join(self.policies)
        return f"{self.pod} is {isolated} by NetworkPolicies {names}, none of which allows it {way}"


def deciding(rulings: Sequence[Ruling]) -> str:
    """The policies that denied a connection, else all that allowed it, with commas; empty when none was concerned."""
    denied = [ruling for ruling in rulings if not ruling.allowed]
    return ",".join(dict.fromkeys(name for ruling in denied or rulings for name in ruling.policies))


class Policies:
    """What the network plugin knows of policies, Pods and namespaces; built from watch events."""

    def __init__(self, clock: Clock, settings: Settings, changes: Changes) -> None:
        self.active = False
        """Whether there is any policy: without one, nothing needs to be asked."""
        self.changes = changes
        """Counts whenever a ruling may be another than before."""
        self._clock = clock
        self._latency_s = settings.policy_sync_latency_s
        self._pods: dict[str, PodFacts] = {}
        """Pods with addresses of their own, by `NAMESPACE/NAME`; known by name before they have an address."""
        self._by_ip: dict[str, PodFacts] = {}
        self._namespaces: dict[str, Mapping[str, str]] = {}
        self._policies: dict[str, dict[str, Policy]] = {}
        """By namespace and name."""
        self._isolating: dict[tuple[str, str], tuple[Policy, ...]] = {}
        self._rulings: dict[tuple[str, str, str, int, str], Ruling] = {}

    # -- asking ---------------------------------------------------------------------------------------------------

    def egress(self, source: str, ip: str, port: int, protocol: str, exempt: str = "") -> Ruling | None:
        """Whether a Pod (`NAMESPACE/NAME`) may connect to an address; None when it is not subject to policies.

        `exempt` is OWN_NODE or ITSELF when the caller knows such a reason to allow it in any case.
        """
        return self._ask(EGRESS, source, ip, port, protocol, exempt)

    def ingress(self, target: str, ip: str, port: int, protocol: str, exempt: str = "") -> Ruling | None:
        """The same for an address that connects to a port of a Pod."""
        return self._ask(INGRESS, target, ip, port, protocol, exempt)

    def _ask(self, direction: str, name: str, ip: str, port: int, protocol: str, exempt: str) -> Ruling | None:
        pod = self._pods.get(name)
        if pod is None:
            return None
        key = (direction, name, ip, port, protocol)
        ruling = self._rulings.get(key)
        if ruling is None:
            if len(self._rulings) >= _KNOWN_RULINGS:
                self._rulings.clear()
            ruling = self._rulings[key] = self._judge(direction, pod, ip, port, protocol)
        if not ruling.allowed and exempt:
            return ruling._replace(allowed=True, policies=(), exempt=exempt)
        return ruling

    def _judge(self, direction: str, pod: PodFacts, ip: str, port: int, protocol: str) -> Ruling:
        if ip in pod.ips:
            return Ruling(direction, True, pod.name, self._name(direction, ip, port), exempt=ITSELF)
        peer = self._by_ip.get(ip)
        connection = Connection(ip, peer, port, protocol, pod if direction == INGRESS else peer)
        policies = self.isolating(direction, pod)
        allowing = next((policy for policy in policies if self._allows(policy, direction, connection)), None)
        decisive = policies if allowing is None else (allowing,)
        names = tuple(policy.name for policy in decisive)
        return Ruling(direction, allowing is not None or not policies, pod.name, self._name(direction, ip, port), names)

    def _allows(self, policy: Policy, direction: str, connection: Connection) -> bool:
        return any(rule.allows(connection, self._labels_of) for rule in policy.rules(direction) or ())

    def isolating(self, direction: str, pod: PodFacts) -> tuple[Policy, ...]:
        """The policies that isolate a Pod in a direction, in the order of their names."""
        key = (direction, pod.name)
        found = self._isolating.get(key)
        if found is None:
            near = self._policies.get(pod.namespace, {})
            found = self._isolating[key] = tuple(
                near[name]
                for name in sorted(near)
                if near[name].rules(direction) is not None and matches(near[name].pods, pod.labels)
            )
        return found

    def _name(self, direction: str, ip: str, port: int) -> str:
        peer = self._by_ip.get(ip)
        text = ip if direction == INGRESS else join(ip, port)
        return f"{text} ({peer.name})" if peer is not None else text

    def _labels_of(self, namespace: str) -> Mapping[str, str]:
        # Admission gives every namespace the label that tells its name.
        return self._namespaces.get(namespace) or {NAMESPACE_NAME_LABEL: namespace}

    # -- following the cluster ------------------------------------------------------------------------------------

    def heard(self, change: Change) -> None:
        """A watch event reached the network plugin, which acts on it `policy_sync_latency_s` later."""
        if _matters(change.old, change.new):
            self._clock.after(self._latency_s, self.apply, change)

    def apply(self, change: Change) -> None:
        """Take a change in."""
        obj = change.object
        if isinstance(obj, NetworkPolicy):
            self._policy_changed(obj, change.new is None)
        elif isinstance(obj, Pod):
            self._pod_changed(obj, change.new is None)
        elif isinstance(obj, Namespace):
            self._namespaces[obj.name] = obj.metadata.labels if change.new is not None else {}
        if self.active or isinstance(obj, NetworkPolicy):
            self.changes.count += 1
            self._rulings.clear()

    def _policy_changed(self, obj: NetworkPolicy, gone: bool) -> None:
        near = self._policies.setdefault(obj.namespace, {})
        if gone:
            near.pop(obj.name, None)
        else:
            near[obj.name] = policy_of(obj)
        self.active = any(self._policies.values())
        self._isolating.clear()

    def _pod_changed(self, obj: Pod, gone: bool) -> None:
        name = f"{obj.namespace}/{obj.name}"
        held = self._pods.pop(name, None)
        for ip in held.ips if held is not None else ():
            if self._by_ip.get(ip) is held:
                del self._by_ip[ip]
        self._isolating.pop((INGRESS, name), None)
        self._isolating.pop((EGRESS, name), None)
        if not gone and not obj.finished and not obj.spec.host_network:
            facts = self._pods[name] = facts_of(obj)
            for ip in facts.ips:
                self._by_ip[ip] = facts


def _matters(old: KubeObject | None, new: KubeObject | None) -> bool:
    """Whether a change can change a ruling; most writes to Pods do not."""
    if old is None or new is None:
        return True
    if isinstance(old, Pod) and isinstance(new, Pod):
        same_status = old.status.pod_ip == new.status.pod_ip and old.status.pod_ips == new.status.pod_ips
        return not (same_status and old.finished == new.finished and old.metadata.labels == new.metadata.labels)
    if isinstance(old, NetworkPolicy) and isinstance(new, NetworkPolicy):
        return old.spec != new.spec
    return old.metadata.labels != new.metadata.labels
