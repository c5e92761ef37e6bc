"""What the API server would refuse of a set of objects: tried on a copy of what it holds, and nothing happens.

It goes on after a refusal, so that everything that is wrong with the set is told at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lab.cluster.admission import Admission
from lab.cluster.apply import in_namespace, write_object
from lab.cluster.errors import FieldError, Invalid, NotFound
from lab.cluster.service_node_ports import held_ports
from lab.cluster.store import Store
from lab.kube.errors import LabError, nearest
from lab.kube.kinds.ipaddress import IPAddress
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.service import Service
from lab.kube.meta import KubeObject

TAKEN = "already allocated"
_NAMESPACE = "metadata.namespace"


class Refusal(NamedTuple):
    """One thing that is wrong with one of several objects."""

    which: int
    """Its place among them, from 0."""
    field: str
    """Such as `spec.ports[0].nodePort`; empty for the whole object."""
    message: str


def trial(store: Store, admission: Admission, objects: Sequence[KubeObject]) -> list[Refusal]:
    """Everything that would be refused if the objects were applied one by one, in their order."""
    tried = _Trial(store, admission, objects)
    return [Refusal(index, *found) for index, obj in enumerate(objects) for found in tried.apply(in_namespace(obj))]


class _Trial:
    def __init__(self, store: Store, admission: Admission, objects: Sequence[KubeObject]) -> None:
        self._store = store.fork()
        admission.fork().attach(self._store)
        self._promised = {obj.name for obj in objects if isinstance(obj, Namespace)}
        self._refused: list[Service] = []

    def apply(self, obj: KubeObject) -> Iterator[tuple[str, str]]:
        """Field and message of all that is refused about the next object."""
        errors: list[tuple[str, str]] = []
        try:
            write_object(self._store, obj)
        except Invalid as refused:
            errors = [(each.path, self._message(each)) for each in refused.errors]
            if isinstance(obj, Service):
                self._refused.append(obj)
        except LabError as refused:
            errors = [("", str(refused))]
        if not any(path == _NAMESPACE for path, _ in errors):
            yield from self._namespace(obj)
        yield from errors

    def _namespace(self, obj: KubeObject) -> Iterator[tuple[str, str]]:
        """A namespace that is missing; one that the set itself makes is not, even if it is refused there."""
        name = obj.namespace
        if name and name not in self._promised and self._store.find(Namespace, name) is None:
            yield _NAMESPACE, f"{NotFound('Namespace', name)}{nearest(name, self._namespaces())}"

    def _namespaces(self) -> list[str]:
        return [each.name for each in self._store.list(Namespace)]

    def _message(self, found: FieldError) -> str:
        """The API server's words, and who has the number where somebody has it already."""
        text = str(found).removeprefix(f"{found.path}: ")
        holder = self._holder(found) if TAKEN in found.detail else ""
        return f"{text} (service/{holder} has it)" if holder else text

    def _holder(self, found: FieldError) -> str:
        """The name of the Service that has a number, or that asked for it first."""
        if isinstance(found.value, int):
            services = [*self._store.list(Service), *self._refused]
            return next((each.name for each in services if found.value in held_ports(each.spec)), "")
        asked = found.value if isinstance(found.value, list) else []
        parents = [each.spec.parent_ref for each in self._store.list(IPAddress) if each.name in asked]
        held = [parent.name for parent in parents if parent is not None]
        return next(iter((*held, *(each.name for each in self._refused if _asks(each, asked)))), "")


def _asks(service: Service, addresses: Sequence[object]) -> bool:
    return any(address in addresses for address in (service.spec.cluster_ip, *service.spec.cluster_ips))
