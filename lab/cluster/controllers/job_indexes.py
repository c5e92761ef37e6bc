"""The numbers of an indexed Job's Pods: which one each has, which have succeeded, which are to be tried next.

https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from lab.cluster.job_identity import INDEX
from lab.kube.kinds.job import Job
from lab.kube.kinds.pod import Container, EnvVar, Pod, PodSpec

_VARIABLE = "JOB_COMPLETION_INDEX"
_FROM_LABEL = {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}}


def index_of(pod: Pod) -> int | None:
    """The number of a Pod; None when it has none."""
    text = pod.metadata.annotations.get(INDEX, "")
    return int(text) if text.isdigit() else None


def parse_indexes(text: str) -> dict[int, None]:
    """`0,2-4` as numbers in ascending order."""
    found: dict[int, None] = {}
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        found.update(dict.fromkeys(range(int(first), int(last or first) + 1)))
    return found


def format_indexes(indexes: Iterable[int]) -> str:
    """Numbers as `0,2-4`: three or more in a row with a dash, two with a comma."""
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ",".join(_run(first, last) for first, last in runs)


def _run(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first},{last}" if last == first + 1 else f"{first}-{last}"


def pending_indexes(job: Job, settled: Iterable[int], active: Iterable[Pod], count: int) -> list[int]:
    """The lowest numbers, at most `count`, that are not settled and have no Pod that tries."""
    taken = dict.fromkeys(settled)
    taken.update((index, None) for pod in active if (index := index_of(pod)) is not None)
    free = (index for index in range(job.spec.completions or 0) if index not in taken)
    return [index for index, _ in zip(free, range(count), strict=False)]


def misplaced(job: Job, active: Iterable[Pod]) -> list[Pod]:
    """Of the active Pods those without a number, with one that is too high, or with one that an older Pod has."""
    seen: dict[int, None] = {}
    found = []
    for pod in active:
        index = index_of(pod)
        if index is None or index >= (job.spec.completions or 0) or index in seen:
            found.append(pod)
        else:
            seen[index] = None
    return found


def numbered(pod: Pod, job: Job, index: int) -> Pod:
    """A Pod with a number: in its name, host name, annotation and label, and in its containers' environment."""
    meta, mark = pod.metadata, {INDEX: str(index)}
    metadata = replace(
        meta,
        generate_name=f"{job.name}-{index}-",
        labels={**meta.labels, **mark},
        annotations={**meta.annotations, **mark},
    )
    spec = replace(_with_variable(pod.spec), hostname=f"{job.name}-{index}")
    return replace(pod, metadata=metadata, spec=spec)


def _with_variable(spec: PodSpec) -> PodSpec:
    variable = EnvVar(name=_VARIABLE, extra={"valueFrom": _FROM_LABEL})

    def change(container: Container) -> Container:
        known = any(one.name == _VARIABLE for one in container.env)
        return container if known else replace(container, env=(*container.env, variable))

    return replace(
        spec,
        containers=tuple(map(change, spec.containers)),
        init_containers=tuple(map(change, spec.init_containers)),
    )
