"""One load balancer: its targets, what it asks them, and where it sends a connection.

What they have in common stands in `Balancer`; `PassThrough`, `TargetGroup` and `Announced` are the rules of the
profiles gcp, aws-nlb and metallb-l2 (lab.kube.balancers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import NamedTuple

from lab.kube.balancers import AWS_NLB, METALLB_L2, targets_pods
from lab.kube.kinds.service import Service
from lab.network import reasons
from lab.network.addresses import any_holds, join, parse_cidrs
from lab.network.host import Host
from lab.network.packet import Packet
from lab.network.router import route
from lab.network.service_rules import health_check_port, source_ranges
from lab.settings import Settings

INITIAL, HEALTHY, UNHEALTHY, DRAINING = "initial", "healthy", "unhealthy", "draining"

PortKey = tuple[str, int]
"""(protocol, port) of the Service."""


class Target:
    """What a balancer thinks of one node, or of one Pod."""

    __slots__ = ("active", "failures", "healthy", "ip", "message", "name", "node", "ports", "state", "successes")

    def __init__(self, name: str, node: str, ip: str = "", ports: Mapping[PortKey, int] | None = None) -> None:
        self.name = name
        """The node's, or `pod/NAMESPACE/NAME`."""
        self.node = node
        self.ip = ip
        """The Pod's; empty for a node."""
        self.ports = dict(ports or {})
        """The Pod's ports, by those of the Service."""
        self.healthy = False
        self.active = True
        self.successes = 0
        self.failures = 0
        self.state = INITIAL
        self.message = "not checked yet"


class Checks(NamedTuple):
    """How a balancer asks its targets: seconds, and how many answers in a row change its mind."""

    interval_s: float
    timeout_s: float
    healthy: int
    unhealthy: int


class Sent(NamedTuple):
    """Where a balancer sends a connection: a node and the packet that it gets, or why nowhere."""

    node: str
    packet: Packet
    refusal: str = ""
    how: str = ""
    """The rule by which it chose, in words."""
    pod: bool = False
    """Whether the packet is for a Pod that is a target itself."""


class Answer(NamedTuple):
    """What a target that can be reached answers to a check."""

    success: bool
    message: str


class Balancer:
    """The balancer behind one address of one Service."""

    def __init__(self, ip: str, service: Service, settings: Settings, listens: Callable[[str], bool]) -> None:
        """`listens` tells whether an app listens on a socket `IP:PORT/PROTOCOL` and answers."""
        self.ip = ip
        self.vertex = f"lb/{ip}"
        self.targets: dict[str, Target] = {}
        self.healthy: tuple[str, ...] = ()
        """The names of the healthy targets."""
        self.among: tuple[tuple[str, ...], str] = ((), "")
        """`usable()`, as the targets now are."""
        self._settings = settings
        self._listens = listens
        self.learn(service)

    def learn(self, service: Service) -> None:
        """Take ports and policy from the Service."""
        self.service = f"{service.namespace}/{service.name}"
        self.ports = {(port.protocol, port.port): port.node_port for port in service.spec.ports}
        self.health_check_port = health_check_port(service)
        modes = [ingress.ip_mode for ingress in service.status.load_balancer.ingress if ingress.ip == self.ip]
        self.proxies = "Proxy" in modes
        """Whether connections end here and begin anew."""
        self.checks = self._checks()

    def _checks(self) -> Checks:
        """How it asks now; the Local policy may have values of its own."""
        own, local = self._settings, bool(self.health_check_port)
        return Checks(
            own.lb_health_interval_s,
            (local and own.lb_local_health_timeout_s) or own.lb_health_timeout_s,
            (local and own.lb_local_healthy_threshold) or own.lb_healthy_threshold,
            (local and own.lb_local_unhealthy_threshold) or own.lb_unhealthy_threshold,
        )

    # -- connections ------------------------------------------------------------------------------------------

    def send(self, packet: Packet, ip_of: Callable[[str], str]) -> Sent:
        """Choose a target for a connection; `ip_of` tells a node's own address of the balancer's family."""
        node_port = self.ports.get((packet.protocol, packet.dst_port))
        if node_port is None:
            return Sent("", packet, reasons.LB_PORT)
        if not node_port and self.needs_node_port:
            return Sent("", packet, reasons.LB_NO_NODE_PORT)
        names, how = self.among
        if not names:
            return Sent("", packet, self.nobody, how)
        target = self.targets[names[packet.hash % len(names)]]
        return Sent(target.node, self.forward(packet, target, ip_of), "", how, target.ip != "")

    @property
    def needs_node_port(self) -> bool:
        """Whether it makes connections of its own, which only a node port takes."""
        return self.proxies

    nobody = reasons.LB_NO_NODE
    """Why a connection goes nowhere when there is no target for it."""

    def usable(self) -> tuple[tuple[str, ...], str]:
        """The targets among which the hash of a connection chooses, and the rule in words.

        The healthy ones; with `lb_fail_open` all of them when every one is unhealthy.
        """
        if not self._fails_open:
            count = _count(len(self.healthy), f"healthy {self._kind}")
            return self.healthy, f"the hash of addresses and ports chooses among {count}"
        names = tuple(name for name, target in self.targets.items() if target.state == UNHEALTHY)
        return names, f"no target is healthy, so the balancer fails open: all {len(names)} are used"

    _kind = "node"

    @property
    def _fails_open(self) -> bool:
        unhealthy = any(target.state == UNHEALTHY for target in self.targets.values())
        return self._settings.lb_fail_open and not self.healthy and unhealthy

    def forward(self, packet: Packet, target: Target, ip_of: Callable[[str], str]) -> Packet:
        """The packet as the target gets it: untouched, or from the balancer itself with ipMode Proxy."""
        if not self.proxies:
            return packet
        node_port = self.ports[packet.protocol, packet.dst_port]
        return Packet(self.ip, packet.src_port, ip_of(target.node), node_port, packet.protocol)

    def ended(self, node: str, ip: str) -> str:
        """Why the balancer resets an established connection to a node or a Pod's address; empty while it does not."""
        return ""

    # -- health -----------------------------------------------------------------------------------------------

    def ask(self, host: Host, target: Target) -> Answer:
        """What a target answers: kube-proxy's healthCheckNodePort under the Local policy, else its /healthz."""
        proxy = host.proxy
        if self.health_check_port:
            port, answer = self.health_check_port, proxy.health_check(self.service)
        else:
            port, answer = self._settings.proxy_healthz_port, proxy.healthz()
        if answer is None:
            return Answer(False, f"connection refused on port {port}")
        return Answer(answer.status == 200, f"{answer.status} on port {port}")

    def judge(self, target: Target, success: bool) -> bool:
        """Count a check; whether it changed the balancer's mind about the target."""
        if success:
            target.successes, target.failures = target.successes + 1, 0
            sure = target.successes >= self.checks.healthy
        else:
            target.successes, target.failures = 0, target.failures + 1
            sure = target.failures >= self.checks.unhealthy
        state = HEALTHY if success else UNHEALTHY
        if not sure or target.state == state:
            return False
        changed = target.healthy != success
        target.state, target.healthy = state, success
        self.count()
        return changed

    def count(self) -> None:
        """Targets have come, gone or changed."""
        self.healthy = tuple(name for name, target in self.targets.items() if target.healthy)
        self.among = self.usable()


class PassThrough(Balancer):
    """gcp: the packet reaches a healthy node as the client sent it."""


class TargetGroup(Balancer):
    """aws-nlb: an NLB sends to node ports, or straight to Pods, and knows nothing that kube-proxy knows.

    Health checks are HTTP to the healthCheckNodePort under the Local policy, else a TCP connection to the port that
    it would send to (pkg/service/model_builder.go); of a Service with several ports that is the first.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html
    """

    _asked = 0
    """How many connections it has made for checks: each is another one to kube-proxy."""

    def learn(self, service: Service) -> None:
        """Take the target type and who may come, too."""
        super().learn(service)
        self.of_pods = targets_pods(service)
        self._kind = "Pod" if self.of_pods else "node"
        self.proxies = self.of_pods  # client IP preservation: on for `instance`, off for TCP targets of type `ip`
        if self.of_pods:
            self.health_check_port = 0
        self._allowed = parse_cidrs(source_ranges(service))

    @property
    def needs_node_port(self) -> bool:
        """An NLB never sends to an address that is not its target's."""
        return not self.of_pods

    def send(self, packet: Packet, ip_of: Callable[[str], str]) -> Sent:
        """loadBalancerSourceRanges are rules of its security group: nobody behind it sees the address any more."""
        if self._allowed and not any_holds(self._allowed, packet.src_ip):
            return Sent("", packet, reasons.SOURCE_NOT_ALLOWED)
        return super().send(packet, ip_of)

    def forward(self, packet: Packet, target: Target, ip_of: Callable[[str], str]) -> Packet:
        """To the node port with the client's address, or to the Pod with the balancer's own."""
        key = (packet.protocol, packet.dst_port)
        if target.ip:
            return Packet(self.ip, packet.src_port, target.ip, target.ports.get(key, 0), packet.protocol)
        return Packet(packet.src_ip, packet.src_port, ip_of(target.node), self.ports[key], packet.protocol)

    def ended(self, node: str, ip: str) -> str:
        """An unhealthy target's connections are reset, unless the balancer fails open."""
        target = next((each for each in self.targets.values() if each.node == node and each.ip in ("", ip)), None)
        settings = self._settings
        if target is None:
            return reasons.LB_TARGET_DRAINED if settings.lb_connection_termination else ""
        terminates = settings.lb_unhealthy_termination and target.state == UNHEALTHY and not self._fails_open
        return reasons.LB_TARGET_UNHEALTHY if terminates else ""

    def ask(self, host: Host, target: Target) -> Answer:
        """The HTTP check under the Local policy, else whether the Pod, or the node port, takes a connection."""
        if self.health_check_port:
            return super().ask(host, target)
        if target.ip:
            (protocol, _), port = next(iter(target.ports.items()))
            return self._connected(join(target.ip, port), port, protocol)
        (protocol, _), port = next(iter(self.ports.items()))
        self._asked = (self._asked + 1) % 10_000
        packet = Packet(self.ip, 32768 + self._asked, host.ip_towards(self.ip), port, protocol)
        verdict = route(host.proxy.table, host.facts, packet, (packet.hash % 997) / 997)
        return self._connected(verdict.endpoint.address if verdict.endpoint is not None else "", port, protocol)

    def _connected(self, address: str, port: int, protocol: str) -> Answer:
        answers = bool(address) and self._listens(f"{address}/{protocol}")
        return Answer(answers, f"connected to port {port}" if answers else f"connection refused on port {port}")


class Announced(Balancer):
    """metallb-l2: one node at a time answers for the address (ARP, NDP), and gets all of its traffic.

    It is the first by the hash of its name and the address among the nodes whose speakers are members, and which have a
    serving endpoint under the Local policy; without any serving endpoint nobody announces the address
    (metallb, speaker/layer2_controller.go). The health of a target is its membership (hashicorp/memberlist).
    """

    nobody = reasons.LB_NOT_ANNOUNCED

    def __init__(self, ip: str, service: Service, settings: Settings, listens: Callable[[str], bool]) -> None:
        self.announcer = ""
        self.told = ""
        """Whom everybody was told of last."""
        self._serving: frozenset[str] = frozenset()
        super().__init__(ip, service, settings, listens)

    def learn(self, service: Service) -> None:
        """Both addresses of a Service are announced by one node, by the hash of the first."""
        super().learn(service)
        ingress = service.status.load_balancer.ingress
        self._hashed = ingress[0].ip if ingress else self.ip
        self._local = service.spec.external_traffic_policy == "Local"
        self.count()

    def serve(self, nodes: frozenset[str]) -> None:
        """These nodes have a serving endpoint of the Service; the empty name stands for one on no known node."""
        self._serving = nodes
        self.count()

    def count(self) -> None:
        """Elect anew."""
        members = (name for name, target in self.targets.items() if target.healthy)
        able = [name for name in members if not self._local or name in self._serving]
        self.announcer = min(able, key=self._rank) if able and self._serving else ""
        super().count()

    def _rank(self, node: str) -> bytes:
        return sha256(f"{node}#{self._hashed}".encode()).digest()

    def usable(self) -> tuple[tuple[str, ...], str]:
        """The one that announces."""
        if not self.announcer:
            return (), "no node announces the address"
        among = "the nodes with an endpoint" if self._local else "all"
        members = _count(len(self.healthy), "speaker")
        return (self.announcer,), f"{self.announcer} announces the address: first by hash among {among} of {members}"

    def ended(self, node: str, ip: str) -> str:
        """Another node has the address now, and knows nothing of the connection."""
        return reasons.LB_MOVED if self.announcer and self.announcer != node else ""

    def ask(self, host: Host, target: Target) -> Answer:
        """A speaker that is reached is a member."""
        return Answer(True, "the speaker answers memberlist")


_KINDS: dict[str, type[Balancer]] = {AWS_NLB: TargetGroup, METALLB_L2: Announced}


def balancer_of(ip: str, service: Service, settings: Settings, listens: Callable[[str], bool]) -> Balancer:
    """The balancer that the profile in the settings makes for a Service."""
    return _KINDS.get(settings.load_balancer, PassThrough)(ip, service, settings, listens)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
