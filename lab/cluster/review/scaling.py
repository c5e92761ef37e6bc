"""Autoscalers, disruption budgets and quotas that are legal and will not do what they are there for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lab.cluster.quota.scopes import in_scope
from lab.cluster.quota.usage import REQUIRED, total, usage_of
from lab.cluster.review.finding import Finding, warning
from lab.cluster.review.workloads import Workload
from lab.cluster.scale import SCALABLE
from lab.kube import quantity
from lab.kube.builtin import group_of
from lab.kube.documents import Document
from lab.kube.errors import nearest
from lab.kube.kinds import BY_NAME
from lab.kube.kinds.horizontalpodautoscaler import HorizontalPodAutoscaler, MetricTarget
from lab.kube.kinds.pod import Container, Pod, PodSpec, PodTemplateSpec
from lab.kube.kinds.poddisruptionbudget import PodDisruptionBudget
from lab.kube.kinds.resourcequota import ResourceQuota
from lab.kube.meta import KubeObject, ObjectMeta
from lab.kube.selector import matches

Targets = Mapping[tuple[str, str, str], Workload]
"""Workloads by kind, namespace and name."""


def scaling_warnings(documents: Sequence[Document], workloads: Sequence[Workload]) -> Iterator[Finding]:
    """What looks wrong in each of them, given what runs beside it."""
    targets = {(each.kind, each.namespace, each.name): each for each in workloads}
    scaled: dict[tuple[str, str, str], HorizontalPodAutoscaler] = {}
    for document in documents:
        if isinstance(document.object, HorizontalPodAutoscaler):
            yield from _autoscaler(document, document.object, targets, scaled)
    yield from _replicas_that_are_set_back(scaled, targets)
    guarded: dict[str, str] = {}
    for document in documents:
        if isinstance(document.object, PodDisruptionBudget):
            yield from _budget(document, document.object, workloads, scaled, guarded)
        if isinstance(document.object, ResourceQuota):
            yield from _quota(document, document.object, workloads)


# -- autoscalers ----------------------------------------------------------------------------------------------------


def _autoscaler(
    document: Document,
    autoscaler: HorizontalPodAutoscaler,
    targets: Targets,
    scaled: dict[tuple[str, str, str], HorizontalPodAutoscaler],
) -> Iterator[Finding]:
    spec, namespace = autoscaler.spec, autoscaler.namespace or "default"
    ref = spec.scale_target_ref
    if spec.min_replicas is not None and spec.min_replicas == spec.max_replicas:
        yield warning(document, "spec.maxReplicas", "is what minReplicas is: it never scales")
    known = BY_NAME.get(ref.kind)
    if known is not None and ref.group != group_of(known.api_version):
        message = f'no matches for kind "{ref.kind}" in group "{ref.group}": expected {known.api_version}'
        yield warning(document, "spec.scaleTargetRef.apiVersion", message)
        return
    if known is not None and ref.kind not in SCALABLE:
        yield warning(document, "spec.scaleTargetRef.kind", f"{known.plural} cannot be scaled")
        return
    key = (ref.kind, namespace, ref.name)
    workload = targets.get(key)
    if workload is None:
        names = [name for kind, space, name in targets if (kind, space) == (ref.kind, namespace)]
        message = f"{ref.kind.lower()}/{ref.name} is not in these files{nearest(ref.name, names)}"
        yield warning(document, "spec.scaleTargetRef.name", message)
        return
    if key in scaled:
        message = f"{workload} is scaled by hpa/{scaled[key].name} already: together they do nothing"
        yield warning(document, "spec.scaleTargetRef", message)
    scaled.setdefault(key, autoscaler)
    yield from _requests_for(document, autoscaler, workload)


def _requests_for(document: Document, autoscaler: HorizontalPodAutoscaler, workload: Workload) -> Iterator[Finding]:
    """A percentage of a request that nobody makes cannot be computed."""
    spec = pod_spec(workload.document.readable)
    for index, metric in enumerate(autoscaler.spec.metrics):
        source = metric.resource or metric.container_resource
        if source is None or spec is None or not _is_percentage(source.target):
            continue
        only = metric.container_resource.container if metric.container_resource is not None else ""
        for container in spec.containers:
            if only in ("", container.name) and not _requests(container, source.name):
                who = f"container {container.name} of {workload}"
                message = f"{who} requests no {source.name}: without it there is no percentage, and it never scales"
                field = "resource" if metric.resource is not None else "containerResource"
                yield warning(document, f"spec.metrics[{index}].{field}.target.averageUtilization", message)


def _is_percentage(target: MetricTarget) -> bool:
    return target.average_utilization is not None


def _requests(container: Container, resource: str) -> bool:
    return resource in container.resources.requests or resource in container.resources.limits


def _replicas_that_are_set_back(
    scaled: Mapping[tuple[str, str, str], HorizontalPodAutoscaler], targets: Targets
) -> Iterator[Finding]:
    for key, autoscaler in scaled.items():
        document = targets[key].document
        spec = document.node.plain().get("spec")
        if isinstance(spec, dict) and "replicas" in spec:
            message = f"hpa/{autoscaler.name} decides it: each apply of this file sets it back to {spec['replicas']}"
            yield warning(document, "spec.replicas", message)


# -- disruption budgets ---------------------------------------------------------------------------------------------


def _budget(
    document: Document,
    budget: PodDisruptionBudget,
    workloads: Sequence[Workload],
    scaled: Mapping[tuple[str, str, str], HorizontalPodAutoscaler],
    guarded: dict[str, str],
) -> Iterator[Finding]:
    spec, namespace = budget.spec, budget.namespace or "default"
    here = [each for each in workloads if each.namespace == namespace]
    selected = [each for each in here if spec.selector is not None and matches(spec.selector, each.labels)]
    if not selected:
        what = "is not set: it" if spec.selector is None else "matches no Pod or workload in these files: it"
        yield warning(document, "spec.selector", f"{what} guards nothing")
    for workload in selected:
        other = guarded.setdefault(f"{workload.namespace}/{workload}", budget.name)
        if other != budget.name:
            message = f"{workload} is selected by pdb/{other} as well: its Pods cannot be evicted at all"
            yield warning(document, "spec.selector", message)
    if spec.min_available is None and spec.max_unavailable is None:
        yield warning(document, "spec", "says neither minAvailable nor maxUnavailable: it allows no disruption")
    if spec.max_unavailable in (0, "0%"):
        yield warning(document, "spec.maxUnavailable", f"is {spec.max_unavailable}: {_NEVER}")
    if selected and spec.min_available is not None:
        yield from _too_many_wanted(document, budget, selected, scaled)


_NEVER = "it never allows a disruption, and kubectl drain waits for ever"


def _too_many_wanted(
    document: Document,
    budget: PodDisruptionBudget,
    selected: Sequence[Workload],
    scaled: Mapping[tuple[str, str, str], HorizontalPodAutoscaler],
) -> Iterator[Finding]:
    wanted = budget.spec.min_available
    if wanted == "100%":
        yield warning(document, "spec.minAvailable", f"is 100%: {_NEVER}")
    counts = [_fewest(each, scaled) for each in selected]
    if not isinstance(wanted, int) or None in counts:
        return
    there = sum(count for count in counts if count is not None)
    if there <= wanted:
        who = ", ".join(map(str, selected))
        message = f"is {wanted}, and {who} may have no more than {there} Pods: {_NEVER}"
        yield warning(document, "spec.minAvailable", message)


def _fewest(workload: Workload, scaled: Mapping[tuple[str, str, str], HorizontalPodAutoscaler]) -> int | None:
    """How many Pods there are at quiet times; None when that depends on the cluster."""
    autoscaler = scaled.get((workload.kind, workload.namespace, workload.name))
    if autoscaler is None:
        return workload.replicas
    return 1 if autoscaler.spec.min_replicas is None else autoscaler.spec.min_replicas


# -- quotas ---------------------------------------------------------------------------------------------------------


def _quota(document: Document, quota: ResourceQuota, workloads: Sequence[Workload]) -> Iterator[Finding]:
    """Workloads that a quota keeps from having their Pods: by what they leave out, or all together by their number."""
    namespace = quota.namespace or "default"
    pods = [
        (workload, pod, workload.replicas)
        for workload in workloads
        if workload.namespace == namespace and workload.replicas is not None
        if (pod := _pod(workload)) is not None and in_scope(quota, pod)
    ]
    for workload, pod, _ in pods:
        yield from _unsaid(quota, workload, pod)
    asked = total(
        {name: quantity.times(amount, replicas) for name, amount in usage_of(pod, 0.0).items()}
        for _, pod, replicas in pods
    )
    for name, most in quota.spec.hard.items():
        amount = asked.get(name, "0")
        if quantity.parse(amount) > quantity.parse(most):
            message = f"is {most}, and what runs in these files asks for {amount}"
            yield warning(document, f"spec.hard[{name}]", message)


def _unsaid(quota: ResourceQuota, workload: Workload, pod: Pod) -> Iterator[Finding]:
    wanted = [name for name in quota.spec.hard if name in REQUIRED]
    for container in pod.spec.containers:
        missing = [name for name in wanted if not _says(container, name)]
        if missing:
            message = f"says nothing of {', '.join(missing)}, and quota/{quota.name} asks for it: its Pods are refused"
            place = _container_path(workload, pod, container)
            yield warning(workload.document, place, f"container {container.name} {message}")


def _says(container: Container, name: str) -> bool:
    kind, dot, resource = name.partition(".")
    if kind == "limits":
        return resource in container.resources.limits
    return _requests(container, resource if dot else name)


def _container_path(workload: Workload, pod: Pod, container: Container) -> str:
    index = pod.spec.containers.index(container)
    above = "spec" if workload.kind == "Pod" else "spec.template.spec"
    return f"{above}.containers[{index}].resources"


def pod_spec(obj: KubeObject | None) -> PodSpec | None:
    """What the Pods of a workload are; None for kinds whose Pods cannot be told."""
    spec = getattr(obj, "spec", None)
    if isinstance(spec, PodSpec):
        return spec
    template = getattr(spec, "template", None)
    return template.spec if isinstance(template, PodTemplateSpec) else None


def _pod(workload: Workload) -> Pod | None:
    spec = pod_spec(workload.document.readable)
    if spec is None:
        return None
    return Pod(metadata=ObjectMeta(name=workload.name, namespace=workload.namespace), spec=spec)
