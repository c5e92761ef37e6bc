"""Every kind that the lab simulates: one small file each, and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lab.kube.builtin import find_built_in, group_of
from lab.kube.kinds.configmap import ConfigMap
from lab.kube.kinds.controllerrevision import ControllerRevision
from lab.kube.kinds.cronjob import CronJob
from lab.kube.kinds.daemonset import DaemonSet
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.endpoints import Endpoints
from lab.kube.kinds.endpointslice import EndpointSlice
from lab.kube.kinds.horizontalpodautoscaler import HorizontalPodAutoscaler, from_v1
from lab.kube.kinds.ipaddress import IPAddress
from lab.kube.kinds.job import Job
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.networkpolicy import NetworkPolicy
from lab.kube.kinds.node import Lease, Node
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.poddisruptionbudget import PodDisruptionBudget
from lab.kube.kinds.replicaset import ReplicaSet
from lab.kube.kinds.resourcequota import ResourceQuota
from lab.kube.kinds.secret import Secret
from lab.kube.kinds.service import Service
from lab.kube.kinds.servicecidr import ServiceCIDR
from lab.kube.kinds.statefulset import StatefulSet
from lab.kube.meta import KubeObject
from lab.kube.yaml_tree import Node as Value

Conversion = Callable[[dict[str, Value]], dict[str, Value]]
"""Turns the fields of an older version's object into those of the current one."""


@dataclass(frozen=True)
class Kind:
    """What the API calls a kind, and the struct that holds its objects."""

    struct: type[KubeObject]
    plural: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    older_versions: tuple[str, ...] = ()
    """apiVersions that mean the same here and are read as the current one."""
    conversions: Mapping[str, Conversion] = field(default_factory=dict, hash=False)
    """apiVersions that say it in another way, and how each is turned into the current one."""

    @property
    def name(self) -> str:
        """`Pod`, `Service` and so on."""
        return self.struct.__name__

    @property
    def api_version(self) -> str:
        """The apiVersion that is written."""
        return str(self.struct().api_version)


KINDS: tuple[Kind, ...] = (
    Kind(Namespace, "namespaces", ("ns",), namespaced=False),
    Kind(Node, "nodes", ("no",), namespaced=False),
    Kind(Lease, "leases"),
    Kind(ConfigMap, "configmaps", ("cm",)),
    Kind(Secret, "secrets"),
    Kind(Pod, "pods", ("po",)),
    Kind(ReplicaSet, "replicasets", ("rs",), older_versions=("extensions/v1beta1", "apps/v1beta2")),
    Kind(Deployment, "deployments", ("deploy",), older_versions=("extensions/v1beta1", "apps/v1beta1", "apps/v1beta2")),
    Kind(StatefulSet, "statefulsets", ("sts",), older_versions=("apps/v1beta1", "apps/v1beta2")),
    Kind(
        HorizontalPodAutoscaler,
        "horizontalpodautoscalers",
        ("hpa",),
        older_versions=("autoscaling/v2beta2",),
        conversions={"autoscaling/v1": from_v1},
    ),
    Kind(PodDisruptionBudget, "poddisruptionbudgets", ("pdb",), older_versions=("policy/v1beta1",)),
    Kind(ResourceQuota, "resourcequotas", ("quota",)),
    Kind(DaemonSet, "daemonsets", ("ds",), older_versions=("extensions/v1beta1", "apps/v1beta2")),
    Kind(ControllerRevision, "controllerrevisions", older_versions=("apps/v1beta1", "apps/v1beta2")),
    Kind(CronJob, "cronjobs", ("cj",), older_versions=("batch/v1beta1", "batch/v2alpha1")),
    Kind(Job, "jobs"),
    Kind(Service, "services", ("svc",)),
    Kind(NetworkPolicy, "networkpolicies", ("netpol",), older_versions=("extensions/v1beta1",)),
    Kind(EndpointSlice, "endpointslices", ("eps",), older_versions=("discovery.k8s.io/v1beta1",)),
    Kind(Endpoints, "endpoints", ("ep",)),
    Kind(
        ServiceCIDR,
        "servicecidrs",
        namespaced=False,
        older_versions=("networking.k8s.io/v1beta1", "networking.k8s.io/v1alpha1"),
    ),
    Kind(
        IPAddress,
        "ipaddresses",
        ("ip",),
        namespaced=False,
        older_versions=("networking.k8s.io/v1beta1", "networking.k8s.io/v1alpha1"),
    ),
)

CUSTOM_WITHOUT_NAMESPACE = ("GatewayClass",)
"""Custom resources that live in no namespace."""

BY_NAME: dict[str, Kind] = {kind.name: kind for kind in KINDS}


def plural_of(kind: str) -> str:
    """The resource of a kind that nobody knows, guessed as apimachinery does: `ingresses` for `Ingress`."""
    name = kind.lower()
    if name.endswith("s"):
        return f"{name}es"
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}s"


def find_kind(word: str) -> Kind | None:
    """The kind that a user means by `pods`, `pod`, `po` or `Pod`; None when there is no such kind."""
    wanted = word.lower()
    for kind in KINDS:
        if wanted in (kind.name.lower(), kind.plural, *kind.short):
            return kind
    return None


def find_api(api_version: str, kind: str) -> Kind | None:
    """The kind that a manifest means; None when the lab does not simulate it in that API group."""
    found = BY_NAME.get(kind)
    versions = (found.api_version, *found.older_versions, *found.conversions) if found else ()
    return found if api_version in versions else None


def is_namespaced(obj: KubeObject) -> bool:
    """Whether an object lives in a namespace; kinds that nobody knows are taken to."""
    known = find_api(obj.api_version, obj.kind) or find_built_in(group_of(obj.api_version), obj.kind)
    return known.namespaced if known is not None else obj.kind not in CUSTOM_WITHOUT_NAMESPACE
