"""The AWS Load Balancer Controller's webhook: new Pods wait until they are healthy targets of their Services' NLBs.

Only in namespaces with the label `elbv2.k8s.aws/pod-readiness-gate-inject: enabled`, and only for target type `ip`: a
balancer of nodes knows nothing of Pods.
https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/pod_readiness_gate/
"""

from __future__ import annotations

from msgspec.structs import replace

from lab.cluster.store import Store
from lab.kube.balancers import INJECT_LABEL, readiness_gate_of, targets_pods
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.pod import Pod, PodReadinessGate
from lab.kube.kinds.service import Service


def with_target_gates(pod: Pod, store: Store) -> Pod:
    """The Pod with a readiness gate for each balancer of which it becomes a target."""
    namespace = store.find(Namespace, pod.namespace or "default")
    if namespace is None or namespace.metadata.labels.get(INJECT_LABEL) != "enabled":
        return pod
    known = [gate.condition_type for gate in pod.spec.readiness_gates]
    wanted = [readiness_gate_of(service) for service in store.list(Service, namespace.name) if _is_target(pod, service)]
    added = tuple(PodReadinessGate(condition_type=gate) for gate in wanted if gate not in known)
    return replace(pod, spec=replace(pod.spec, readiness_gates=pod.spec.readiness_gates + added)) if added else pod


def _is_target(pod: Pod, service: Service) -> bool:
    spec = service.spec
    selected = bool(spec.selector) and spec.selector.items() <= pod.metadata.labels.items()
    return spec.type == "LoadBalancer" and targets_pods(service) and selected
