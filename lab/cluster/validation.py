"""What the API server refuses: names, Services, Pods and what makes them. Errors in its own words and order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from lab.cluster.errors import FieldError, Invalid, duplicate, forbidden, invalid, required, unsupported
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.pod import Container, Pod, PodSpec, PodTemplateSpec
from lab.kube.kinds.replicaset import ReplicaSet
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.kinds.statefulset import StatefulSet
from lab.kube.meta import KeptObject, KubeObject, LabelSelector
from lab.kube.selector import is_empty, matches
from lab.kube.struct import IntOrString

Errors = Iterator[FieldError]

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    f"with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    f"and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_PORT_RANGE = "must be between 1 and 65535, inclusive"
_PORT_NAME = re.compile(r"(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")


def check(new: KubeObject, old: KubeObject | None) -> KubeObject:
    """The object itself when it is valid (a store's admission hook); raises Invalid with everything that is wrong."""
    if isinstance(new, KeptObject):
        return new
    errors = list(_name(new)) if old is None else []
    rule = _RULES.get(type(new))
    if rule is not None:
        errors.extend(rule(new, old))
    if errors:
        raise Invalid(new.kind, new.name, errors)
    return new


def is_dns_label(text: str) -> bool:
    """Whether a text is an RFC 1123 label of at most 63 characters."""
    return len(text) <= 63 and re.fullmatch(_LABEL, text) is not None


def _name(obj: KubeObject) -> Errors:
    name, path = obj.metadata.name, "metadata.name"
    if isinstance(obj, Service | Namespace):
        yield from _dns(path, name, 63, _LABEL, _LABEL_RULE)
    else:
        yield from _dns(path, name, 253, _SUBDOMAIN, _SUBDOMAIN_RULE)
    if obj.metadata.namespace:
        yield from _dns("metadata.namespace", obj.metadata.namespace, 63, _LABEL, _LABEL_RULE)


def _dns(path: str, text: str, most: int, pattern: str, rule: str) -> Errors:
    if len(text) > most:
        yield invalid(path, text, f"must be no more than {most} characters")
    if not re.fullmatch(pattern, text):
        yield invalid(path, text, rule)


# -- Services -----------------------------------------------------------------------------------------------------


def _service(new: Service, old: Service | None) -> Errors:
    spec = new.spec
    if spec.type not in _SERVICE_TYPES:
        yield unsupported("spec.type", spec.type, _SERVICE_TYPES)
    if not spec.ports and spec.type != "ExternalName" and spec.cluster_ip != "None":
        yield required("spec.ports")
    yield from _service_ports(spec)
    yield from _cluster_ip(spec, old.spec if old is not None else None)
    if spec.type == "ExternalName" and not spec.external_name:
        yield required("spec.externalName")
    yield from _policies(spec)


def _service_ports(spec: ServiceSpec) -> Errors:
    names: dict[str, None] = {}
    ports: dict[tuple[str, int], None] = {}
    node_ports: dict[tuple[str, int], None] = {}
    for index, port in enumerate(spec.ports):
        path = f"spec.ports[{index}]"
        yield from _port_name(port, path, names, needed=len(spec.ports) > 1)
        yield from _port_number(f"{path}.port", port.port)
        if port.protocol not in _PROTOCOLS:
            yield unsupported(f"{path}.protocol", port.protocol, _PROTOCOLS)
        yield from _target_port(f"{path}.targetPort", port.target_port)
        if port.node_port and spec.type not in ("NodePort", "LoadBalancer"):
            yield forbidden(f"{path}.nodePort", f"may not be used when `type` is '{spec.type}'")
        if (port.protocol, port.port) in ports:
            yield duplicate(path, {"protocol": port.protocol, "port": port.port})
        if port.node_port and (port.protocol, port.node_port) in node_ports:
            yield duplicate(f"{path}.nodePort", port.node_port)
        ports[port.protocol, port.port] = None
        node_ports[port.protocol, port.node_port] = None


def _port_name(port: ServicePort, path: str, names: dict[str, None], *, needed: bool) -> Errors:
    if not port.name:
        if needed:
            yield required(f"{path}.name")
        return
    yield from _dns(f"{path}.name", port.name, 63, _LABEL, _LABEL_RULE)
    if port.name in names:
        yield duplicate(f"{path}.name", port.name)
    names[port.name] = None


def _port_number(path: str, number: int) -> Errors:
    if not 1 <= number <= 65535:
        yield invalid(path, number, _PORT_RANGE)


def _target_port(path: str, target: IntOrString | None) -> Errors:
    if isinstance(target, int):
        yield from _port_number(path, target)
    elif target is not None and not _PORT_NAME.fullmatch(target):
        detail = "must be an IANA service name: at most 15 of a-z, 0-9 and single '-', and at least one letter"
        yield invalid(path, target, detail)


def _cluster_ip(spec: ServiceSpec, old: ServiceSpec | None) -> Errors:
    if spec.cluster_ip == "None" and spec.type in ("NodePort", "LoadBalancer"):
        yield invalid("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {spec.type} services")
    if spec.type == "ExternalName" and spec.cluster_ip:
        yield forbidden("spec.clusterIPs", "may not be used when `type` is 'ExternalName'")
    if spec.cluster_ips and spec.cluster_ip and spec.cluster_ip != spec.cluster_ips[0]:
        yield invalid("spec.clusterIPs", list(spec.cluster_ips), "first value must match `clusterIP`")
    fixed = old is not None and "ExternalName" not in (old.type, spec.type) and old.cluster_ip
    if fixed and spec.cluster_ip != fixed:
        yield invalid("spec.clusterIPs[0]", [spec.cluster_ip], "may not change once set")


def _policies(spec: ServiceSpec) -> Errors:
    outward = spec.type in ("NodePort", "LoadBalancer") or bool(spec.external_ips)
    if spec.external_traffic_policy and not outward:
        detail = "may only be set for externally-accessible services"
        yield invalid("spec.externalTrafficPolicy", spec.external_traffic_policy, detail)
    elif spec.external_traffic_policy not in ("", "Cluster", "Local"):
        yield unsupported("spec.externalTrafficPolicy", spec.external_traffic_policy, ("Cluster", "Local"))
    if spec.internal_traffic_policy not in (None, "Cluster", "Local"):
        yield unsupported("spec.internalTrafficPolicy", spec.internal_traffic_policy, ("Cluster", "Local"))
    if spec.session_affinity not in ("None", "ClientIP"):
        yield unsupported("spec.sessionAffinity", spec.session_affinity, ("ClientIP", "None"))
    config = spec.session_affinity_config
    timeout = config.client_ip.timeout_seconds if config is not None and config.client_ip is not None else None
    if timeout is not None and not 1 <= timeout <= 86400:
        path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
        yield invalid(path, timeout, "must be greater than 0 and less than or equal to 86400")


# -- Pods -----------------------------------------------------------------------------------------------------------


def _pod(new: Pod, old: Pod | None) -> Errors:
    if old is None:
        yield from _pod_spec(new.spec, "spec")


def _pod_spec(spec: PodSpec, path: str) -> Errors:
    if not spec.containers:
        yield required(f"{path}.containers")
    if spec.restart_policy not in ("Always", "OnFailure", "Never"):
        yield unsupported(f"{path}.restartPolicy", spec.restart_policy, ("Always", "OnFailure", "Never"))
    names: dict[str, None] = {}
    for field, containers in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        for index, container in enumerate(containers):
            at = f"{path}.{field}[{index}]"
            yield from _container(container, at)
            if container.name in names:
                yield duplicate(f"{at}.name", container.name)
            names[container.name] = None


def _container(container: Container, path: str) -> Errors:
    if not container.name:
        yield required(f"{path}.name")
    else:
        yield from _dns(f"{path}.name", container.name, 63, _LABEL, _LABEL_RULE)
    if not container.image:
        yield required(f"{path}.image")
    for index, port in enumerate(container.ports):
        yield from _port_number(f"{path}.ports[{index}].containerPort", port.container_port)
        if port.protocol not in _PROTOCOLS:
            yield unsupported(f"{path}.ports[{index}].protocol", port.protocol, _PROTOCOLS)


# -- what makes Pods --------------------------------------------------------------------------------------------------


def _workload(replicas: int, selector: LabelSelector, template: PodTemplateSpec) -> Errors:
    if replicas < 0:
        yield invalid("spec.replicas", replicas, "must be greater than or equal to 0")
    labels = template.metadata.labels
    if is_empty(selector):
        yield required("spec.selector")
    elif not matches(selector, labels):
        yield invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    yield from _pod_spec(template.spec, "spec.template.spec")
    policy = template.spec.restart_policy
    if policy in ("OnFailure", "Never"):
        yield unsupported("spec.template.spec.restartPolicy", policy, ("Always",))


def _unchanged_selector(new: LabelSelector, old: LabelSelector) -> Errors:
    if new != old:
        yield invalid("spec.selector", new.match_labels, "field is immutable")


def _deployment(new: Deployment, old: Deployment | None) -> Errors:
    spec = new.spec
    yield from _workload(spec.replicas, spec.selector, spec.template)
    if spec.strategy.type not in ("Recreate", "RollingUpdate"):
        yield unsupported("spec.strategy.type", spec.strategy.type, ("Recreate", "RollingUpdate"))
    update = spec.strategy.rolling_update
    path = "spec.strategy.rollingUpdate"
    if update is not None and spec.strategy.type == "Recreate":
        yield forbidden(path, "may not be specified when strategy `type` is 'Recreate'")
    elif update is not None:
        yield from _amount(f"{path}.maxSurge", update.max_surge)
        yield from _amount(f"{path}.maxUnavailable", update.max_unavailable)
        if _is_zero(update.max_surge) and _is_zero(update.max_unavailable):
            yield invalid(f"{path}.maxUnavailable", update.max_unavailable, "may not be 0 when `maxSurge` is 0")
    if old is not None:
        yield from _unchanged_selector(spec.selector, old.spec.selector)


def _amount(path: str, value: IntOrString | None) -> Errors:
    if isinstance(value, str) and not re.fullmatch(r"[0-9]+%", value):
        detail = "a valid percent string must be a numeric string followed by an ending '%'"
        yield invalid(path, value, f"{detail} (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')")
    elif isinstance(value, int) and value < 0:
        yield invalid(path, value, "must be greater than or equal to 0")


def _is_zero(value: IntOrString | None) -> bool:
    return value in (0, "0%")


def _replica_set(new: ReplicaSet, old: ReplicaSet | None) -> Errors:
    yield from _workload(new.spec.replicas, new.spec.selector, new.spec.template)
    if old is not None:
        yield from _unchanged_selector(new.spec.selector, old.spec.selector)


def _stateful_set(new: StatefulSet, old: StatefulSet | None) -> Errors:
    yield from _workload(new.spec.replicas, new.spec.selector, new.spec.template)
    if old is not None:
        yield from _unchanged_selector(new.spec.selector, old.spec.selector)


_RULES: dict[type[KubeObject], Callable[[Any, Any], Errors]] = {
    Service: _service,
    Pod: _pod,
    Deployment: _deployment,
    ReplicaSet: _replica_set,
    StatefulSet: _stateful_set,
}
