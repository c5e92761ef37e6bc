"""What every write goes through before the store takes it: defaults, admission, validation, then addresses.

Quotas and addresses come last, so that nothing that is refused has taken any.
https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
"""

from __future__ import annotations

from copy import copy
from typing import cast

from msgspec.structs import replace

from lab.cluster import validation
from lab.cluster.errors import FieldError, Forbidden, Invalid, NotServed
from lab.cluster.ip_addresses import AddressKeeper
from lab.cluster.job_identity import with_selector
from lab.cluster.quota.admission import QuotaAdmission
from lab.cluster.service_addresses import ServiceAddresses
from lab.cluster.service_families import settle_families
from lab.cluster.service_update import carried_over, without_disabled, without_unused
from lab.cluster.store import Store
from lab.cluster.target_gates import with_target_gates
from lab.cluster.validation.service_ips import cluster_ip_errors
from lab.cluster.workload_size import size_errors
from lab.kube import defaults
from lab.kube.autoscaling_defaults import without_tolerance
from lab.kube.balancers import AWS_NLB
from lab.kube.kinds.horizontalpodautoscaler import HorizontalPodAutoscaler
from lab.kube.kinds.job import Job
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.pod import Pod, Toleration
from lab.kube.kinds.service import Service
from lab.kube.kinds.servicecidr import ServiceCIDR
from lab.kube.meta import KubeObject
from lab.kube.versions import Features, features_of
from lab.settings import Settings

NOT_READY_TAINT = "node.kubernetes.io/not-ready"
IMMORTAL = ("default", "kube-system", "kube-public")
UNREACHABLE_TAINT = "node.kubernetes.io/unreachable"


def may_be_deleted(obj: KubeObject) -> None:
    """NamespaceLifecycle: raises Forbidden for the namespaces that every cluster has."""
    if isinstance(obj, Namespace) and obj.name in IMMORTAL:
        raise Forbidden("Namespace", obj.name, "this namespace may not be deleted")


class Admission:
    """The API server's admission chain for one cluster, with the pools that its Services draw from."""

    def __init__(
        self,
        settings: Settings,
        seed: int = 0,
        features: Features | None = None,
    ) -> None:
        self.features = features or features_of(settings.kubernetes)
        self.addresses = ServiceAddresses(settings, seed)
        self._settings = settings
        self._quotas: QuotaAdmission | None = None
        self._store: Store | None = None
        self._trying = False

    def attach(self, store: Store) -> None:
        """Stand in front of a store: `admit` before each write, `release` when an object has gone."""
        self._quotas = QuotaAdmission(store)
        self._store = store
        store.admission.append(self.admit)
        store.deletion.append(may_be_deleted)
        store.released.append(self.release)
        if self.features.multi_cidr_service_allocator:
            AddressKeeper(store, self.addresses)

    def fork(self) -> Admission:
        """The same chain for a trial: its pools are its own, and one error of a Service hides no other."""
        twin = copy(self)
        twin.addresses = self.addresses.fork()
        twin._trying = True
        return twin

    def admit(self, new: KubeObject, old: KubeObject | None, *, dry_run: bool = False) -> KubeObject:
        """The object as it is to be stored; raises Invalid, Forbidden or NotServed.

        A dry run takes no addresses and no quota.
        """
        service = isinstance(new, Service)
        if old is not None and not service and _only_status(new, old):
            return new
        if isinstance(new, ServiceCIDR) and not self.features.multi_cidr_service_allocator:
            raise NotServed(new.api_version, new.kind)
        new = defaults.apply(new, self._settings, self.features)
        if isinstance(new, Service):
            return self._service(new, cast("Service | None", old), dry_run=dry_run)
        if isinstance(new, Pod):
            new = _tolerating(new, self._settings)
            if old is None and self._store is not None and self._settings.load_balancer == AWS_NLB:
                new = with_target_gates(new, self._store)
        if isinstance(new, Job) and old is None:
            new = with_selector(new)
            if not self.features.job_success_policy:
                new = replace(new, spec=replace(new.spec, success_policy=None))
        if isinstance(new, HorizontalPodAutoscaler) and not self.features.hpa_configurable_tolerance:
            new = without_tolerance(new, cast("HorizontalPodAutoscaler | None", old))
        new = validation.check(new, old, self.features)
        too_large = size_errors(self._store, self._settings, new, old) if self._store is not None else []
        if too_large:
            raise Invalid(new.kind, new.name, too_large)
        if self._quotas is not None and self._quotas.concerns(new, old):
            self._quotas.charge(new, old, dry_run=dry_run)
        return new

    def release(self, obj: KubeObject) -> None:
        """An object has really gone: what it had may be had by others."""
        if isinstance(obj, Service):
            self.addresses.release(obj)

    def _service(self, new: Service, old: Service | None, *, dry_run: bool) -> Service:
        new, unavailable = self._settled(new, old)
        errors = validation.errors_of(new, old, self.features)
        if errors or unavailable:
            refused = _each_field_once(unavailable, errors)
            if self._trying:
                refused = _each_field_once(refused, self.addresses.claim(new, old, refused))
            else:
                self._begin(new, old, unavailable)
            raise Invalid("Service", new.name, refused)
        if self._quotas is not None and self._quotas.concerns(new, old):
            self.addresses.allocate(new, old, dry_run=True)  # what has no address must not be charged
            self._quotas.charge(new, old, dry_run=dry_run)
        return self.addresses.allocate(new, old, dry_run=dry_run, thorough=self._trying)

    def _begin(self, new: Service, old: Service | None, unavailable: list[FieldError]) -> None:
        """What the registry does before it validates, so that its errors hide those of validation; raises Invalid.

        First the families and addresses by themselves, then whether the cluster has them, and at a create what the
        allocators say (pkg/registry/core/service/storage, beginCreate and beginUpdate).
        """
        before = old.spec if old is not None else None
        early = list(cluster_ip_errors(new.spec, before, self.features)) or unavailable
        if early:
            raise Invalid("Service", new.name, early)
        if old is None:
            self.addresses.allocate(new, None, dry_run=True)

    def _settled(self, new: Service, old: Service | None) -> tuple[Service, list[FieldError]]:
        """With what it keeps of the old version, and its families; and what this cluster does not have."""
        new = without_disabled(new, old, self.features)
        before = old.spec if old is not None else None
        if new.spec is before:
            return new, []
        spec = carried_over(new.spec, before)
        spec, unavailable = settle_families(spec, before, self.addresses.ips.families, self.features)
        new = replace(new, spec=spec)
        return (new if old is None else without_unused(new, old)), unavailable


def _each_field_once(first: list[FieldError], second: list[FieldError]) -> list[FieldError]:
    paths = {error.path for error in first}
    return first + [error for error in second if error.path not in paths]


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
