"""Which IP families a Service gets, in which order, and by which policy (KEP-563): rule 15 of the Service API.

Pure: it says what is wanted and takes nothing.
"""

from __future__ import annotations

from msgspec.structs import replace

from lab.cluster.errors import FieldError, invalid
from lab.cluster.service_needs import HEADLESS, needs_cluster_ip
from lab.cluster.validation.service_ips import cluster_ip_errors
from lab.kube.ip import family_of
from lab.kube.kinds.service import ServiceSpec
from lab.kube.versions import Features

_POLICY = "spec.ipFamilyPolicy"
_OTHER = {"IPv4": "IPv6", "IPv6": "IPv4"}


def settle_families(
    new: ServiceSpec, old: ServiceSpec | None, configured: tuple[str, ...], features: Features
) -> tuple[ServiceSpec, list[FieldError]]:
    """The spec with its families and policy filled in, and what cannot be had on a cluster of these families.

    Addresses that are wrong by themselves are left to validation.
    """
    if not needs_cluster_ip(new) or _stays_as_it_is(new, old):
        return new, []
    spec = _with_policy(new, old)
    if any(True for _ in cluster_ip_errors(spec, old, features)):
        return spec, []
    single = spec.ip_family_policy == "SingleStack"
    errors: list[FieldError] = []
    if old is not None:
        spec = _trimmed(spec, old) if single else spec
        errors = [] if single else _reduced(spec, old)
    if single:
        errors += _too_many_for_one(spec)
    spec, unknown = _with_families_of_addresses(spec, configured)
    errors += unknown
    bare = spec.cluster_ip == HEADLESS and not spec.selector
    if not errors and not bare:
        errors = _not_configured(spec, configured)
    if errors:
        return spec, errors
    families = spec.ip_families or (configured[0],)
    if len(families) == 1 and not single and (bare or len(configured) == 2):
        families = (*families, _OTHER[families[0]])
    return replace(spec, ip_families=families), []


def _stays_as_it_is(new: ServiceSpec, old: ServiceSpec | None) -> bool:
    """PreferDualStack that says nothing new does not follow the cluster to or from dual stack by itself."""
    return (
        old is not None
        and new.ip_family_policy == "PreferDualStack"
        and old.ip_family_policy in (None, "PreferDualStack")
        and (new.type, new.cluster_ips, new.ip_families) == (old.type, old.cluster_ips, old.ip_families)
    )


def _with_policy(new: ServiceSpec, old: ServiceSpec | None) -> ServiceSpec:
    if new.ip_family_policy is not None:
        return new
    inherited = old.ip_family_policy if old is not None else None
    own = "RequireDualStack" if new.cluster_ip == HEADLESS and not new.selector else "SingleStack"
    return replace(new, ip_family_policy=inherited or own)


def _trimmed(spec: ServiceSpec, old: ServiceSpec) -> ServiceSpec:
    """SingleStack with everything else as it was means that the second address and family go."""
    addresses = spec.cluster_ips[:1] if spec.cluster_ips == old.cluster_ips else spec.cluster_ips
    families = spec.ip_families[:1] if spec.ip_families == old.ip_families else spec.ip_families
    return replace(spec, cluster_ips=addresses, ip_families=families)


def _reduced(spec: ServiceSpec, old: ServiceSpec) -> list[FieldError]:
    found = []
    for now, then, what in (
        (spec.cluster_ips, old.cluster_ips, "cluster IP"),
        (spec.ip_families, old.ip_families, "IP family"),
    ):
        if len(now) == 1 and len(then) == 2 and now[0] == then[0]:
            detail = f"must be 'SingleStack' to release the secondary {what}"
            found.append(invalid(_POLICY, spec.ip_family_policy, detail))
    return found


def _too_many_for_one(spec: ServiceSpec) -> list[FieldError]:
    wanted = "must be 'RequireDualStack' or 'PreferDualStack' when multiple {} are specified"
    counted = ((spec.cluster_ips, "cluster IPs"), (spec.ip_families, "IP families"))
    return [invalid(_POLICY, spec.ip_family_policy, wanted.format(what)) for found, what in counted if len(found) == 2]


def _with_families_of_addresses(spec: ServiceSpec, configured: tuple[str, ...]) -> tuple[ServiceSpec, list[FieldError]]:
    families, errors = list(spec.ip_families), []
    for index, address in enumerate(spec.cluster_ips):
        if address == HEADLESS or index < len(families):
            continue
        family = family_of(address)
        if family in configured:
            families.append(family)
        else:
            detail = f"{family} is not configured on this cluster"
            errors.append(invalid(f"spec.clusterIPs[{index}]", list(spec.cluster_ips), detail))
    return replace(spec, ip_families=tuple(families)), errors


def _not_configured(spec: ServiceSpec, configured: tuple[str, ...]) -> list[FieldError]:
    errors = []
    if spec.ip_family_policy == "RequireDualStack" and len(configured) < 2:
        detail = "this cluster is not configured for dual-stack services"
        errors.append(invalid(_POLICY, spec.ip_family_policy, detail))
    for index, family in enumerate(spec.ip_families):
        if family not in configured:
            errors.append(invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster"))
    return errors
