"""From a Service and a Pod to an endpoint: addresses, conditions, resolved ports, labels and hints.

Pure functions. KEP-1672 (conditions), KEP-4444 and KEP-3015 (trafficDistribution), KEP-752 (EndpointSlices).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from lab.kube.kinds.endpointslice import (
    HEADLESS_LABEL,
    MANAGED_BY_LABEL,
    SERVICE_NAME_LABEL,
    Endpoint,
    EndpointConditions,
    EndpointHints,
    EndpointPort,
    ForNode,
    ForZone,
    ObjectReference,
)
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Container, Pod
from lab.kube.kinds.service import Service, ServicePort

CONTROLLER_NAME = "endpointslice-controller.k8s.io"
TOPOLOGY_ANNOTATIONS = ("service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints")
RESERVED_LABELS = (SERVICE_NAME_LABEL, MANAGED_BY_LABEL, HEADLESS_LABEL)


def address_types(service: Service) -> tuple[str, ...]:
    """The families that a Service wants endpoints of; headless ones that name none want both."""
    spec = service.spec
    if spec.ip_families:
        return spec.ip_families
    if spec.cluster_ip and spec.cluster_ip != "None":
        return (_family(spec.cluster_ip),)
    return ("IPv4", "IPv6")


def slice_labels(service: Service) -> dict[str, str]:
    """The labels of a Service's slices: its own except the reserved ones, and those."""
    labels = own_labels(service.metadata.labels)
    if service.spec.cluster_ip in ("", "None"):
        labels[HEADLESS_LABEL] = ""
    return {**labels, SERVICE_NAME_LABEL: service.name, MANAGED_BY_LABEL: CONTROLLER_NAME}


def own_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels without the reserved ones; only a difference in these makes a slice be written again."""
    return {key: value for key, value in labels.items() if key not in RESERVED_LABELS}


def belongs(pod: Pod) -> bool:
    """Whether a selected Pod is an endpoint at all: it has an address and has not ended; terminating ones stay."""
    return not pod.finished and bool(pod.status.pod_ip or pod.status.pod_ips)


def address_of(pod: Pod, address_type: str) -> str:
    """The Pod's address of a family; empty when it has none."""
    status = pod.status
    for entry in status.pod_ips:
        if _family(entry.ip) == address_type:
            return entry.ip
    alone = status.pod_ip if not status.pod_ips else ""
    return alone if alone and _family(alone) == address_type else ""


def endpoint_of(pod: Pod, service: Service, node: Node | None, address_type: str) -> Endpoint:
    """The endpoint for a Pod; rules 20 and 21 of the API reference: conditions, hostname, zone."""
    serving = pod.ready
    ready = service.spec.publish_not_ready_addresses or (serving and not pod.terminating)
    named = pod.spec.subdomain == service.name and pod.namespace == service.namespace
    endpoint = Endpoint(
        addresses=(address_of(pod, address_type),),
        conditions=EndpointConditions(ready=ready, serving=serving, terminating=pod.terminating),
        hostname=pod.spec.hostname if named else "",
        target_ref=ObjectReference(kind="Pod", namespace=pod.namespace, name=pod.name, uid=pod.metadata.uid),
        node_name=pod.spec.node_name,
        zone=node.zone if node is not None else "",
    )
    hints = hints_for(service, endpoint)
    return endpoint if hints is None else replace(endpoint, hints=hints)


def hints_for(service: Service, endpoint: Endpoint) -> EndpointHints | None:
    """Who should use an endpoint by the Service's trafficDistribution; only ready ones are hinted.

    The older annotation `Auto` takes precedence and turns these hints off.
    """
    wish = service.spec.traffic_distribution
    if wish not in ("PreferClose", "PreferSameZone", "PreferSameNode") or not endpoint.conditions.ready:
        return None
    if topology_mode_auto(service):
        return None
    zones = (ForZone(name=endpoint.zone),) if endpoint.zone else ()
    same_node = wish == "PreferSameNode" and endpoint.node_name
    nodes = (ForNode(name=endpoint.node_name),) if same_node else ()
    return EndpointHints(for_zones=zones, for_nodes=nodes) if zones or nodes else None


def topology_mode_auto(service: Service) -> bool:
    """Whether the annotation asks for topology-aware hints (KEP-2433)."""
    annotations = service.metadata.annotations
    return any(annotations.get(name) in ("Auto", "auto") for name in TOPOLOGY_ANNOTATIONS)


def resolved_ports(service: Service, pod: Pod) -> tuple[EndpointPort, ...]:
    """The Service's ports as numbers on this Pod; a name that no container declares leaves its port out."""
    found = []
    for port in service.spec.ports:
        number = _target_number(port, pod)
        if number is not None:
            found.append(
                EndpointPort(name=port.name, protocol=port.protocol, port=number, app_protocol=port.app_protocol)
            )
    return tuple(found)


def _target_number(port: ServicePort, pod: Pod) -> int | None:
    target = port.target_port
    if target is None or target == 0 or target == "":
        return port.port
    if isinstance(target, int):
        return target
    sidecars = [container for container in pod.spec.init_containers if container.restart_policy == "Always"]
    return _declared((*pod.spec.containers, *sidecars), target, port.protocol)


def _declared(containers: tuple[Container, ...], name: str, protocol: str) -> int | None:
    for container in containers:
        for port in container.ports:
            if port.name == name and port.protocol == protocol:
                return port.container_port
    return None


def _family(address: str) -> str:
    return "IPv6" if ":" in address else "IPv4"
