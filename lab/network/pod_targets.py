"""Pods as targets of an NLB (target type `ip`), and the readiness gates by which they wait to be healthy ones.

The AWS Load Balancer Controller registers ready endpoints at once. A Pod that waits for nothing but its gate is
registered too, when the controller next looks (every 15 s), and the gate's condition follows the target's health.
https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/pod_readiness_gate/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.store import Store
from lab.kube.balancers import readiness_gate_of
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service
from lab.kube.meta import Condition
from lab.network.addresses import family
from lab.network.balancer import DRAINING, INITIAL, Target, TargetGroup
from lab.network.endpoints import EndpointInfo
from lab.network.service_rules import ServicePortRule
from lab.settings import Settings

Rules = tuple[ServicePortRule, ...]


class PodTargets:
    """Registers and deregisters Pods, and tells them how they are."""

    def __init__(
        self,
        clock: Clock,
        settings: Settings,
        store: Store,
        register: Callable[[TargetGroup, Target], None],
        unregister: Callable[[TargetGroup, str], None],
    ) -> None:
        self._clock = clock
        self._poll_s = settings.lb_target_health_poll_s
        self._store = store
        self._register = register
        self._unregister = unregister
        self._rules: dict[TargetGroup, Rules] = {}
        self._polling: dict[TargetGroup, None] = {}

    def reconcile(self, group: TargetGroup, rules: Rules) -> None:
        """Bring the targets in line with the endpoints, and the Pods' conditions with the targets' health."""
        self._rules[group] = rules
        namespace, _, name = group.service.partition("/")
        service = self._store.find(Service, name, namespace)
        gate = readiness_gate_of(service) if service is not None and _is_first(group, service) else ""
        own = [rule for rule in rules if family(rule.cluster_ip) == family(group.ip)]
        wanted = self._wanted(own, gate)
        for known in [known for known in group.targets.values() if known.state != DRAINING]:
            if known.name not in wanted or wanted[known.name].ip != known.ip:
                self._unregister(group, known.name)
        for target in wanted.values():
            known_state = group.targets[target.name].state if target.name in group.targets else DRAINING
            if known_state == DRAINING:
                self._register(group, target)
        waiting = [self._tell(pod, gate, group) for pod in self._gated(own, gate)]
        if any(waiting) and group not in self._polling:
            self._polling[group] = None
            self._clock.after(self._poll_s, self._look_again, group)

    def forget(self, group: TargetGroup) -> None:
        """The group is gone, or has other targets now."""
        self._rules.pop(group, None)

    def _look_again(self, group: TargetGroup) -> None:
        self._polling.pop(group, None)
        if group in self._rules:
            self.reconcile(group, self._rules[group])

    def _wanted(self, rules: Iterable[ServicePortRule], gate: str) -> dict[str, Target]:
        """A target for each Pod that is ready, or waits for nothing but the gate."""
        found: dict[str, Target] = {}
        for rule in rules:
            for endpoint in rule.endpoints:
                if endpoint.pod and not endpoint.terminating and (endpoint.ready or self._waits_for(endpoint, gate)):
                    name = f"pod/{endpoint.pod}"
                    target = found.setdefault(name, Target(name, endpoint.node, endpoint.ip))
                    target.ports[rule.protocol, rule.port] = endpoint.port
        return found

    def _waits_for(self, endpoint: EndpointInfo, gate: str) -> bool:
        pod = self._pod(endpoint.pod)
        return pod is not None and _has_gate(pod, gate) and _condition(pod, "ContainersReady") == "True"

    def _gated(self, rules: Iterable[ServicePortRule], gate: str) -> list[Pod]:
        names = dict.fromkeys(endpoint.pod for rule in rules for endpoint in rule.endpoints if endpoint.pod)
        pods = (self._pod(name) for name in names)
        return [pod for pod in pods if pod is not None and not pod.terminating and _has_gate(pod, gate)]

    def _pod(self, name: str) -> Pod | None:
        namespace, _, short = name.partition("/")
        return self._store.find(Pod, short, namespace)

    def _tell(self, pod: Pod, gate: str, group: TargetGroup) -> bool:
        """Write a Pod's condition; whether it has to be looked after further."""
        target = group.targets.get(f"pod/{pod.namespace}/{pod.name}")
        if target is None or target.state == DRAINING or self._store.down:
            return True
        told = _told(gate, target)
        known = next((each for each in pod.status.conditions if each.type == gate), None)
        if known is None or (known.status, known.reason) != (told.status, told.reason):
            same = known is not None and known.status == told.status
            since = known.last_transition_time if known is not None and same else self._clock.time()
            made = replace(told, last_transition_time=since)
            self._store.mutate(Pod, pod.name, pod.namespace, lambda found: _with_condition(found, made))
        return told.status != "True"


def _is_first(group: TargetGroup, service: Service) -> bool:
    """Of the groups of a dual-stack Service one alone speaks to the Pods."""
    return next((each.ip for each in service.status.load_balancer.ingress), "") == group.ip


def _told(gate: str, target: Target) -> Condition:
    """The target's health in the words of Elastic Load Balancing (TargetHealth.Reason)."""
    if target.healthy:
        return Condition(type=gate, status="True")
    if target.state != INITIAL:
        return Condition(type=gate, status="False", reason="Target.FailedHealthChecks", message="Health checks failed")
    if target.successes or target.failures:
        message = "Initial health checks in progress"
        return Condition(type=gate, status="False", reason="Elb.InitialHealthChecking", message=message)
    message = "Target registration is in progress"
    return Condition(type=gate, status="False", reason="Elb.RegistrationInProgress", message=message)


def _with_condition(pod: Pod, made: Condition) -> Pod:
    others = tuple(each for each in pod.status.conditions if each.type != made.type)
    return replace(pod, status=replace(pod.status, conditions=(*others, made)))


def _has_gate(pod: Pod, gate: str) -> bool:
    return any(each.condition_type == gate for each in pod.spec.readiness_gates)


def _condition(pod: Pod, type: str) -> str:
    return next((each.status for each in pod.status.conditions if each.type == type), "")
