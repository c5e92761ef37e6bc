"""The kinds that Kubernetes itself has in its API groups, to tell a misspelt kind from one of a custom resource."""

from __future__ import annotations

from lab.cluster.errors import group_of
from lab.kube.errors import nearest
from lab.kube.kinds import BY_NAME, find_api

BUILT_IN: dict[str, tuple[str, ...]] = {
    "": (
        *("Binding", "ComponentStatus", "ConfigMap", "Endpoints", "Event", "LimitRange", "List", "Namespace", "Node"),
        *("PersistentVolume", "PersistentVolumeClaim", "Pod", "PodTemplate", "ReplicationController", "ResourceQuota"),
        *("Secret", "Service", "ServiceAccount"),
    ),
    "apps": ("ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"),
    "batch": ("CronJob", "Job"),
    "autoscaling": ("HorizontalPodAutoscaler", "Scale"),
    "policy": ("Eviction", "PodDisruptionBudget", "PodSecurityPolicy"),
    "discovery.k8s.io": ("EndpointSlice",),
    "networking.k8s.io": ("IPAddress", "Ingress", "IngressClass", "NetworkPolicy", "ServiceCIDR"),
    "rbac.authorization.k8s.io": ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
    "storage.k8s.io": (
        *("CSIDriver", "CSINode", "CSIStorageCapacity", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"),
    ),
    "coordination.k8s.io": ("Lease", "LeaseCandidate"),
    "scheduling.k8s.io": ("PriorityClass", "PodGroup", "Workload"),
}


def no_such_kind(api_version: str, kind: str) -> str:
    """What kubectl says of a kind that its API group does not have, or not in that version.

    Empty for those that it has, and for groups that are not Kubernetes' own.
    """
    known = BUILT_IN.get(group_of(api_version))
    if known is None or (kind in known and _is_version_of(api_version, kind)):
        return ""
    elsewhere = next((_newest(group, kind) for group, kinds in BUILT_IN.items() if kind in kinds), "")
    hint = f"; it is in {elsewhere}" if elsewhere else nearest(kind, known)
    return f'no matches for kind "{kind}" in version "{api_version}"{hint}'


def _is_version_of(api_version: str, kind: str) -> bool:
    """Whether a group may have a kind in a version; of kinds that the lab does not simulate it knows the group only."""
    if kind in BY_NAME:
        return find_api(api_version, kind) is not None
    return "/" in api_version or api_version == "v1"


def _newest(group: str, kind: str) -> str:
    if kind in BY_NAME:
        return BY_NAME[kind].api_version
    return f"{group}/v1" if group else "v1"
