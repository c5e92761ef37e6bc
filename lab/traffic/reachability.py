"""Who reaches what: every workload, node and the internet against every Service port, without sending anything.

A connection counts as made when somebody listens at its end, whatever the answer would be. Names are left out: a
workload is led to the addresses that a Service's name stands for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from lab.cluster.controllers.ownership import root_of
from lab.cluster.store import Store
from lab.kube.kinds.daemonset import DaemonSet
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service
from lab.kube.kinds.statefulset import StatefulSet
from lab.kube.meta import KubeObject
from lab.network.addresses import family, normalize
from lab.network.dns_records import AAAA, NXDOMAIN, A, Reply
from lab.network.exposure import Exposure
from lab.network.flow import Source
from lab.network.reasons import CLUSTER_IP_OUTSIDE, POD_IP_OUTSIDE, POLICY_EGRESS, POLICY_INGRESS

if TYPE_CHECKING:
    from lab.network.network import Network
    from lab.traffic.foresight import Sight
    from lab.traffic.traffic import Traffic

YES, NO, DENIED, PARTLY, NOBODY = "yes", "no", "denied", "partly", "nobody"
"""It gets there; it is refused or dropped; a NetworkPolicy forbids it; some connections do; nothing runs at the
source."""
_DENIALS = (POLICY_EGRESS, POLICY_INGRESS)
_MOST_ADDRESSES = 64
"""How many addresses of one Service port are tried from the internet: a node port has one on each node."""


class Party(NamedTuple):
    """Who connects."""

    name: str
    """`deployment/NAMESPACE/NAME`, `pod/NAMESPACE/NAME`, `node/NAME` or `internet`."""
    kind: str
    """workload, node or internet."""
    sources: tuple[Source, ...]
    """One on each node where it runs."""


class Goal(NamedTuple):
    """What is connected to."""

    name: str
    """`NAMESPACE/NAME:PORT`, for a Pod `pod/NAMESPACE/NAME:PORT`; with `/UDP` or `/SCTP` behind it."""
    port: int
    protocol: str
    inside: tuple[str, ...]
    """Its addresses for who is in the cluster."""
    outside: tuple[Exposure, ...]
    """Its addresses for the internet; load balancers come first."""
    closed: str
    """The reason why the internet cannot get there when it has no such address."""


class Reach(NamedTuple):
    """Whether a party gets to a goal."""

    state: str
    """yes, no, denied, partly or nobody."""
    outcome: str = ""
    """refused, timeout or nxdomain; empty when it always gets there."""
    reason: str = ""
    """A code of `lab.network.reasons`; empty when it always gets there."""
    share: float = 0.0
    """The share of connections that get there, 0 to 1."""


class Opening(NamedTuple):
    """An address that is open to the outside, and whether somebody answers there."""

    exposure: Exposure
    reach: Reach


class Reachability(msgspec.Struct, frozen=True):
    """The whole table."""

    parties: tuple[Party, ...]
    goals: tuple[Goal, ...]
    cells: tuple[tuple[Reach, ...], ...]
    """By party, then by goal."""
    openings: tuple[Opening, ...]


def reachability(store: Store, network: Network, traffic: Traffic, *, pods: bool = False) -> Reachability:
    """The table as of now; with `pods`, every port of every Pod is a goal as well."""
    survey = _Survey(store, network, traffic)
    parties = tuple(survey.parties())
    goals = (*survey.services(), *(survey.pods() if pods else ()))
    cells = tuple(tuple(survey.reach(party, goal) for goal in goals) for party in parties)
    return Reachability(parties, goals, cells, tuple(survey.openings()))


class _Survey:
    def __init__(self, store: Store, network: Network, traffic: Traffic) -> None:
        self._store = store
        self._network = network
        self._traffic = traffic
        self._open = network.open_ports()
        self._known: dict[tuple[str, int, str], Reach] = {}
        """What was found of addresses from the internet."""

    # -- who and what -------------------------------------------------------------------------------------------

    def parties(self) -> Iterator[Party]:
        """Workloads in the order in which they were made, then nodes, then the internet."""
        members: dict[str, list[Source]] = {}
        kinds: tuple[type[KubeObject], ...] = (Deployment, StatefulSet, DaemonSet)
        for kind in kinds:
            for workload in self._store.list(kind):
                members[_party_name(workload)] = []
        for pod in self._store.list(Pod):
            if not pod.finished:
                running = members.setdefault(_party_name(root_of(self._store, pod)), [])
                source = self._traffic.servers.source(f"{pod.namespace}/{pod.name}")
                if source is not None:
                    running.append(source)
        for name, sources in members.items():
            yield Party(name, "workload", tuple({source.node: source for source in reversed(sources)}.values())[::-1])
        for node in self._store.list(Node):
            found = self._traffic.sources.origin(f"node/{node.name}").all()
            yield Party(f"node/{node.name}", "node", tuple(found))
        yield Party("internet", "internet", (self._traffic.sources.asker,))

    def services(self) -> Iterator[Goal]:
        """Every port of every Service, in the order in which the Services were made."""
        for service in self._store.list(Service):
            if service.spec.type == "ExternalName":
                continue
            addresses = self._addresses(service)
            name = f"{service.namespace}/{service.name}"
            closed = POD_IP_OUTSIDE if service.headless else CLUSTER_IP_OUTSIDE
            for port in service.spec.ports:
                numbers = (port.port, port.node_port)
                outside = [
                    each
                    for each in self._open
                    if (each.service, each.protocol) == (name, port.protocol)
                    and each.kind != "health check"
                    and each.port == numbers[each.kind == "node port"]
                ]
                goal = f"{name}:{port.port}{_suffix(port.protocol)}"
                yield Goal(goal, port.port, port.protocol, addresses, tuple(outside[:_MOST_ADDRESSES]), closed)

    def _addresses(self, service: Service) -> tuple[str, ...]:
        """What the Service's name stands for inside the cluster."""
        zone = self._network.dns.server.zone
        name = f"{service.name}.{service.namespace}.svc.{zone.domain}"
        nowhere = Reply(NXDOMAIN)
        found = [zone.answer(name, type, lambda *_: nowhere).addresses() for type in (A, AAAA)]
        return tuple(ip for addresses in found for ip in addresses)

    def pods(self) -> Iterator[Goal]:
        """Every port on which a Pod listens or says that it does."""
        for pod in self._store.list(Pod):
            ip = normalize(pod.status.pod_ip)
            if pod.finished or not ip or pod.spec.host_network:
                continue
            containers = self._traffic.servers.pods.get(f"{pod.namespace}/{pod.name}", {}).values()
            ports = {(port.protocol, port.container_port): None for one in pod.spec.containers for port in one.ports}
            ports.update({each: None for server in containers for each in server.ports})
            for protocol, port in ports:
                name = f"pod/{pod.namespace}/{pod.name}:{port}{_suffix(protocol)}"
                yield Goal(name, port, protocol, (ip,), (), POD_IP_OUTSIDE)

    # -- whether ------------------------------------------------------------------------------------------------

    def reach(self, party: Party, goal: Goal) -> Reach:
        """Whether a party gets to a goal."""
        if not party.sources:
            return Reach(NOBODY)
        if party.kind == "internet":
            return self._from_outside(goal)
        if not goal.inside:
            return Reach(NO, "nxdomain", "nxdomain")
        found: list[Reach] = []
        for source in party.sources:
            near = [ip for ip in goal.inside if family(ip) == family(source.ip)] or goal.inside
            found += [self._connect(source, ip, goal.port, goal.protocol) for ip in near]
        return _together(found)

    def openings(self) -> Iterator[Opening]:
        """Every address that is open to the outside."""
        for exposure in self._open:
            if exposure.kind != "health check":
                yield Opening(exposure, self._outside(exposure))

    def _from_outside(self, goal: Goal) -> Reach:
        """By a load balancer or an external IP when there is one; node ports are what is left."""
        if not goal.outside:
            return Reach(NO, "timeout", goal.closed)
        best = goal.outside[0].kind
        found = _together([self._outside(each) for each in goal.outside if each.kind == best])
        return found if found.state == YES else _together([self._outside(each) for each in goal.outside])

    def _outside(self, exposure: Exposure) -> Reach:
        key = (exposure.address, exposure.port, exposure.protocol)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._connect(self._traffic.sources.asker, *key)
        return found

    def _connect(self, source: Source, ip: str, port: int, protocol: str) -> Reach:
        sights = self._traffic.foresight.connection(source, ip, port, protocol)
        missed = [sight for sight in sights if not sight.reached]
        if not missed:
            return Reach(YES, share=1.0)
        return _missed(missed, 1.0 - sum(sight.probability for sight in missed))


def _missed(missed: Sequence[Sight], share: float) -> Reach:
    worst = missed[0]
    if share > 1e-9:
        return Reach(PARTLY, worst.outcome, worst.reason, share)
    state = DENIED if all(sight.reason in _DENIALS for sight in missed) else NO
    return Reach(state, worst.outcome, worst.reason)


def _together(found: Sequence[Reach]) -> Reach:
    """Several sources or addresses as one: whatever is not the same for all of them is only partly so."""
    missed = [each for each in found if each.state != YES]
    if not missed:
        return found[0]
    share = sum(each.share for each in found) / len(found)
    if share > 1e-9:
        return missed[0]._replace(state=PARTLY, share=share)
    return next((each for each in missed if each.state == NO), missed[0])


def _party_name(obj: KubeObject) -> str:
    return f"{obj.kind.lower()}/{obj.namespace}/{obj.name}"


def _suffix(protocol: str) -> str:
    return "" if protocol == "TCP" else f"/{protocol}"
