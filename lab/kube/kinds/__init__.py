"""Every kind that the lab simulates: one small file each, and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lab.kube.builtin import BuiltIn, find_built_in, group_of
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
    """A kind that is simulated: the struct of its objects; what it is called stands in `lab.kube.builtin`."""

    struct: type[KubeObject]
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

    @cached_property
    def known(self) -> BuiltIn:
        """What Kubernetes calls it, and where its objects live."""
        found = find_built_in(group_of(self.api_version), self.name)
        assert found is not None, self.name
        return found

    @property
    def plural(self) -> str:
        """`pods`, `services` and so on."""
        return self.known.plural

    @property
    def short(self) -> tuple[str, ...]:
        """`po`, `svc` and so on."""
        return self.known.short

    @property
    def namespaced(self) -> bool:
        """Whether its objects live in namespaces."""
        return self.known.namespaced


KINDS: tuple[Kind, ...] = (
    Kind(Namespace),
    Kind(Node),
    Kind(Lease),
    Kind(ConfigMap),
    Kind(Secret),
    Kind(Pod),
    Kind(ReplicaSet, older_versions=("extensions/v1beta1", "apps/v1beta2")),
    Kind(Deployment, older_versions=("extensions/v1beta1", "apps/v1beta1", "apps/v1beta2")),
    Kind(StatefulSet, older_versions=("apps/v1beta1", "apps/v1beta2")),
    Kind(HorizontalPodAutoscaler, older_versions=("autoscaling/v2beta2",), conversions={"autoscaling/v1": from_v1}),
    Kind(PodDisruptionBudget, older_versions=("policy/v1beta1",)),
    Kind(ResourceQuota),
    Kind(DaemonSet, older_versions=("extensions/v1beta1", "apps/v1beta2")),
    Kind(ControllerRevision, older_versions=("apps/v1beta1", "apps/v1beta2")),
    Kind(CronJob, older_versions=("batch/v1beta1", "batch/v2alpha1")),
    Kind(Job),
    Kind(Service),
    Kind(NetworkPolicy, older_versions=("extensions/v1beta1",)),
    Kind(EndpointSlice, older_versions=("discovery.k8s.io/v1beta1",)),
    Kind(Endpoints),
    Kind(ServiceCIDR, older_versions=("networking.k8s.io/v1beta1", "networking.k8s.io/v1alpha1")),
    Kind(IPAddress, older_versions=("networking.k8s.io/v1beta1", "networking.k8s.io/v1alpha1")),
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
