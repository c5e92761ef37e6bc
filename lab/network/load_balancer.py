"""All load balancers of the cluster, by address: their targets come and go, and are asked how they are.

How one of them chooses stands in `lab.network.balancer`, which Pods are targets of an NLB in `lab.network.pod_targets`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping

from lab.clock import Clock
from lab.cluster.provider import Provider
from lab.cluster.store import Change, Store
from lab.journal import HealthChecked, Journal
from lab.kube.balancers import METALLB_L2
from lab.kube.kinds.service import Service
from lab.network.balancer import DRAINING, Announced, Balancer, Target, TargetGroup, balancer_of
from lab.network.changes import Changes
from lab.network.host import Host
from lab.network.pod_targets import PodTargets
from lab.network.rule_table import RuleTable
from lab.network.topology import Topology
from lab.settings import Settings


class LoadBalancers:
    """Every balancer of the cluster, by address, and their health checks."""

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        settings: Settings,
        topology: Topology,
        hosts: Mapping[str, Host],
        store: Store,
        changes: Changes,
        provider: Provider,
    ) -> None:
        self.by_ip: dict[str, Balancer] = {}
        self.listens: Callable[[str], bool] = _anybody
        """Whether an app listens on a socket `IP:PORT/PROTOCOL` and answers; traffic puts its own in its place."""
        self.unheard: dict[str, None] = {}
        """Whose health checks all time out, whatever is behind them: `service/NAMESPACE/NAME`, `node/NAME`."""
        self._clock = clock
        self._journal = journal
        self._settings = settings
        self._topology = topology
        self._hosts = hosts
        self._store = store
        self._changes = changes
        self._provider = provider
        self._missed: dict[str, None] = {}
        """Nodes of whose changes the balancers have not been told, because the provider did not answer."""
        self._pods_missed = False
        self._failures = 0
        self._started_s = clock.time()
        self._table = RuleTable()
        self._pods = PodTargets(clock, settings, store, self._register, self._unregister)

    # -- what the provider hears ------------------------------------------------------------------------------

    def service_changed(self, change: Change) -> None:
        """Follow a Service: a balancer exists while the Service's status names its address."""
        service = change.object
        assert isinstance(service, Service)
        name = f"{service.namespace}/{service.name}"
        wanted: dict[str, None] = {}
        if change.new is not None and service.spec.type == "LoadBalancer":
            wanted = dict.fromkeys(ingress.ip for ingress in service.status.load_balancer.ingress if ingress.ip)
        for ip in [ip for ip, balancer in self.by_ip.items() if balancer.service == name and ip not in wanted]:
            self._remove(ip)
        for ip in wanted:
            if ip in self.by_ip:
                self._relearn(self.by_ip[ip], service)
            else:
                self._add(ip, service)

    def node_changed(self, name: str) -> None:
        """A node came, went, or changed its labels: its controller tells every balancer."""
        if not self._provider.up and self._settings.load_balancer != METALLB_L2:
            self._missed[name] = None
            self._try_again()
            return
        host = self._hosts.get(name)
        wanted = host is not None and not host.excluded_from_balancers
        for balancer in self.by_ip.values():
            if _of_pods(balancer):
                continue
            known = balancer.targets.get(name)
            if wanted and (known is None or known.state == DRAINING):
                self._register(balancer, Target(name, name))
            elif not wanted and known is not None and known.state != DRAINING:
                self._unregister(balancer, name)

    def endpoints_changed(self, table: RuleTable) -> None:
        """The EndpointSlices are others: the newest rules tell which endpoints each Service has."""
        self._table = table
        for balancer in self.by_ip.values():
            self._see_endpoints(balancer)

    def _see_endpoints(self, balancer: Balancer) -> None:
        rules = self._table.services.get(balancer.service, ())
        if isinstance(balancer, Announced):
            serving = (endpoint.node for rule in rules for endpoint in rule.endpoints if endpoint.serving)
            balancer.serve(frozenset(serving))
            self._announced(balancer)
        elif isinstance(balancer, TargetGroup) and balancer.of_pods:
            if self._provider.up:
                self._pods.reconcile(balancer, rules)
            else:
                self._pods_missed = True
                self._try_again()

    def _try_again(self) -> None:
        """What failed is tried again like any change of a Service, and with the next look at all nodes (100 s).

        https://github.com/kubernetes/cloud-provider/blob/master/controllers/service/controller.go
        """
        if self._failures:
            return
        self._failures = 1
        self._clock.after(self._pause_s(), self._catch_up)

    def _pause_s(self) -> float:
        settings, now_s = self._settings, self._clock.time()
        backoff_s = min(settings.lb_retry_initial_s * 2.0 ** (self._failures - 1), settings.lb_retry_max_s)
        period_s = settings.lb_node_sync_s
        return min(backoff_s, period_s - (now_s - self._started_s) % period_s)

    def _catch_up(self) -> None:
        if not self._provider.up:
            self._failures += 1
            self._clock.after(self._pause_s(), self._catch_up)
            return
        self._failures = 0
        missed, self._missed = self._missed, {}
        for name in missed:
            self.node_changed(name)
        if self._pods_missed:
            self._pods_missed = False
            self.endpoints_changed(self._table)

    # -- balancers and targets --------------------------------------------------------------------------------

    def _add(self, ip: str, service: Service) -> None:
        balancer = self.by_ip[ip] = balancer_of(ip, service, self._settings, self.listens)
        self._topology.add_load_balancer(ip)
        self._fill(balancer)

    def _fill(self, balancer: Balancer) -> None:
        if not _of_pods(balancer):
            for name, host in self._hosts.items():
                if not host.excluded_from_balancers:
                    self._register(balancer, Target(name, name))
        self._see_endpoints(balancer)

    def _relearn(self, balancer: Balancer, service: Service) -> None:
        of_pods = _of_pods(balancer)
        balancer.learn(service)
        if of_pods != _of_pods(balancer):
            # Another target type is another target group.
            self._empty(balancer)
            self._fill(balancer)
        elif isinstance(balancer, Announced):
            self._announced(balancer)

    def _remove(self, ip: str) -> None:
        self._empty(self.by_ip.pop(ip))
        self._topology.remove_load_balancer(ip)

    def _empty(self, balancer: Balancer) -> None:
        if isinstance(balancer, TargetGroup):
            self._pods.forget(balancer)
        for name in list(balancer.targets):
            self._forget(balancer, name)

    def _register(self, balancer: Balancer, target: Target) -> None:
        balancer.targets[target.name] = target
        balancer.count()
        # Checks of different nodes do not all fall on the same moment; the first one comes at once.
        spread = zlib.crc32(f"{balancer.ip} {target.name}".encode()) / 2**32
        first_s = balancer.checks.interval_s * (0.5 + spread / 2)
        self._clock.after(self._settings.lb_registration_s, self._check, balancer, target, first_s)

    def _unregister(self, balancer: Balancer, name: str) -> None:
        """Take a target out: it gets no new connections, and keeps the old ones for a while."""
        delay_s = self._settings.lb_deregistration_delay_s
        if not delay_s:
            self._forget(balancer, name)
            return
        target = balancer.targets[name]
        target.active = target.healthy = False
        target.state, target.message = DRAINING, "deregistered"
        balancer.count()
        self._clock.after(delay_s, self._drained, balancer, target)

    def _drained(self, balancer: Balancer, target: Target) -> None:
        if balancer.targets.get(target.name) is target:
            self._forget(balancer, target.name)

    def _forget(self, balancer: Balancer, name: str) -> None:
        target = balancer.targets.pop(name)
        target.active = target.healthy = False
        balancer.count()
        self._moved(balancer)

    # -- health -----------------------------------------------------------------------------------------------

    def _check(self, balancer: Balancer, target: Target, next_s: float) -> None:
        if not target.active:
            return
        success, message, took_s = self._probe(balancer, target.name)
        self._clock.after(took_s, self._checked, balancer, target, success, message)
        self._clock.after(next_s, self._check, balancer, target, balancer.checks.interval_s)

    def _probe(self, balancer: Balancer, name: str) -> tuple[bool, str, float]:
        """What a check of a target finds, in words, and how long it takes."""
        target = balancer.targets[name]
        if f"service/{balancer.service}" in self.unheard or f"node/{target.node}" in self.unheard:
            return False, "timeout", balancer.checks.timeout_s
        host = self._hosts.get(target.node)
        path = self._topology.path(balancer.vertex, host.vertex) if host is not None else None
        if host is None or path is None or not host.alive or not host.has_family(balancer.ip):
            return False, "timeout", balancer.checks.timeout_s
        answer = balancer.ask(host, target)
        return answer.success, answer.message, 2 * path.latency_s

    def _checked(self, balancer: Balancer, target: Target, success: bool, message: str) -> None:
        if not target.active:
            return
        target.message = message
        if balancer.judge(target, success):
            now_s = self._clock.time()
            self._journal.append(
                HealthChecked(now_s, balancer.ip, balancer.service, target.name, target.healthy, message)
            )
            self._moved(balancer)

    # -- established connections ------------------------------------------------------------------------------

    def ended(self, ip: str, node: str, pod_ip: str) -> str:
        """Why the balancer of an address resets a connection to a node and an address there; empty when it does not."""
        balancer = self.by_ip.get(ip)
        return balancer.ended(node, pod_ip) if balancer is not None else ""

    def _moved(self, balancer: Balancer) -> None:
        """The targets are others: new connections fare differently, and established ones may not go on."""
        self._changes.count += 1
        if isinstance(balancer, Announced):
            self._announced(balancer)

    def _announced(self, balancer: Announced) -> None:
        """Say so when another node announces the address."""
        if balancer.announcer == balancer.told:
            return
        balancer.told = balancer.announcer
        self._changes.count += 1
        namespace, _, name = balancer.service.partition("/")
        service = self._store.find(Service, name, namespace)
        if balancer.announcer and service is not None:
            message = f'announcing {balancer.ip} from node "{balancer.announcer}" with protocol "layer2"'
            self._store.note(service, "nodeAssigned", message, component="metallb-speaker")


def _of_pods(balancer: Balancer) -> bool:
    return isinstance(balancer, TargetGroup) and balancer.of_pods


def _anybody(socket: str) -> bool:
    """Without traffic there are no apps, and every Pod is taken to listen."""
    return True
