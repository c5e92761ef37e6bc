"""clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy: each by itself, and that they agree (KEP-563)."""

from __future__ import annotations

from lab.cluster.errors import duplicate, invalid, required, unsupported
from lab.cluster.service_needs import HEADLESS, is_headless
from lab.cluster.validation.ips import address_errors
from lab.cluster.validation.names import Errors
from lab.kube.ip import family_of
from lab.kube.kinds.service import ServiceSpec
from lab.kube.versions import Features

FAMILIES = ("IPv4", "IPv6")
FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_IPS = "spec.clusterIPs"


def cluster_ip_errors(spec: ServiceSpec, old: ServiceSpec | None, features: Features) -> Errors:
    """What is wrong with the addresses; ExternalName must have none, which is checked with its other fields."""
    if spec.type == "ExternalName":
        return
    yield from _in_step(spec)
    yield from _families(spec)
    addresses = list(spec.cluster_ips)
    wrong = list(_addresses(spec, old.cluster_ips if old is not None else (), features))
    yield from wrong
    if len(addresses) > 2:
        yield invalid(_IPS, addresses, "may only hold up to 2 values")
    if wrong:
        return
    if len(addresses) > 1 and len(dict.fromkeys(map(family_of, addresses))) < 2:
        yield invalid(_IPS, addresses, "may specify no more than one IP for each IP family")
    if not is_headless(spec):
        yield from _addresses_of_families(spec)


def _in_step(spec: ServiceSpec) -> Errors:
    addresses = list(spec.cluster_ips)
    if not spec.cluster_ip:
        if addresses:
            yield invalid(_IPS, addresses, "must be empty when `clusterIP` is not specified")
    elif not addresses:
        yield required(_IPS)
    elif addresses[0] != spec.cluster_ip:
        yield invalid(_IPS, addresses, "first value must match `clusterIP`")


def _families(spec: ServiceSpec) -> Errors:
    for index, family in enumerate(spec.ip_families):
        path = f"spec.ipFamilies[{index}]"
        if family not in FAMILIES:
            yield unsupported(path, family, FAMILIES)
        if family in spec.ip_families[:index]:
            yield duplicate(path, family)
    policy = spec.ip_family_policy
    if policy is not None and policy not in FAMILY_POLICIES:
        yield unsupported("spec.ipFamilyPolicy", policy, FAMILY_POLICIES)


def _addresses(spec: ServiceSpec, known: tuple[str, ...], features: Features) -> Errors:
    for index, address in enumerate(spec.cluster_ips):
        if index == 0 and address == HEADLESS:
            if len(spec.cluster_ips) > 1:
                yield invalid(_IPS, list(spec.cluster_ips), "'None' must be the first and only value")
        else:
            yield from address_errors(f"{_IPS}[{index}]", address, features, known)


def _addresses_of_families(spec: ServiceSpec) -> Errors:
    for index, (address, family) in enumerate(zip(spec.cluster_ips, spec.ip_families, strict=False)):
        if family in FAMILIES and family_of(address) != family:
            detail = f"expected an {family} value as indicated by `ipFamilies[{index}]`"
            yield invalid(f"{_IPS}[{index}]", address, detail)
