"""Pods that are not Ready, by the workload they belong to, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from lab.cluster.controllers.ownership import root_of
from lab.cluster.store import Store
from lab.journal import Journal, Noted
from lab.kube.kinds.pod import Pod
from lab.kube.meta import KubeObject
from lab.views import format as fmt
from lab.views.kinds.pod_status import summarize

_MOST_LINES = 12
_OF_ONE_POD = re.compile(r" (in pod |pod=).*")


class Unready(msgspec.Struct, frozen=True):
    """Pods of one workload that are not Ready for the same reason."""

    of: str
    """`deployment/web`, `deployment/shop/web`; a Pod of its own is `pod/web`."""
    pods: tuple[str, ...]
    """`NAMESPACE/NAME`."""
    why: str
    """kubectl's STATUS of the first of them, and what was last said about it."""


def unready(store: Store, journal: Journal) -> list[Unready]:
    """What is not Ready now, in the order in which the workloads' first Pods were made."""
    pods = [pod for pod in store.list(Pod) if not pod.ready and not pod.finished]
    said = _last_said(pods, journal) if pods else {}
    groups: dict[tuple[str, str, str], list[Pod]] = {}
    for pod in pods:
        note = said.get(pod.key)
        key = (_shown(root_of(store, pod)), _status(pod), note.reason if note is not None else "")
        groups.setdefault(key, []).append(pod)
    return [
        Unready(of, tuple(f"{pod.namespace}/{pod.name}" for pod in members), _why(status, members[0], said))
        for (of, status, _), members in groups.items()
    ]


def _last_said(pods: Iterable[Pod], journal: Journal) -> dict[tuple[str, str], Noted]:
    """The newest event about each Pod."""
    wanted = dict.fromkeys(pod.key for pod in pods)
    found: dict[tuple[str, str], Noted] = {}
    for event in journal.tail():
        if isinstance(event, Noted) and event.kind == "Pod":
            key = (event.namespace, event.name)
            if key in wanted and key not in found:
                found[key] = event
                if len(found) == len(wanted):
                    break
    return found


def _shown(obj: KubeObject) -> str:
    namespace = [] if obj.namespace in ("", "default") else [obj.namespace]
    return "/".join([obj.kind.lower(), *namespace, obj.name])


def _status(pod: Pod) -> str:
    if not pod.spec.node_name:
        return "unschedulable"
    status = summarize(pod).status
    return "not Ready" if status == "Running" else status


def _why(status: str, pod: Pod, said: Mapping[tuple[str, str], Noted]) -> str:
    """What a container waits for, or else what was last said; it may be about many Pods, so it names none."""
    waiting = [each.state.message for each in pod.status.container_statuses if each.state.state == "waiting"]
    messages = [message for message in waiting if message] or [said[pod.key].message] * (pod.key in said)
    return f"{status}: {_OF_ONE_POD.sub('', messages[0])}" if messages else status


def unready_lines(groups: Sequence[Unready]) -> list[str]:
    """A line for each group, the largest first; what is more than fits is counted."""
    ordered = sorted(groups, key=lambda group: -len(group.pods))
    lines = [_line(group) for group in ordered[:_MOST_LINES]]
    rest = ordered[_MOST_LINES:]
    if rest:
        pods = fmt.count(sum(len(group.pods) for group in rest), "Pod")
        lines.append(f"{pods} of {len(rest)} more workloads, for the like")
    return lines


def _line(group: Unready) -> str:
    if group.of.startswith("pod/"):
        return f"{group.of}: {group.why}"
    return f"{fmt.count(len(group.pods), 'Pod')} of {group.of}: {group.why}"
