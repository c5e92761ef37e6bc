"""Which endpoints of a Service a node may use.

This is kube-proxy's `CategorizeEndpoints` (pkg/proxy/topology.go). For every Service port a node makes two lists:

* the *cluster* list, for traffic under the Cluster policy: all ready endpoints, narrowed by topology hints;
* the *local* list, for traffic under the Local policy: the ready endpoints on this node.

When nothing in a list is ready, endpoints that are terminating but still serving take its place (KEP-1669).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from lab.kube.kinds.endpointslice import Endpoint, EndpointSlice
from lab.network.addresses import family, join, normalize

PREFER_SAME_NODE = "PreferSameNode"
PREFER_SAME_ZONE = "PreferSameZone"
ANYWHERE = ""


class EndpointInfo(msgspec.Struct, frozen=True, gc=False):
    """One endpoint of one Service port, as the rules know it."""

    address: str
    """`IP:PORT`, what the destination is rewritten to."""
    ip: str
    port: int
    node: str = ""
    """Empty when the slice does not say; such an endpoint is local to no node."""
    pod: str = ""
    """`NAMESPACE/NAME` of the Pod behind it; empty when there is none."""
    ready: bool = True
    serving: bool = True
    terminating: bool = False
    zone_hints: tuple[str, ...] = ()
    node_hints: tuple[str, ...] = ()

    def local_to(self, node: str) -> bool:
        """Whether it runs on the node."""
        return node != "" and self.node == node

    @property
    def draining(self) -> bool:
        """Terminating, but still serving: good enough when nothing is ready."""
        return self.serving and self.terminating


class Categories(NamedTuple):
    """What `categorize` found for one Service port on one node."""

    cluster: tuple[EndpointInfo, ...] | None
    """None when the Service never uses this list."""
    local: tuple[EndpointInfo, ...] | None
    """None when the Service never uses this list."""
    reachable: tuple[EndpointInfo, ...]
    """The union of both, in the order of the endpoints."""
    has_any: bool
    """Whether any endpoint in the cluster is usable: decides between REJECT and DROP."""
    topology: str
    """PreferSameNode, PreferSameZone or empty: what narrowed the cluster list."""

    @property
    def only_remote(self) -> bool:
        """A Local policy applies, there are usable endpoints, and none of them is here."""
        return self.has_any and self.local == ()


def topology_of(endpoints: Iterable[EndpointInfo], node: str, zone: str) -> str:
    """How far hints narrow the cluster list: only ready endpoints count, and every one of them must have hints."""
    ready = [endpoint for endpoint in endpoints if endpoint.ready]
    if all(endpoint.node_hints for endpoint in ready) and any(node in endpoint.node_hints for endpoint in ready):
        return PREFER_SAME_NODE
    if not zone or not all(endpoint.zone_hints for endpoint in ready):
        return ANYWHERE
    return PREFER_SAME_ZONE if any(zone in endpoint.zone_hints for endpoint in ready) else ANYWHERE


def hinted(endpoint: EndpointInfo, topology: str, node: str, zone: str) -> bool:
    """Whether an endpoint's hints let this node use it."""
    if topology == PREFER_SAME_NODE:
        return node in endpoint.node_hints
    return topology == ANYWHERE or zone in endpoint.zone_hints


def categorize(
    endpoints: Sequence[EndpointInfo], node: str, zone: str, *, uses_cluster: bool, uses_local: bool
) -> Categories:
    """Sort a Service port's endpoints for one node; `uses_*` say which lists the Service's policies need."""
    topology = ANYWHERE
    cluster: tuple[EndpointInfo, ...] | None = None
    local: tuple[EndpointInfo, ...] | None = None
    if uses_cluster:
        topology = topology_of(endpoints, node, zone)
        ready = (e for e in endpoints if e.ready and hinted(e, topology, node, zone))
        cluster = tuple(ready) or tuple(e for e in endpoints if e.draining)
    if uses_local:
        # The fallback is decided on its own: a draining endpoint here is used even when ready ones exist elsewhere.
        here = [e for e in endpoints if e.local_to(node)]
        local = tuple(e for e in here if e.ready) or tuple(e for e in here if e.draining)
    used = {e.address for e in (*(cluster or ()), *(local or ()))}
    reachable = tuple(e for e in endpoints if e.address in used)
    has_any = any(e.ready or e.draining for e in endpoints)
    return Categories(cluster, local, reachable, has_any, topology)


PortKey = tuple[str, str]
"""(port name, protocol): what joins a Service's port to the ports of its slices."""


def endpoints_of_slice(slice_: EndpointSlice) -> dict[PortKey, tuple[EndpointInfo, ...]]:
    """The endpoints of one slice by port; only their first addresses count, and only ports with a number."""
    infos: dict[PortKey, tuple[EndpointInfo, ...]] = {}
    for port in slice_.ports:
        if port.port:
            found = [_info(endpoint, port.port) for endpoint in slice_.endpoints if endpoint.addresses]
            key = (port.name, port.protocol)
            infos[key] = (*infos.get(key, ()), *(e for e in found if family(e.ip) == slice_.address_type))
    return infos


def merge(slices: Iterable[dict[PortKey, tuple[EndpointInfo, ...]]]) -> dict[PortKey, tuple[EndpointInfo, ...]]:
    """All endpoints of a Service by port, in the order of their addresses.

    The same address counts once: the first that names its node, so that it is local to that node, else the first of
    all (pkg/proxy/endpointslicecache.go, addEndpoints).
    """
    merged: dict[PortKey, dict[str, EndpointInfo]] = {}
    for infos in slices:
        for key, endpoints in infos.items():
            known = merged.setdefault(key, {})
            for endpoint in endpoints:
                held = known.get(endpoint.address)
                if held is None or (endpoint.node and not held.node):
                    known[endpoint.address] = endpoint
    return {key: tuple(known[address] for address in sorted(known)) for key, known in merged.items() if known}


def _info(endpoint: Endpoint, port: int) -> EndpointInfo:
    conditions = endpoint.conditions
    ready = conditions.ready is not False
    ip = normalize(endpoint.addresses[0])
    target = endpoint.target_ref
    hints = endpoint.hints
    return EndpointInfo(
        address=join(ip, port),
        ip=ip,
        port=port,
        node=endpoint.node_name,
        pod=f"{target.namespace}/{target.name}" if target is not None and target.kind == "Pod" else "",
        ready=ready,
        serving=ready if conditions.serving is None else conditions.serving,
        terminating=conditions.terminating is True,
        zone_hints=tuple(zone.name for zone in hints.for_zones) if hints else (),
        node_hints=tuple(node.name for node in hints.for_nodes) if hints else (),
    )
