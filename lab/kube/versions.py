"""Kubernetes releases, and what changed between them: `features_of("1.31")`.

A feature is named as its gate, in snake case, and is on where the release turns it on by default.
https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from lab.kube.balancers import GCP, profile_of
from lab.kube.errors import LabError, nearest
from lab.kube.ip import read_network
from lab.settings import Settings

NEWEST = "1.37"
VERSIONS = tuple(f"1.{minor}" for minor in range(29, 38))


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """What one release does; the defaults are those of Kubernetes 1.37."""

    allow_service_external_ips: bool = True
    """Deprecated since 1.36, off in a later release (KEP-5707)."""
    allow_service_lb_status_on_non_lb: bool = False
    conntrack_reconciler: bool = True
    """kube-proxy compares UDP conntrack entries with its rules at each sync; before 1.32 it deleted by event."""
    conntrack_reconciler_sees_empty_services: bool = True
    """The reconciler also looks at Services without a serving endpoint (kubernetes/kubernetes#139629)."""
    hpa_configurable_tolerance: bool = True
    """A tolerance of an autoscaler's own (KEP-4951)."""
    job_success_policy: bool = True
    """A Job may be done by rules of its own (KEP-3998)."""
    load_balancer_ip_mode: bool = True
    """KEP-1860."""
    max_unavailable_stateful_set: bool = True
    """A StatefulSet's update may take down more than one Pod at a time (KEP-961)."""
    multi_cidr_service_allocator: bool = True
    """ServiceCIDR and IPAddress objects (KEP-1880); kube-proxy learns from them which cluster IPs nobody has."""
    nftables_cluster_ips_check: bool = True
    """kube-proxy's nftables mode refuses closed ports of cluster IPs (kubernetes/kubernetes#122692)."""
    nftables_direct_dnat: bool = True
    """The chain of a Service with one endpoint needs no map to find it (kubernetes/kubernetes#140723)."""
    nftables_hairpin_set: bool = True
    """One set has the hairpin connections of the node's own endpoints, and endpoints have chains of their own only for
    session affinity (kubernetes/kubernetes#135800, #136499)."""
    nftables_post_dnat_filter: bool = True
    """Refusals come after DNAT, so that they leave alone what the node itself sends and a short cut has delivered
    (kubernetes/kubernetes#132456; also in late patches of 1.33)."""
    prefer_same_traffic_distribution: bool = True
    """PreferSameZone and PreferSameNode (KEP-3015)."""
    relaxed_service_name_validation: bool = True
    """A Service's name may begin with a digit (KEP-5311)."""
    service_traffic_distribution: bool = True
    """KEP-4444."""
    strict_ip_cidr_validation: bool = True
    """No leading zeros, no IPv4-mapped IPv6 addresses, no bits beyond the prefix (KEP-4858)."""

    def with_gates(self, gates: Mapping[str, bool]) -> Features:
        """The same release with some gates set, by the names that `--feature-gates` takes; raises LabError."""
        unknown = [name for name in gates if name not in GATES]
        if unknown:
            raise LabError(f'there is no feature gate "{unknown[0]}" here{nearest(unknown[0], GATES)}')
        return msgspec.structs.replace(self, **{GATES[name]: on for name, on in gates.items()})


GATES: dict[str, str] = {
    "AllowServiceExternalIPs": "allow_service_external_ips",
    "AllowServiceLBStatusOnNonLB": "allow_service_lb_status_on_non_lb",
    "HPAConfigurableTolerance": "hpa_configurable_tolerance",
    "JobSuccessPolicy": "job_success_policy",
    "LoadBalancerIPMode": "load_balancer_ip_mode",
    "MaxUnavailableStatefulSet": "max_unavailable_stateful_set",
    "MultiCIDRServiceAllocator": "multi_cidr_service_allocator",
    "PreferSameTrafficDistribution": "prefer_same_traffic_distribution",
    "RelaxedServiceNameValidation": "relaxed_service_name_validation",
    "ServiceTrafficDistribution": "service_traffic_distribution",
    "StrictIPCIDRValidation": "strict_ip_cidr_validation",
}
"""The field of each feature gate."""

_ON_SINCE: dict[str, int] = {
    "load_balancer_ip_mode": 30,
    "nftables_cluster_ips_check": 30,
    "job_success_policy": 31,
    "service_traffic_distribution": 31,
    "conntrack_reconciler": 32,
    "multi_cidr_service_allocator": 33,
    "nftables_post_dnat_filter": 34,
    "prefer_same_traffic_distribution": 34,
    "hpa_configurable_tolerance": 35,
    "max_unavailable_stateful_set": 35,
    "nftables_hairpin_set": 36,
    "strict_ip_cidr_validation": 36,
    "conntrack_reconciler_sees_empty_services": 37,
    "nftables_direct_dnat": 37,
    "relaxed_service_name_validation": 37,
}
"""The minor release from which a feature is on by default; what is not here is the same in all of them."""


@cache
def features_of(version: str = NEWEST) -> Features:
    """What Kubernetes `version` (1.29 to 1.37) does; raises LabError for others."""
    if version not in VERSIONS:
        close = nearest(version, VERSIONS)
        raise LabError(f'kubernetes "{version}" is not a release from {VERSIONS[0]} to {NEWEST}{close}')
    minor = _minor(version)
    return Features(**{name: minor >= since for name, since in _ON_SINCE.items()})


_DEFAULTS_UNTIL: tuple[tuple[str, int, Any], ...] = (("node_monitor_grace_s", 31, 40.0),)
"""Settings that had another default: (name, the last minor release that had it, that default)."""

BETA, STABLE, ALPHA, DEPRECATED, REMOVED = "beta", "stable", "alpha", "deprecated", "removed"
_PROXY_MODES: dict[str, tuple[tuple[int, str], ...]] = {
    "iptables": ((2, STABLE),),
    "nftables": ((29, ALPHA), (31, BETA), (33, STABLE)),
    "ipvs": ((11, STABLE), (35, DEPRECATED), (43, REMOVED)),
}
"""Each mode of kube-proxy: from which minor release it is at which stage (KEP-3866 for nftables, KEP-5495 for ipvs)."""
_WARNINGS = {
    ("nftables", ALPHA): "kube-proxy's mode nftables is alpha in Kubernetes {}: it needs the gate NFTablesProxyMode",
    (
        "ipvs",
        DEPRECATED,
    ): "kube-proxy's mode ipvs is deprecated since Kubernetes 1.35, and {} still has it: use nftables",
}
PROXY_MODES = tuple(_PROXY_MODES)


def settings_of(given: Mapping[str, Any]) -> Settings:
    """Settings with what is given by name, and for the rest the defaults of the release in `kubernetes` and of the
    profile in `load_balancer`.

    Raises LabError when there is no such release or profile.
    """
    version = given.get("kubernetes", NEWEST)
    features_of(version)
    defaults = {name: value for name, last, value in _DEFAULTS_UNTIL if _minor(version) <= last}
    defaults.update(profile_of(given.get("load_balancer", GCP)).settings)
    tenth = _tenth(str(given.get("service_cidr", "")))
    if tenth:
        defaults["cluster_dns_ip"] = tenth
    return Settings(**{**defaults, **given})


def _tenth(cidr: str) -> str:
    """The address that kubeadm gives to the cluster's DNS, the tenth of the first range; empty when it has none."""
    network = read_network(cidr.split(",")[0].strip()).value
    return "" if network is None or network.num_addresses <= 10 else str(network[10])


def warning_about(mode: str, version: str) -> str:
    """What kube-proxy of a release says when it starts in a mode; empty when it has nothing to say.

    Raises LabError when the release does not have the mode.
    """
    minor = _minor(version)
    if mode not in _PROXY_MODES:
        raise LabError(f'kube-proxy has no mode "{mode}"{nearest(mode, PROXY_MODES)}')
    stage = [stage for since, stage in _PROXY_MODES[mode] if since <= minor][-1]
    if stage == REMOVED:
        raise LabError(f"kube-proxy of Kubernetes {version} has no mode {mode} any more; use nftables")
    return _WARNINGS.get((mode, stage), "").format(version)


_DEPRECATED_KINDS = {"Endpoints": (33, "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")}
"""Kinds about which the API server warns in each answer, from which minor release on, and its words (KEP-4974)."""


def api_warning(kind: str, version: str) -> str:
    """What the API server of a release warns of when somebody asks for a kind; empty for most kinds."""
    since, text = _DEPRECATED_KINDS.get(kind, (0, ""))
    return text if text and _minor(version) >= since else ""


def _minor(version: str) -> int:
    return int(version.partition(".")[2])
