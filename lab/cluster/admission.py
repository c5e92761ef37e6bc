"""What every write goes through before the store takes it: defaults, admission, validation, then addresses.

Addresses come last, so that nothing that is refused has taken any.
https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
"""

from __future__ import annotations

from msgspec.structs import replace

from lab.cluster import validation
from lab.cluster.service_addresses import ServiceAddresses
from lab.cluster.service_update import carry_over
from lab.cluster.store import Store
from lab.kube import defaults
from lab.kube.kinds.pod import Pod, Toleration
from lab.kube.kinds.service import Service
from lab.kube.meta import KubeObject
from lab.settings import Settings

NOT_READY_TAINT = "node.kubernetes.io/not-ready"
UNREACHABLE_TAINT = "node.kubernetes.io/unreachable"


def install(store: Store, settings: Settings, seed: int = 0) -> ServiceAddresses:
    """Put the API server's admission chain in front of a store; gives the pools that its Services draw from."""
    addresses = ServiceAddresses(settings, seed)

    def admit(new: KubeObject, old: KubeObject | None) -> KubeObject:
        if old is not None and _only_status(new, old):
            return new
        if isinstance(new, Service) and isinstance(old, Service):
            new = replace(new, spec=carry_over(new.spec, old.spec))
        new = defaults.apply(new, settings)
        if isinstance(new, Pod) and old is None:
            new = _tolerating(new, settings)
        return addresses.admit(validation.check(new, old), old)

    store.admission.append(admit)
    store.released.append(addresses.release)
    return addresses


def _only_status(new: KubeObject, old: KubeObject) -> bool:
    """Whether a write touches nothing but the status, as most writes do."""
    return getattr(new, "spec", None) is getattr(old, "spec", old) and new.metadata is old.metadata


def _tolerating(pod: Pod, settings: Settings) -> Pod:
    """DefaultTolerationSeconds: a Pod outlasts a silent node for a while (300 s unless it says otherwise)."""
    own = pod.spec.tolerations
    added = tuple(
        Toleration(
            key=taint,
            operator="Exists",
            effect="NoExecute",
            toleration_seconds=settings.node_eviction_toleration_s,
        )
        for taint in (NOT_READY_TAINT, UNREACHABLE_TAINT)
        if not any(each.key in (taint, "") and each.effect in ("NoExecute", "") for each in own)
    )
    return replace(pod, spec=replace(pod.spec, tolerations=own + added)) if added else pod
