"""Keeps the EndpointSlices of Services with a selector true to their Pods.

https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from msgspec.structs import replace

from lab.cluster.controllers.base import Controller, Key
from lab.cluster.controllers.endpoints import CONTROLLER_NAME, topology_mode_auto
from lab.cluster.controllers.endpointslice_memory import SliceMemory
from lab.cluster.controllers.endpointslice_packing import SlicePlan, plan_slices
from lab.cluster.controllers.topology_hints import ENABLED, zone_ratios
from lab.cluster.watch import Change
from lab.kube.kinds.endpointslice import MANAGED_BY_LABEL, SERVICE_NAME_LABEL, EndpointSlice
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service

_OURS = {MANAGED_BY_LABEL: CONTROLLER_NAME}
Label = tuple[str, str, str]
"""Namespace, key and value."""


class SelectorIndex:
    """Finds the Services that select a Pod without looking at all of them: each stands under one of its labels."""

    def __init__(self) -> None:
        self._services: dict[Label, dict[str, Mapping[str, str]]] = {}
        self._place: dict[Key, Label] = {}

    def put(self, service: Service) -> None:
        """Add a Service, or take in its new selector."""
        self.remove(service.key)
        selector = service.spec.selector
        if selector:
            label = (service.namespace, *min(selector.items()))
            self._place[service.key] = label
            self._services.setdefault(label, {})[service.name] = selector

    def remove(self, key: Key) -> None:
        """Forget a Service."""
        label = self._place.pop(key, None)
        if label is not None:
            services = self._services[label]
            del services[key[1]]
            if not services:
                del self._services[label]

    def selecting(self, namespace: str, labels: Mapping[str, str]) -> Iterator[Key]:
        """The Services whose selector these labels satisfy."""
        for item in labels.items():
            for name, selector in self._services.get((namespace, *item), {}).items():
                if all(labels.get(key) == value for key, value in selector.items()):
                    yield (namespace, name)


class EndpointSliceController(Controller):
    """Reconciles a Service whenever it, one of its Pods, or one of its slices changes."""

    name = "endpointslice-controller"

    def connect(self) -> None:
        """Follow Services first, so that the index is complete when Pods arrive."""
        self._index = SelectorIndex()
        self._written: dict[Key, int] = {}
        self._hinted: dict[Key, tuple[str, ...]] = {}
        self._ratios: dict[str, float] | None = None
        self._memories: dict[Key, SliceMemory] = {}
        # In the moment of the write, because what is read below is what is stored now.
        self.store.subscribe(self._see_pod, Pod)
        self.store.subscribe(self._see_node, Node)
        for kind, hear in (
            (Service, self._hear_of_service),
            (Pod, self._hear_of_pod),
            (Node, self._hear_of_node),
            (EndpointSlice, self._hear_of_slice),
        ):
            self.store.follow(hear, kind)

    async def reconcile(self, key: Key) -> None:
        """Write what differs between the slices that the Service has and those it should have."""
        namespace, name = key
        service = self.store.find(Service, name, namespace)
        if service is None or not service.spec.selector or service.spec.type == "ExternalName":
            return
        existing = self.store.list(EndpointSlice, namespace, {SERVICE_NAME_LABEL: name, **_OURS})
        find_node = partial(self.store.find, Node)
        most = self.settings.endpointslice_max_endpoints
        memory = self._memories.pop(key, None)
        if memory is not None and memory.valid(service, existing):
            pods, settled = self._changed(service, memory, existing)
        else:
            memory, settled = SliceMemory(service), {}
            memory.wrote(existing, ())
            pods = self.store.list(Pod, namespace, service.spec.selector)
        plan = plan_slices(service, pods, find_node, existing, most, self._zone_ratios, settled)
        memory.wrote(self._write(plan), plan.delete)
        self._say(service, plan.hints)
        if plan.incomplete:
            self.queue.retry(key)
        elif not topology_mode_auto(service):  # Those hints depend on all endpoints together.
            self._memories[key] = memory

    def _changed(
        self, service: Service, memory: SliceMemory, existing: list[EndpointSlice]
    ) -> tuple[list[Pod], dict[str, None]]:
        """The Pods to look at, oldest first, and the slices that need no look."""
        affected, names = memory.affected(existing)
        selector = service.spec.selector
        pods = []
        for pod in self.store.named(Pod, names, service.namespace):
            names.pop(pod.name)
            if all(pod.metadata.labels.get(key) == value for key, value in selector.items()):
                pods.append(pod)
        for gone in names:
            memory.forget(gone)
        return pods, {found.name: None for found in existing if found.name not in affected}

    def _write(self, plan: SlicePlan) -> list[EndpointSlice]:
        written = [self.store.create(created) for created in plan.create]
        written += [self.store.update(updated) for updated in plan.update]
        for found in written:
            self._written[found.key] = found.metadata.resource_version
        for deleted in plan.delete:
            self._written[deleted.key] = 0
            self.store.delete(EndpointSlice, deleted.name, deleted.namespace)
        return written

    def _zone_ratios(self) -> dict[str, float]:
        """Each zone's share of CPU, worked out when a Service first asks after a node has changed."""
        if self._ratios is None:
            self._ratios = zone_ratios(self.store.list(Node))
        return self._ratios

    def _say(self, service: Service, hints: tuple[str, ...]) -> None:
        """Note that a Service has, or has lost, its topology-aware hints."""
        before = self._hinted.get(service.key, ())
        for message in hints:
            if message not in before:
                enabled = message.startswith(ENABLED)
                reason = "TopologyAwareHintsEnabled" if enabled else "TopologyAwareHintsDisabled"
                self.note(service, reason, message, type="Normal" if enabled else "Warning")
        if hints:
            self._hinted[service.key] = hints
        else:
            self._hinted.pop(service.key, None)

    def _queue(self, key: Key) -> None:
        self.queue.add_after(key, self.settings.endpointslice_batch_period_s)

    # -- what a change concerns --------------------------------------------------------------------------------

    def _see_pod(self, change: Change) -> None:
        old, new = change.old, change.new
        if isinstance(old, Pod) and isinstance(new, Pod) and _same_endpoint(old, new):
            return
        for pod in (old, new):
            if pod is not None:
                for key in self._index.selecting(pod.namespace, pod.metadata.labels):
                    memory = self._memories.get(key)
                    if memory is not None:
                        memory.pod_changed(pod.name)

    def _see_node(self, change: Change) -> None:
        old, new = change.old, change.new
        if not isinstance(old, Node) or not isinstance(new, Node) or old.zone != new.zone:
            self._memories.clear()

    def _hear_of_service(self, change: Change) -> None:
        service = change.object
        assert isinstance(service, Service)
        if change.new is None:
            self._index.remove(service.key)
            self._hinted.pop(service.key, None)
            self._memories.pop(service.key, None)
            return
        self._index.put(service)
        # Spec, labels and annotations matter; a load balancer's status does not.
        before = change.old.metadata if change.old is not None else None
        if before is None or replace(before, resource_version=0) != replace(service.metadata, resource_version=0):
            self._queue(service.key)

    def _hear_of_pod(self, change: Change) -> None:
        old, new = change.old, change.new
        if isinstance(old, Pod) and isinstance(new, Pod) and _same_endpoint(old, new):
            return
        for pod in (old, new):
            if pod is not None:
                for key in self._index.selecting(pod.namespace, pod.metadata.labels):
                    self._queue(key)

    def _hear_of_node(self, change: Change) -> None:
        old, new = change.old, change.new
        if isinstance(old, Node) and isinstance(new, Node) and _same_capacity(old, new):
            return
        self._ratios = None
        for key in self._hinted:
            self._queue(key)
        if isinstance(old, Node) and isinstance(new, Node) and old.zone == new.zone:
            return
        for pod in self.store.pods_on(change.object.name):
            for key in self._index.selecting(pod.namespace, pod.metadata.labels):
                self._queue(key)

    def _hear_of_slice(self, change: Change) -> None:
        found = change.object
        assert isinstance(found, EndpointSlice)
        labels = found.metadata.labels
        if labels.get(MANAGED_BY_LABEL) != CONTROLLER_NAME:
            return
        if change.new is None:
            if self._written.pop(found.key, None) != 0:
                self._queue((found.namespace, found.service))
        elif self._written.get(found.key) != found.metadata.resource_version:
            self._queue((found.namespace, found.service))


def _same_capacity(old: Node, new: Node) -> bool:
    """Whether a node's change leaves the zones' shares of CPU as they were."""
    cpu = old.status.allocatable.get("cpu") == new.status.allocatable.get("cpu")
    return cpu and old.zone == new.zone and old.ready == new.ready and old.metadata.labels == new.metadata.labels


def _same_endpoint(old: Pod, new: Pod) -> bool:
    """Whether a Pod's change leaves every endpoint made from it as it was."""
    return (
        old.ready == new.ready
        and old.terminating == new.terminating
        and old.finished == new.finished
        and old.status.pod_ips == new.status.pod_ips
        and old.status.pod_ip == new.status.pod_ip
        and old.spec.node_name == new.spec.node_name
        and old.metadata.labels == new.metadata.labels
    )
