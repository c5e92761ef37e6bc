"""What somebody who reads a report should know besides the figures: what was not there, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from lab.cluster.controllers.load_balancer import why_pending
from lab.cluster.store import Store
from lab.engine import Engine
from lab.kube.errors import closest
from lab.kube.kinds.service import Service
from lab.traffic.client import ClientSpec
from lab.traffic.failures import NODATA, NXDOMAIN
from lab.traffic.request import parse_target
from lab.views import format as fmt
from lab.views.unready import unready_lines

if TYPE_CHECKING:
    from lab.scenario.report import Group, Report


def _retries_line(group: Group) -> Iterator[str]:
    if group.retries or group.held_back:
        held = f"; the budget held {group.held_back:,} back" if group.held_back else ""
        yield f"{group.name}: {fmt.count(group.retries, 'retry', 'retries')}{held}"


class Remark(NamedTuple):
    """A title and what there is to say under it."""

    title: str
    lines: Sequence[str]


class Pending(msgspec.Struct, frozen=True):
    """A LoadBalancer Service without an address."""

    service: str
    """`NAMESPACE/NAME`."""
    why: str


class Unresolved(msgspec.Struct, frozen=True):
    """A host that clients have asked for all the time, and that had no address."""

    host: str
    clients: str
    hint: str
    """What they may have meant; empty when nothing is like it."""


def remarks(report: Report) -> list[Remark]:
    """Everything that is remarkable, the most surprising first."""
    pods = sum(len(group.pods) for group in report.not_ready)
    found = (
        Remark(f"{fmt.count(pods, 'Pod')} not Ready when the story began", unready_lines(report.not_ready)),
        Remark("EXTERNAL-IP pending", [f"{_short(each.service)}: {each.why}" for each in report.pending]),
        Remark("names that never resolved", [_unresolved_line(each) for each in report.unresolved]),
        Remark("tried again", [line for group in report.groups for line in _retries_line(group)]),
        Remark("made for the traffic", [", ".join(report.made)] if report.made else []),
        Remark("kept, not simulated", [", ".join(report.kept)] if report.kept else []),
    )
    return [remark for remark in found if remark.lines]


def _short(name: str) -> str:
    return name.removeprefix("default/")


def _unresolved_line(each: Unresolved) -> str:
    return f"{each.host} (asked for by {each.clients}){each.hint}"


def pending(engine: Engine) -> list[Pending]:
    """The LoadBalancer Services that have no address now."""
    settings = engine.spec.settings
    services = engine.store.list(Service)
    return [
        Pending(f"{each.namespace}/{each.name}", why)
        for each in services
        if each.spec.type == "LoadBalancer" and (why := why_pending(each, settings))
    ]


def unresolved(engine: Engine, clients: Sequence[ClientSpec]) -> list[Unresolved]:
    """The hosts of which clients have never had an address."""
    found: list[Unresolved] = []
    for client in clients:
        seen = engine.traffic.measure.clients.get(client.name)
        requests, reasons = (seen.requests, seen.reasons) if seen is not None else (0, {})
        if requests and reasons.get(NXDOMAIN, 0) + reasons.get(NODATA, 0) == requests:
            host = parse_target(client.url).host
            found.append(Unresolved(host, client.name, _hint(host, client.source, engine.store)))
    return found


def _hint(host: str, source: str, store: Store) -> str:
    outside = source.startswith("internet")
    here = source.split("/")[1] if source.count("/") == 2 else "default"
    name, _, rest = host.partition(".")
    namespace = rest.partition(".")[0] or here
    if store.find(Service, name, namespace) is not None:
        return "; outside of the cluster it has a name when it has an EXTERNAL-IP" if outside else ""
    near = closest(host, _names(store, here))
    elsewhere = next((each for each in _names(store, here) if each.partition(".")[0] == host), near)
    return f', did you mean "{elsewhere}"?' if elsewhere else ""


def _names(store: Store, here: str) -> Iterator[str]:
    """The Services as somebody in the namespace `here` would call them."""
    for service in store.list(Service):
        yield service.name if service.namespace == here else f"{service.name}.{service.namespace}"
