"""How a NetworkPolicy is shown."""

from __future__ import annotations

from collections.abc import Iterator

from lab.kube import selector
from lab.kube.kinds.networkpolicy import (
    EGRESS,
    INGRESS,
    NetworkPolicy,
    NetworkPolicyPeer,
    NetworkPolicyPort,
)
from lab.kube.kinds.pod import Pod
from lab.views.format import count
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, moment, pair_lines
from lab.views.states import State
from lab.views.table import fields

_Rule = tuple[tuple[NetworkPolicyPort, ...], tuple[NetworkPolicyPeer, ...]]


def _row(policy: NetworkPolicy, context: Context) -> tuple[str, ...]:
    since = age(policy.metadata.creation_timestamp, context.now)
    return (policy.name, selector.to_text(policy.spec.pod_selector), since)


def _state(policy: NetworkPolicy, context: Context) -> State:
    pods = context.store.list(Pod, policy.namespace, policy.spec.pod_selector)
    return State("●", "ok", f"selects {count(len(pods), 'Pod')}") if pods else State("○", "dim", "selects no Pod")


def _describe(policy: NetworkPolicy, context: Context) -> list[str]:
    meta, spec = policy.metadata, policy.spec
    head = fields(
        (
            ("Name", meta.name),
            ("Namespace", meta.namespace),
            ("Created on", moment(meta.creation_timestamp)),
            ("Labels", pair_lines(meta.labels)),
            ("Annotations", annotation_lines(meta.annotations)),
        )
    )
    pods = selector.to_text(spec.pod_selector)
    if selector.is_empty(spec.pod_selector):
        pods += " (Allowing the specific traffic to all pods in this namespace)"
    ingress: list[_Rule] = [(rule.ports, rule.from_) for rule in spec.ingress]
    egress: list[_Rule] = [(rule.ports, rule.to) for rule in spec.egress]
    return [
        *head,
        "Spec:",
        f"  PodSelector:     {pods}",
        *_direction(INGRESS in spec.isolates, "ingress", ingress, "From", "source"),
        *_direction(EGRESS in spec.isolates, "egress", egress, "To", "destination"),
        f"  Policy Types: {', '.join(spec.isolates)}",
    ]


def _direction(isolated: bool, direction: str, rules: list[_Rule], preposition: str, other: str) -> Iterator[str]:
    if not isolated:
        yield f"  Not affecting {direction} traffic"
        return
    yield f"  Allowing {direction} traffic:"
    if not rules:
        yield f"    <none> (Selected pods are isolated for {direction} connectivity)"
    for index, (ports, peers) in enumerate(rules):
        if index:
            yield "    ----------"
        for port in ports:
            yield f"    To Port: {_port(port)}"
        if not ports:
            yield "    To Port: <any> (traffic allowed to all ports)"
        for peer in peers:
            yield f"    {preposition}:"
            yield from _peer(peer)
        if not peers:
            yield f"    {preposition}: <any> (traffic not restricted by {other})"


def _port(port: NetworkPolicyPort) -> str:
    number = "<any>" if port.port is None else str(port.port)
    through = "" if port.end_port is None else f"-{port.end_port}"
    return f"{number}{through}/{port.protocol or 'TCP'}"


def _peer(peer: NetworkPolicyPeer) -> Iterator[str]:
    if peer.ip_block is not None:
        yield "      IPBlock:"
        yield f"        CIDR: {peer.ip_block.cidr}"
        yield f"        Except: {', '.join(peer.ip_block.except_)}"
    if peer.namespace_selector is not None:
        yield f"      NamespaceSelector: {selector.to_text(peer.namespace_selector)}"
    if peer.pod_selector is not None:
        yield f"      PodSelector: {selector.to_text(peer.pod_selector)}"


VIEW = KindView(
    struct=NetworkPolicy, columns=("NAME", "POD-SELECTOR", "AGE"), row=_row, state=_state, describe=_describe
)
