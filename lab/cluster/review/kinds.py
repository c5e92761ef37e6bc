"""The kinds that Kubernetes itself has in its API groups, to tell a misspelt kind from one of a custom resource."""

from __future__ import annotations

from lab.cluster.errors import group_of
from lab.kube.errors import nearest

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
    """What kubectl says of a kind that its API group does not have; empty for those it has, and for other groups."""
    known = BUILT_IN.get(group_of(api_version))
    if known is None or kind in known:
        return ""
    elsewhere = next((f"{group}/v1" for group, kinds in BUILT_IN.items() if group and kind in kinds), "")
    hint = f"; it is in {elsewhere}" if elsewhere else nearest(kind, known)
    if not elsewhere and kind in BUILT_IN[""]:
        hint = "; it is in v1"
    return f'no matches for kind "{kind}" in version "{api_version}"{hint}'
