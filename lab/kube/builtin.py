"""Every kind that Kubernetes itself has: what its API and its users call it, and where its objects live.

What `kubectl api-resources` prints for 1.37, and the kinds that can only be written. Which of them the lab simulates
stands in `lab/kube/kinds/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class BuiltIn(NamedTuple):
    """A kind of Kubernetes' own."""

    kind: str
    plural: str
    api_version: str
    """That of the newest stable version, such as `apps/v1`."""
    short: tuple[str, ...]
    namespaced: bool
    status: bool
    """Whether its status is a resource of its own, which writes of the object itself leave alone."""
    listed: bool
    """Whether it has objects that can be listed; a Binding or an Eviction can only be written."""

    @property
    def group(self) -> str:
        """`apps` for `apps/v1`, and nothing for the core group's `v1`."""
        return group_of(self.api_version)


def group_of(api_version: str) -> str:
    """`apps` for `apps/v1`, and nothing for the core group's `v1`."""
    return api_version.rpartition("/")[0]


_TABLE: dict[str, tuple[str, ...]] = {
    "v1": (
        "Binding bindings written",
        "ComponentStatus componentstatuses cs cluster",
        "ConfigMap configmaps cm",
        "Endpoints endpoints ep",
        "Event events ev",
        "LimitRange limitranges limits",
        "List lists written",
        "Namespace namespaces ns cluster status",
        "Node nodes no cluster status",
        "PersistentVolume persistentvolumes pv cluster status",
        "PersistentVolumeClaim persistentvolumeclaims pvc status",
        "Pod pods po status",
        "PodTemplate podtemplates",
        "ReplicationController replicationcontrollers rc status",
        "ResourceQuota resourcequotas quota status",
        "Secret secrets",
        "Service services svc status",
        "ServiceAccount serviceaccounts sa",
    ),
    "admissionregistration.k8s.io/v1": (
        "MutatingAdmissionPolicy mutatingadmissionpolicies cluster",
        "MutatingAdmissionPolicyBinding mutatingadmissionpolicybindings cluster",
        "MutatingWebhookConfiguration mutatingwebhookconfigurations cluster",
        "ValidatingAdmissionPolicy validatingadmissionpolicies cluster status",
        "ValidatingAdmissionPolicyBinding validatingadmissionpolicybindings cluster",
        "ValidatingWebhookConfiguration validatingwebhookconfigurations cluster",
    ),
    "apiextensions.k8s.io/v1": ("CustomResourceDefinition customresourcedefinitions crd crds cluster status",),
    "apiregistration.k8s.io/v1": ("APIService apiservices cluster status",),
    "apps/v1": (
        "ControllerRevision controllerrevisions",
        "DaemonSet daemonsets ds status",
        "Deployment deployments deploy status",
        "ReplicaSet replicasets rs status",
        "StatefulSet statefulsets sts status",
    ),
    "authentication.k8s.io/v1": (
        "SelfSubjectReview selfsubjectreviews cluster written",
        "TokenRequest tokenrequests written",
        "TokenReview tokenreviews cluster written",
    ),
    "authorization.k8s.io/v1": (
        "LocalSubjectAccessReview localsubjectaccessreviews written",
        "SelfSubjectAccessReview selfsubjectaccessreviews cluster written",
        "SelfSubjectRulesReview selfsubjectrulesreviews cluster written",
        "SubjectAccessReview subjectaccessreviews cluster written",
    ),
    "autoscaling/v2": ("HorizontalPodAutoscaler horizontalpodautoscalers hpa status",),
    "autoscaling/v1": ("Scale scales written",),
    "batch/v1": ("CronJob cronjobs cj status", "Job jobs status"),
    "certificates.k8s.io/v1": ("CertificateSigningRequest certificatesigningrequests csr cluster status",),
    "coordination.k8s.io/v1": ("Lease leases", "LeaseCandidate leasecandidates"),
    "discovery.k8s.io/v1": ("EndpointSlice endpointslices eps",),
    "events.k8s.io/v1": ("Event events ev",),
    "flowcontrol.apiserver.k8s.io/v1": (
        "FlowSchema flowschemas cluster status",
        "PriorityLevelConfiguration prioritylevelconfigurations cluster status",
    ),
    "networking.k8s.io/v1": (
        "IPAddress ipaddresses ip cluster",
        "Ingress ingresses ing status",
        "IngressClass ingressclasses cluster",
        "NetworkPolicy networkpolicies netpol",
        "ServiceCIDR servicecidrs cluster status",
    ),
    "node.k8s.io/v1": ("RuntimeClass runtimeclasses cluster",),
    "policy/v1": (
        "Eviction evictions written",
        "PodDisruptionBudget poddisruptionbudgets pdb status",
        "PodSecurityPolicy podsecuritypolicies psp cluster written",
    ),
    "rbac.authorization.k8s.io/v1": (
        "ClusterRole clusterroles cluster",
        "ClusterRoleBinding clusterrolebindings cluster",
        "Role roles",
        "RoleBinding rolebindings",
    ),
    "resource.k8s.io/v1": (
        "DeviceClass deviceclasses cluster",
        "ResourceClaim resourceclaims status",
        "ResourceClaimTemplate resourceclaimtemplates",
        "ResourceSlice resourceslices cluster",
    ),
    "scheduling.k8s.io/v1": (
        "PodGroup podgroups",
        "PriorityClass priorityclasses pc cluster",
        "Workload workloads",
    ),
    "storage.k8s.io/v1": (
        "CSIDriver csidrivers cluster",
        "CSINode csinodes cluster",
        "CSIStorageCapacity csistoragecapacities",
        "StorageClass storageclasses sc cluster",
        "VolumeAttachment volumeattachments cluster status",
        "VolumeAttributesClass volumeattributesclasses vac cluster",
    ),
}
"""By API version: kind, plural and short names, then what is so of it."""

_TRAITS = ("cluster", "status", "written")


def _read() -> Iterator[BuiltIn]:
    for api_version, rows in _TABLE.items():
        for row in rows:
            kind, plural, *rest = row.split()
            short = tuple(word for word in rest if word not in _TRAITS)
            cluster, status, written = (trait in rest for trait in _TRAITS)
            yield BuiltIn(kind, plural, api_version, short, not cluster, status, not written)


BUILT_IN: tuple[BuiltIn, ...] = tuple(_read())
_BY_GROUP: dict[tuple[str, str], BuiltIn] = {(each.group, each.kind): each for each in BUILT_IN}
GROUPS: dict[str, tuple[str, ...]] = {
    group: tuple(each.kind for each in BUILT_IN if each.group == group)
    for group in dict.fromkeys(each.group for each in BUILT_IN)
}
"""The kinds of each API group."""


def find_built_in(group: str, kind: str) -> BuiltIn | None:
    """The built-in kind of this name in an API group; None when there is none."""
    return _BY_GROUP.get((group, kind))
