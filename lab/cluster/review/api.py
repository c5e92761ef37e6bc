"""What the API server answers when documents are applied one by one, to an empty cluster or to an older state."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.admission import install
from lab.cluster.apply import apply_object
from lab.cluster.errors import FieldError, Invalid
from lab.cluster.review.finding import Finding, error
from lab.cluster.service_node_ports import held_ports
from lab.cluster.store import Store
from lab.cluster.system_objects import system_objects
from lab.journal import Journal
from lab.kube.applied import remember
from lab.kube.documents import Document
from lab.kube.encode import encode
from lab.kube.errors import LabError
from lab.kube.kinds import is_namespaced
from lab.kube.kinds.ipaddress import IPAddress
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.service import Service
from lab.kube.kinds.servicecidr import ServiceCIDR
from lab.kube.meta import KubeObject, ObjectMeta
from lab.settings import Settings

TAKEN = "already allocated"


def api_errors(documents: Sequence[Document], old: Sequence[Document], settings: Settings) -> list[Finding]:
    """Everything that is refused. Nothing runs: only admission and the allocator see the objects."""
    clock = Clock()
    try:
        store = Store(clock, Journal(kept=1), settings)
        install(store, settings)
        _prepare(store, settings, [*documents, *old])
        in_order = [*_in_order(old), *_in_order(documents)]
        return [found for document in in_order for found in _apply(store, document)]
    finally:
        clock.close()


def _prepare(store: Store, settings: Settings, documents: Sequence[Document]) -> None:
    """What stands in every cluster, but for what the documents bring along."""
    own = {(each.object.kind, each.object.name) for each in documents if each.object is not None}
    for obj in system_objects(settings):
        if (obj.kind, obj.name) in own or not isinstance(obj, Namespace | ServiceCIDR | Service):
            continue
        with suppress(Invalid):  # the ranges that were asked for need not hold the address of the cluster's DNS
            store.create(obj)


def _in_order(documents: Sequence[Document]) -> list[Document]:
    """Namespaces and ranges first, then Services that ask for numbers, so that no pick takes one that is asked for."""

    def rank(document: Document) -> int:
        obj = document.readable
        if isinstance(obj, Namespace | ServiceCIDR):
            return 0
        return 1 if isinstance(obj, Service) and _asks(obj) else 2

    return sorted(documents, key=rank)


def _asks(service: Service) -> bool:
    spec = service.spec
    return bool(spec.cluster_ip or spec.health_check_node_port or any(port.node_port for port in spec.ports))


def _apply(store: Store, document: Document) -> list[Finding]:
    obj = document.readable
    if obj is None:
        return []
    if not obj.namespace and is_namespaced(obj):
        obj = replace(obj, metadata=replace(obj.metadata, namespace="default"))
    _make_namespace(store, obj)
    said = document.node.plain() if document.object is not None else encode(obj)
    try:
        apply_object(store, remember(obj, said))
    except Invalid as refused:
        faulty = tuple(fault.path for fault in document.faults if fault.path)
        news = [each for each in refused.errors if not each.path.startswith(faulty)]
        return [error(document, each.path, _message(store, each)) for each in news]
    except LabError as refused:
        return [error(document, "", str(refused))]
    return []


def _make_namespace(store: Store, obj: KubeObject) -> None:
    name = obj.namespace
    if not name or not is_namespaced(obj) or store.find(Namespace, name) is not None:
        return
    with suppress(Invalid):  # the object's own namespace field is refused in a moment
        store.create(Namespace(metadata=ObjectMeta(name=name)))


def _message(store: Store, found: FieldError) -> str:
    """The API server's words, and who has the number where somebody has it already."""
    text = str(found).removeprefix(f"{found.path}: ")
    if TAKEN not in found.detail:
        return text
    if isinstance(found.value, int):
        holders = [each.name for each in store.list(Service) if found.value in held_ports(each.spec)]
    else:
        asked = found.value if isinstance(found.value, list) else []
        parents = [each.spec.parent_ref for each in store.list(IPAddress) if each.name in asked]
        holders = [parent.name for parent in parents if parent is not None]
    return f"{text} (service/{holders[0]} has it)" if holders else text
