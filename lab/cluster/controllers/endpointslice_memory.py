"""What a Service's EndpointSlices held when they were last written, so that a change costs what it changes.

Without it every Pod that becomes ready would make the controller look at all Pods of its Service again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab.kube.kinds.endpointslice import EndpointSlice
from lab.kube.kinds.service import Service


class SliceMemory:
    """One Service's slices as the controller left them, and the Pods that have changed since."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._versions: dict[str, int] = {}
        self._place: dict[tuple[str, str], str] = {}
        self._changed: dict[str, None] = {}

    def pod_changed(self, name: str) -> None:
        """A Pod that the Service selects, or did, is no longer as the slices say."""
        self._changed[name] = None

    def valid(self, service: Service, existing: Sequence[EndpointSlice]) -> bool:
        """Whether the Service and its slices are still those that were remembered."""
        if service is not self._service:
            return False
        return {found.name: found.metadata.resource_version for found in existing} == self._versions

    def affected(self, existing: Sequence[EndpointSlice]) -> tuple[dict[str, None], dict[str, None]]:
        """The slices that the changed Pods may alter, and the Pods to look at for it, by name.

        An empty slice is always among them: it only stands where there is nothing else.
        """
        named = {
            self._place.get((found, pod)): None
            for found in dict.fromkeys(found.address_type for found in existing)
            for pod in self._changed
        }
        pods = dict(self._changed)
        slices: dict[str, None] = {}
        for found in existing:
            if found.name in named or not found.endpoints:
                slices[found.name] = None
                pods.update((there.target_ref.name, None) for there in found.endpoints if there.target_ref)
        return slices, pods

    def wrote(self, written: Iterable[EndpointSlice], deleted: Iterable[EndpointSlice]) -> None:
        """Take in the slices as they are now; what had changed is written."""
        for gone in deleted:
            self._versions.pop(gone.name, None)
        for found in written:
            self._versions[found.name] = found.metadata.resource_version
            for there in found.endpoints:
                if there.target_ref is not None:
                    self._place[(found.address_type, there.target_ref.name)] = found.name
        self._changed.clear()

    def forget(self, pod: str) -> None:
        """A Pod is gone for good."""
        for family in ("IPv4", "IPv6"):
            self._place.pop((family, pod), None)
