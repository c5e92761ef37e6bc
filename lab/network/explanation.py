"""Why a connection went where it went: the router's own account, step by step.

A bounded ring keeps what each decision depended on. `Explainer.explain` runs `route` over it once more with a
`RouteRecorder`, so an explanation cannot differ from what happened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from math import floor
from typing import NamedTuple

import msgspec

from lab.journal import Decision
from lab.kube.kinds.networkpolicy import EGRESS
from lab.network.addresses import family, join
from lab.network.arrival import Leg
from lab.network.endpoints import PREFER_SAME_NODE, EndpointInfo
from lab.network.flow import Flow
from lab.network.host import Host
from lab.network.ipvs import SCHEDULERS
from lab.network.node_facts import IPTABLES, IPVS, NodeFacts
from lab.network.packet import DROP, PASS, Packet
from lab.network.policy import Ruling
from lab.network.program import rule_lines
from lab.network.reasons import POLICY_EGRESS, POLICY_INGRESS, REASONS, Reason
from lab.network.router import Record, Verdict, route
from lab.network.rule_table import Match, RuleTable
from lab.network.service_rules import ServicePortRule
from lab.network.traffic_policy import CLUSTER_IP, CLUSTER_LIST, LOCAL_LIST, Plan
from lab.network.way import Way

KEPT_DECISIONS = 20_000
OTHER_NODES = 16


class Step(NamedTuple):
    """One thing that a node did or found, in words."""

    stage: str
    """match, guard, policy, choice, DNAT, masquerade or verdict; egress or ingress for what NetworkPolicies said;
    balancer for how a load balancer chose."""
    text: str


class Candidate(NamedTuple):
    """An endpoint of the Service, and why it was in or out."""

    address: str
    pod: str
    node: str
    eligible: bool
    why: str


class Header(NamedTuple):
    """Source and destination of the packet, each `IP:PORT`."""

    source: str
    destination: str


class Elsewhere(NamedTuple):
    """What another node's rules would have done with the same packet at that moment."""

    node: str
    verdict: str
    reason: str
    eligible: int
    """Among how many endpoints it would have chosen."""
    table: int


class Explanation(msgspec.Struct, frozen=True):
    """Everything there is to say about one decision."""

    decision: Decision
    meaning: str
    """The reason in one sentence."""
    advice: str
    """What to try next; empty when all is well."""
    steps: tuple[Step, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    before: Header | None = None
    after: Header | None = None
    hops: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    """The rules that the packet passed on the deciding node, line by line as `lab rules` prints them."""
    table: int = 0
    """The version of the table that the node held, 0 for none."""
    learned_s: float = 0.0
    """Since when the node held it."""
    newest: int = 0
    """The newest version that any node held at that moment."""
    elsewhere: tuple[Elsewhere, ...] = ()


class RouteRecorder(Record):
    """Writes down in words what `route` tells."""

    def __init__(self, node: NodeFacts) -> None:
        self.node = node
        self.steps: list[Step] = []
        self.candidates: tuple[Candidate, ...] = ()
        self.before: Header | None = None
        self.after: Header | None = None
        self.eligible = 0

    def say(self, stage: str, text: str) -> None:
        """Add a step."""
        self.steps.append(Step(stage, text))

    def matched(self, packet: Packet, match: Match | None) -> None:
        """A rule was looked up."""
        super().matched(packet, match)
        self.before = _header(packet)
        wanted = f"{join(packet.dst_ip, packet.dst_port)}/{packet.protocol}"
        if match is None:
            self.say("match", f"no Service on {self.node.name} has {wanted}")
        else:
            self.say("match", f"{wanted} is a {match.kind} of Service {match.rule.service}, {_port(match.rule)}")

    def guarded(self, rule: ServicePortRule, ip: str, allowed: bool) -> None:
        """The source ranges were checked."""
        super().guarded(rule, ip, allowed)
        ranges = ", ".join(cidr.text for cidr in rule.source_ranges)
        self.say("guard", f"{ip} is {'in' if allowed else 'outside'} loadBalancerSourceRanges {ranges}")

    def planned(self, match: Match, source: str, plan: Plan, early: bool) -> None:
        """The policies were applied."""
        super().planned(match, source, plan, early)
        rule, kind = match
        self.eligible = len(plan.endpoints)
        self.candidates = tuple(_candidate(endpoint, plan, self.node) for endpoint in rule.endpoints)
        local = rule.internal_local if kind == CLUSTER_IP else rule.external_local
        policy = "internalTrafficPolicy" if kind == CLUSTER_IP else "externalTrafficPolicy"
        usable = f"{len(plan.endpoints)} of {len(rule.endpoints)} endpoints eligible"
        self.say("policy", f"{policy} {'Local' if local else 'Cluster'}, source is {_WHO[source]}: {usable}")
        if plan.list_name == CLUSTER_LIST and plan.categories.topology:
            self.say("policy", f"every ready endpoint has hints: {plan.categories.topology} narrows the list")

    def chose(self, plan: Plan, endpoint: EndpointInfo, draw: float, remembered: bool) -> None:
        """An endpoint was taken."""
        super().chose(plan, endpoint, draw, remembered)
        count = len(plan.endpoints)
        if remembered:
            how = "session affinity remembers it for this client"
        elif count == 1:
            how = "it is the only one"
        elif self.node.mode == IPVS:
            how = f"ipvs with the scheduler {self.node.scheduler}, {SCHEDULERS[self.node.scheduler]}"
        elif self.node.mode == IPTABLES:
            how = f"a chain of {count} rules with probability {', '.join(f'1/{left}' for left in range(count, 0, -1))}"
        else:
            how = f"numgen random mod {count} gave {floor(draw * count)}"
        self.say("choice", f"{endpoint.address}{f' ({endpoint.pod})' if endpoint.pod else ''}: {how}")

    def rewrote(self, packet: Packet, endpoint: EndpointInfo, masquerade: bool, hairpin: bool) -> None:
        """Destination and perhaps source were rewritten."""
        super().rewrote(packet, endpoint, masquerade, hairpin)
        self.say("DNAT", f"destination {join(packet.dst_ip, packet.dst_port)} becomes {endpoint.address}")
        source = join(packet.src_ip, packet.src_port)
        if masquerade:
            ip = self.node.primary_ip(family(packet.src_ip)) or packet.src_ip
            why = "the Pod reaches itself (hairpin)" if hairpin else "answers must come back through this node"
            self.say("masquerade", f"source {packet.src_ip} becomes {ip}: {why}")
            source = join(ip, packet.src_port)
        else:
            self.say("masquerade", f"none: the server sees {packet.src_ip}")
        self.after = Header(source, endpoint.address)

    def ended(self, verdict: Verdict) -> None:
        """This is the verdict."""
        super().ended(verdict)
        self.say("verdict", f"{verdict.verdict} ({verdict.reason}): {REASONS[verdict.reason].meaning}")


class Explainer:
    """The last decisions and what they depended on."""

    def __init__(self, hosts: Mapping[str, Host]) -> None:
        self._kept: deque[Flow] = deque(maxlen=KEPT_DECISIONS)
        self.keep: Callable[[Flow], None] = self._kept.append
        """Remember the decision about a flow; the oldest is forgotten."""
        self._hosts = hosts

    def explain(self, number: int) -> Explanation | None:
        """The account of a decision by its id; None when it is not kept (any more)."""
        if not self._kept:
            return None
        index = number - self._kept[0].decision.id
        if not 0 <= index < len(self._kept):
            return None
        flow = self._kept[index]
        decision, arrival = flow.decision, flow.arrival
        reason = REASONS.get(decision.reason, Reason(decision.reason))
        if not arrival.legs:
            steps = _balancer_steps(arrival.way)
            if steps:
                steps.append(Step("verdict", f"{decision.verdict} ({decision.reason}): {reason.meaning}"))
            return Explanation(decision, reason.meaning, reason.advice, tuple(steps), hops=decision.hops)
        # The legs may be those of an earlier packet of the same sort.
        legs = tuple(leg.of(decision.src_port) for leg in arrival.legs)
        return self._account(decision, reason, legs, arrival.way)

    def _account(self, decision: Decision, reason: Reason, legs: tuple[Leg, ...], way: Way) -> Explanation:
        steps = _balancer_steps(way)
        for leg, told in zip(legs, policy_steps(way.rulings, len(legs)), strict=True):
            recorder = RouteRecorder(leg.facts)
            recorder.say("node", f"{leg.facts.name} goes by table {leg.table.version}, {leg.facts.mode}")
            _decide_again(leg, leg.facts, leg.table, recorder)
            steps += recorder.steps + told
        elsewhere = self._elsewhere(decision, legs[-1])
        return Explanation(
            decision,
            reason.meaning,
            reason.advice,
            tuple(steps),
            recorder.candidates,
            recorder.before,
            recorder.after,
            decision.hops,
            tuple(map(str, rule_lines(leg.table, leg.facts, leg.packet, recorder))),
            leg.table.version,
            leg.since_s,
            max((leg.table.version, *(other.table for other in elsewhere))),
            elsewhere,
        )

    def _elsewhere(self, decision: Decision, leg: Leg) -> tuple[Elsewhere, ...]:
        """The same packet on other nodes; their own addresses and Pods make it another packet only for node ports."""
        found: list[Elsewhere] = []
        for name, host in self._hosts.items():
            if name == leg.facts.name or len(found) >= OTHER_NODES:
                continue
            table = host.proxy.table_at(decision.time).table
            recorder = RouteRecorder(host.facts)
            verdict = _decide_again(leg, host.facts, table, recorder)
            if verdict.verdict != PASS:
                found.append(Elsewhere(name, verdict.verdict, verdict.reason, recorder.eligible, table.version))
        return tuple(found)


def _decide_again(leg: Leg, facts: NodeFacts, table: RuleTable, recorder: RouteRecorder) -> Verdict:
    own = facts is leg.facts
    return route(table, facts, leg.packet, leg.draw, lambda rule, ip: leg.remembered if own else "", recorder)


def _balancer_steps(way: Way) -> list[Step]:
    """How a load balancer on the way chose."""
    return [Step("balancer", way.balanced)] if way.balanced else []


def policy_steps(rulings: Sequence[Ruling], legs: int) -> list[list[Step]]:
    """What NetworkPolicies said, for each leg of a journey: egress after the first, ingress after the last."""
    steps: list[list[Step]] = [[] for _ in range(legs)]
    for ruling in rulings:
        leaves = ruling.direction == EGRESS
        told = steps[0 if leaves else -1]
        told.append(Step(ruling.direction.lower(), str(ruling)))
        if not ruling.allowed:
            code = POLICY_EGRESS if leaves else POLICY_INGRESS
            told.append(Step("verdict", f"{DROP} ({code}): {REASONS[code].meaning}"))
    return steps


_WHO = {"pod": "a Pod", "node": "the node itself", "outside": "outside the cluster"}


def _header(packet: Packet) -> Header:
    return Header(join(packet.src_ip, packet.src_port), join(packet.dst_ip, packet.dst_port))


def _port(rule: ServicePortRule) -> str:
    return f"port {rule.port_name or rule.port}"


def _candidate(endpoint: EndpointInfo, plan: Plan, node: NodeFacts) -> Candidate:
    eligible = any(endpoint.address == other.address for other in plan.endpoints)
    return Candidate(endpoint.address, endpoint.pod, endpoint.node, eligible, _why(endpoint, plan, node, eligible))


def _why(endpoint: EndpointInfo, plan: Plan, node: NodeFacts, eligible: bool) -> str:
    """Why an endpoint was in or out."""
    if eligible:
        return "ready" if endpoint.ready else "terminating but serving, and nothing in its list is ready"
    if plan.list_name == LOCAL_LIST and not endpoint.local_to(node.name):
        return f"not on {node.name}, and the policy is Local"
    if endpoint.draining:
        return "terminating while others are ready"
    if not endpoint.ready:
        return "terminating and not serving" if endpoint.terminating else "not ready"
    if plan.categories.topology == PREFER_SAME_NODE:
        return f"meant for {', '.join(endpoint.node_hints)}, not {node.name}"
    return f"meant for {', '.join(endpoint.zone_hints) or 'no zone'}, not {node.zone}"
