"""What Pods, and what makes them, must say."""

from __future__ import annotations

import re

from lab.cluster.errors import duplicate, forbidden, invalid, required, unsupported
from lab.cluster.validation.names import Errors, faulty, label_errors, label_faults, qualified_name_faults
from lab.cluster.validation.pod_update import pod_update_errors
from lab.cluster.validation.service_ports import port_number_errors, protocol_errors
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.pod import Container, Pod, PodSpec, PodTemplateSpec, Probe
from lab.kube.kinds.replicaset import ReplicaSet
from lab.kube.meta import LabelSelector
from lab.kube.selector import is_empty, matches
from lab.kube.struct import IntOrString

# -- Pods -----------------------------------------------------------------------------------------------------------


def pod_errors(new: Pod, old: Pod | None) -> Errors:
    """What is wrong with a new Pod, or with what is to change of one."""
    if old is None:
        yield from pod_spec_errors(new.spec, "spec")
    elif new.spec is not old.spec:
        yield from pod_update_errors(new.spec, old.spec)


def pod_spec_errors(spec: PodSpec, path: str) -> Errors:
    """What is wrong with what a Pod is to run."""
    if not spec.containers:
        yield required(f"{path}.containers")
    if spec.restart_policy not in ("Always", "OnFailure", "Never"):
        yield unsupported(f"{path}.restartPolicy", spec.restart_policy, ("Always", "OnFailure", "Never"))
    names: dict[str, None] = {}
    for field, containers in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        for index, container in enumerate(containers):
            at = f"{path}.{field}[{index}]"
            yield from _container(container, at)
            yield from _hooks(container, at, spec.termination_grace_period_seconds)
            if field == "initContainers" and container.restart_policy != "Always":
                yield from _only_for_those_that_stay(container, at)
            if container.name in names:
                yield duplicate(f"{at}.name", container.name)
            names[container.name] = None
    for index, gate in enumerate(spec.readiness_gates):
        faults = qualified_name_faults(gate.condition_type)
        yield from faulty(f"{path}.readinessGates[{index}].conditionType", gate.condition_type, faults)


def _container(container: Container, path: str) -> Errors:
    if not container.name:
        yield required(f"{path}.name")
    else:
        yield from faulty(f"{path}.name", container.name, label_faults(container.name))
    if not container.image:
        yield required(f"{path}.image")
    elif container.image != container.image.strip():
        yield invalid(f"{path}.image", container.image, "must not have leading or trailing whitespace")
    for index, port in enumerate(container.ports):
        yield from port_number_errors(f"{path}.ports[{index}].containerPort", port.container_port)
        yield from protocol_errors(f"{path}.ports[{index}].protocol", port.protocol)
    for field, probe in (
        ("livenessProbe", container.liveness_probe),
        ("readinessProbe", container.readiness_probe),
        ("startupProbe", container.startup_probe),
    ):
        if probe is not None:
            yield from _probe(probe, f"{path}.{field}")
            if field != "readinessProbe" and probe.success_threshold not in (None, 0, 1):
                yield invalid(f"{path}.{field}.successThreshold", probe.success_threshold, "must be 1")
            grace_s = probe.termination_grace_period_seconds
            if field == "readinessProbe" and grace_s is not None:
                at = f"{path}.{field}.terminationGracePeriodSeconds"
                yield invalid(at, grace_s, "must not be set for readinessProbes")


def _only_for_those_that_stay(container: Container, path: str) -> Errors:
    """What an init container that runs to its end cannot have (KEP-753)."""
    for field, value in (
        ("lifecycle", container.lifecycle),
        ("livenessProbe", container.liveness_probe),
        ("readinessProbe", container.readiness_probe),
        ("startupProbe", container.startup_probe),
    ):
        if value is not None:
            yield forbidden(f"{path}.{field}", "may not be set for init containers without restartPolicy=Always")


def _hooks(container: Container, path: str, grace_s: float | None) -> Errors:
    """A hook's `sleep` fits in the Pod's grace (KEP-3960, KEP-4818)."""
    hooks = container.lifecycle
    for field, hook in (("postStart", hooks and hooks.post_start), ("preStop", hooks and hooks.pre_stop)):
        seconds = hook.sleep.seconds if hook and hook.sleep is not None else 0
        if grace_s is not None and not 0 <= seconds <= grace_s:
            why = f"must be non-negative and less than terminationGracePeriodSeconds ({grace_s:g})"
            yield invalid(f"{path}.lifecycle.{field}.sleep", seconds, why)


def _probe(probe: Probe, path: str) -> Errors:
    """Numbers below zero; zero stands for the default, which is filled in before this looks (validateProbe)."""
    handlers = [each for each in (probe.exec, probe.http_get, probe.tcp_socket, probe.grpc) if each is not None]
    if len(handlers) > 1:
        yield forbidden(path, "may not specify more than 1 handler type")
    elif not handlers:
        yield required(path, "must specify a handler type")
    for field, value in (
        ("initialDelaySeconds", probe.initial_delay_seconds),
        ("timeoutSeconds", probe.timeout_seconds),
        ("periodSeconds", probe.period_seconds),
        ("successThreshold", probe.success_threshold),
        ("failureThreshold", probe.failure_threshold),
    ):
        if value is not None and value < 0:
            yield invalid(f"{path}.{field}", value, "must be greater than or equal to 0")
    grace_s = probe.termination_grace_period_seconds
    if grace_s is not None and grace_s <= 0:
        yield invalid(f"{path}.terminationGracePeriodSeconds", grace_s, "must be greater than 0")


# -- what makes Pods --------------------------------------------------------------------------------------------------


def not_negative(path: str, value: float | None) -> Errors:
    """A number below zero."""
    if value is not None and value < 0:
        yield invalid(path, value, "must be greater than or equal to 0")


def workload_errors(selector: LabelSelector, template: PodTemplateSpec) -> Errors:
    """What is wrong with the selector and the Pod template of what makes Pods that run for ever."""
    labels = template.metadata.labels
    if is_empty(selector):
        yield required("spec.selector")
    elif not matches(selector, labels):
        yield invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    yield from label_errors(labels, "spec.template.metadata.labels")
    yield from pod_spec_errors(template.spec, "spec.template.spec")
    policy = template.spec.restart_policy
    if policy in ("OnFailure", "Never"):
        yield unsupported("spec.template.spec.restartPolicy", policy, ("Always",))


def unchanged_selector_errors(new: LabelSelector, old: LabelSelector) -> Errors:
    """A selector is for ever."""
    if new != old:
        yield invalid("spec.selector", new.match_labels, "field is immutable")


def deployment_errors(new: Deployment, old: Deployment | None) -> Errors:
    """What is wrong with a Deployment, or with its change from `old`."""
    spec = new.spec
    yield from not_negative("spec.replicas", spec.replicas)
    yield from workload_errors(spec.selector, spec.template)
    if spec.strategy.type not in ("Recreate", "RollingUpdate"):
        yield unsupported("spec.strategy.type", spec.strategy.type, ("Recreate", "RollingUpdate"))
    update = spec.strategy.rolling_update
    path = "spec.strategy.rollingUpdate"
    if update is not None and spec.strategy.type == "Recreate":
        yield forbidden(path, "may not be specified when strategy `type` is 'Recreate'")
    elif update is not None:
        yield from amount_errors(f"{path}.maxSurge", update.max_surge)
        yield from amount_errors(f"{path}.maxUnavailable", update.max_unavailable)
        yield from percentage_errors(f"{path}.maxUnavailable", update.max_unavailable)
        if is_zero(update.max_surge) and is_zero(update.max_unavailable):
            yield invalid(f"{path}.maxUnavailable", update.max_unavailable, "may not be 0 when `maxSurge` is 0")
    if old is not None:
        yield from unchanged_selector_errors(spec.selector, old.spec.selector)


def amount_errors(path: str, value: IntOrString | None) -> Errors:
    """What is neither a number nor a percentage."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]+%", value):
        detail = "a valid percent string must be a numeric string followed by an ending '%'"
        yield invalid(path, value, f"{detail} (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')")
    elif isinstance(value, int) and value < 0:
        yield invalid(path, value, "must be greater than or equal to 0")


def percentage_errors(path: str, value: IntOrString | None) -> Errors:
    """A percentage of more than all there is."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]+%", value) and int(value[:-1]) > 100:
        yield invalid(path, value, "must not be greater than 100%")


def is_zero(value: IntOrString | None) -> bool:
    """Whether it is none at all of whatever there is."""
    return value in (0, "0%")


def replica_set_errors(new: ReplicaSet, old: ReplicaSet | None) -> Errors:
    """What is wrong with a ReplicaSet, or with its change from `old`."""
    yield from not_negative("spec.replicas", new.spec.replicas)
    yield from workload_errors(new.spec.selector, new.spec.template)
    if old is not None:
        yield from unchanged_selector_errors(new.spec.selector, old.spec.selector)
