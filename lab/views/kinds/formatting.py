"""How kubectl writes the small things: ages, label lists, references, lists with an end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.kube.applied import LAST_APPLIED
from lab.kube.kinds.pod import PodTemplateSpec
from lab.kube.time import age as duration
from lab.kube.time import to_rfc1123


def age(since_s: float | None, now_s: float) -> str:
    """How long ago a moment of virtual time was; `<unknown>` when it is not set."""
    return "<unknown>" if since_s is None else duration(now_s - since_s)


def moment(time_s: float | None) -> str:
    """A moment of virtual time as a date, as kubectl describes it; `<unknown>` when it is not set."""
    return "<unknown>" if time_s is None else to_rfc1123(time_s)


def pairs(labels: Mapping[str, str], separator: str = ",") -> str:
    """`app=web,tier=front`, or `<none>`."""
    return separator.join(f"{key}={value}" for key, value in sorted(labels.items())) or "<none>"


def pair_lines(labels: Mapping[str, str], sign: str = "=") -> list[str]:
    """One `key=value` a line, in kubectl's order, by key."""
    return [f"{key}{sign}{value}" for key, value in sorted(labels.items())]


def annotation_lines(annotations: Mapping[str, str]) -> list[str]:
    """One `key: value` a line, without what `kubectl apply` notes for itself."""
    return pair_lines({key: value for key, value in annotations.items() if key != LAST_APPLIED}, ": ")


def containers(template: PodTemplateSpec) -> tuple[str, str]:
    """The CONTAINERS and IMAGES columns of a workload."""
    found = template.spec.containers
    return ",".join(one.name for one in found) or "<none>", ",".join(one.image for one in found) or "<none>"


def shortened(items: Sequence[str], limit: int = 3, empty: str = "<unset>") -> str:
    """The first few of a list, then `+ N more...`."""
    text = ",".join(items[:limit]) or empty
    return f"{text} + {len(items) - limit} more..." if len(items) > limit else text
