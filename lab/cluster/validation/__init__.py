"""What the API server refuses, one file a subject. Errors in its own field paths, words and order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.cluster.errors import FieldError, Invalid
from lab.cluster.validation.autoscaling import autoscaler_errors
from lab.cluster.validation.budgets import disruption_budget_errors, resource_quota_errors
from lab.cluster.validation.config import config_map_errors, secret_errors
from lab.cluster.validation.cronjob import cron_job_errors
from lab.cluster.validation.daemonset import daemon_set_errors
from lab.cluster.validation.endpoints import endpoints_errors
from lab.cluster.validation.endpointslice import slice_errors
from lab.cluster.validation.job import job_errors
from lab.cluster.validation.metadata import metadata_errors
from lab.cluster.validation.names import Errors, NameRule, is_dns_label, label_faults, subdomain_faults
from lab.cluster.validation.networking import ip_address_errors, ip_address_name_faults, service_cidr_errors
from lab.cluster.validation.networkpolicy import network_policy_errors
from lab.cluster.validation.service import service_errors
from lab.cluster.validation.service_status import status_errors
from lab.cluster.validation.statefulset import stateful_set_errors
from lab.cluster.validation.workloads import deployment_errors, pod_errors, replica_set_errors
from lab.kube.kinds import KINDS
from lab.kube.kinds.configmap import ConfigMap
from lab.kube.kinds.cronjob import CronJob
from lab.kube.kinds.daemonset import DaemonSet
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.endpoints import Endpoints
from lab.kube.kinds.endpointslice import EndpointSlice
from lab.kube.kinds.horizontalpodautoscaler import HorizontalPodAutoscaler
from lab.kube.kinds.ipaddress import IPAddress
from lab.kube.kinds.job import Job
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.networkpolicy import NetworkPolicy
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.poddisruptionbudget import PodDisruptionBudget
from lab.kube.kinds.replicaset import ReplicaSet
from lab.kube.kinds.resourcequota import ResourceQuota
from lab.kube.kinds.secret import Secret
from lab.kube.kinds.service import Service
from lab.kube.kinds.servicecidr import ServiceCIDR
from lab.kube.kinds.statefulset import StatefulSet
from lab.kube.meta import KeptObject, KubeObject
from lab.kube.versions import Features

__all__ = ["check", "errors_of", "is_dns_label", "service_errors", "status_errors"]


def check(new: KubeObject, old: KubeObject | None, features: Features) -> KubeObject:
    """The object itself when it is valid; raises Invalid with everything that is wrong."""
    errors = errors_of(new, old, features)
    if errors:
        raise Invalid(new.kind, new.name, errors)
    return new


def errors_of(new: KubeObject, old: KubeObject | None, features: Features) -> list[FieldError]:
    """Everything that is wrong with an object before the allocator has seen it, or with its change from `old`."""
    if isinstance(new, KeptObject):
        return []
    if isinstance(new, Service):
        before = old if isinstance(old, Service) else None
        errors = list(service_errors(new, before, features, allocated=False))
        if new.status.load_balancer.ingress:
            errors.extend(status_errors(new, before, features))
        return errors
    errors = []
    if old is None or old.metadata is not new.metadata:
        errors.extend(metadata_errors(new.metadata, _name_rule(new), namespaced=_NAMESPACED[type(new)]))
    rule = _RULES.get(type(new))
    if rule is not None:
        errors.extend(rule(new, old))
    return errors


def _name_rule(obj: KubeObject) -> NameRule:
    return _NAMES.get(type(obj), subdomain_faults)


_NAMESPACED: dict[type[KubeObject], bool] = {kind.struct: kind.namespaced for kind in KINDS}

_NAMES: dict[type[KubeObject], NameRule] = {
    Namespace: label_faults,
    StatefulSet: label_faults,
    IPAddress: ip_address_name_faults,
}
"""What a kind asks of its names where it is not an RFC 1123 subdomain."""

_RULES: dict[type[KubeObject], Callable[[Any, Any], Errors]] = {
    ConfigMap: config_map_errors,
    Secret: secret_errors,
    Pod: pod_errors,
    Deployment: deployment_errors,
    ReplicaSet: replica_set_errors,
    StatefulSet: stateful_set_errors,
    HorizontalPodAutoscaler: autoscaler_errors,
    PodDisruptionBudget: disruption_budget_errors,
    ResourceQuota: resource_quota_errors,
    DaemonSet: daemon_set_errors,
    Job: job_errors,
    CronJob: cron_job_errors,
    EndpointSlice: slice_errors,
    Endpoints: endpoints_errors,
    ServiceCIDR: service_cidr_errors,
    IPAddress: ip_address_errors,
    NetworkPolicy: network_policy_errors,
}
