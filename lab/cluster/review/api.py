"""What the API server of an empty cluster answers when documents are applied one by one, or as an update of others."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from lab.clock import Clock
from lab.cluster.admission import Admission
from lab.cluster.errors import Invalid
from lab.cluster.networks import network_faults
from lab.cluster.store import Store
from lab.cluster.system_objects import system_objects
from lab.cluster.trial import Refusal, trial
from lab.journal import Journal
from lab.kube.kinds import is_namespaced
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.service import Service
from lab.kube.kinds.servicecidr import ServiceCIDR
from lab.kube.meta import KubeObject, ObjectMeta
from lab.settings import Settings

_RANGES = ("service_cidr", "node_port_range")


def refusals(objects: Sequence[KubeObject], settings: Settings, held: int = 0) -> list[Refusal]:
    """Everything that is refused; the first `held` objects are what the cluster holds before the others come.

    Nothing runs: only admission and the allocator see the objects. An API server that would not even start with the
    ranges in the settings has nothing to say.
    """
    if any(name in _RANGES for name, _ in network_faults(settings)):
        return []
    store = Store(Clock(), Journal(kept=1), settings)
    admission = Admission(settings)
    admission.attach(store)
    _prepare(store, settings, objects)
    order = [*sorted(range(held), key=lambda index: _rank(objects[index]))]
    order += sorted(range(held, len(objects)), key=lambda index: _rank(objects[index]))
    found = trial(store, admission, [objects[index] for index in order])
    return [refusal._replace(which=order[refusal.which]) for refusal in found]


def _prepare(store: Store, settings: Settings, objects: Sequence[KubeObject]) -> None:
    """What stands in every cluster, but for what the objects bring along; and every namespace that they name."""
    own = {(each.kind, each.name) for each in objects}
    for obj in system_objects(settings):
        if (obj.kind, obj.name) in own or not isinstance(obj, Namespace | ServiceCIDR | Service):
            continue
        with suppress(Invalid):  # the ranges that were asked for need not hold the address of the cluster's DNS
            store.create(obj)
    for name in dict.fromkeys(each.namespace for each in objects if each.namespace and is_namespaced(each)):
        if ("Namespace", name) not in own and store.find(Namespace, name) is None:
            with suppress(Invalid):  # the object's own namespace field is refused in a moment
                store.create(Namespace(metadata=ObjectMeta(name=name)))


def _rank(obj: KubeObject) -> int:
    """Namespaces and ranges first, then Services that ask for numbers, so that no pick takes one that is asked for."""
    if isinstance(obj, Namespace | ServiceCIDR):
        return 0
    return 1 if isinstance(obj, Service) and _asks(obj) else 2


def _asks(service: Service) -> bool:
    spec = service.spec
    return bool(spec.cluster_ip or spec.health_check_node_port or any(port.node_port for port in spec.ports))
