"""Images on one node: what is there, what has to be pulled, one pull at a time unless told otherwise."""

from __future__ import annotations

import asyncio
from random import Random
from typing import NamedTuple

from lab.cluster.kubelet.registry import Registry
from lab.gate import Gate
from lab.kube.images import image_fault
from lab.kube.kinds.pod import Container
from lab.settings import Settings

_MANIFEST_CHECK = 0.1  # asking the registry whether a present image is current, as a share of a pull


class Pulled(NamedTuple):
    """How an attempt to have an image ended."""

    ok: bool
    reason: str
    """Event reason: Pulled, or the container's waiting reason ErrImagePull, ErrImageNeverPull or InvalidImageName."""
    message: str
    event: str = "Failed"
    """The reason of the event that tells of a failure."""


def pull_policy(container: Container) -> str:
    """`imagePullPolicy`, by default Always for the tag latest and IfNotPresent for others."""
    if container.image_pull_policy:
        return container.image_pull_policy
    name = container.image.rsplit("/", 1)[-1]
    if "@" in name:
        return "IfNotPresent"
    return "Always" if name.partition(":")[2] in ("", "latest") else "IfNotPresent"


class ImageStore:
    """The images that one node has."""

    __slots__ = ("_clock", "_queue", "_registry", "_rng", "_settings", "present")

    def __init__(self, clock: Gate, settings: Settings, rng: Random, registry: Registry) -> None:
        self._clock = clock
        self._settings = settings
        self._rng = rng
        self._registry = registry
        self._queue: asyncio.Lock | None = None
        self.present: dict[str, None] = {}

    def needs_pull(self, container: Container) -> bool:
        """Whether starting this container has to ask the registry."""
        if image_fault(container.image):
            return False
        policy = pull_policy(container)
        return policy == "Always" or (policy == "IfNotPresent" and container.image not in self.present)

    async def pull(self, container: Container) -> Pulled:
        """Have the image on the node, waiting for other pulls first; takes virtual time."""
        image = container.image
        fault = image_fault(image)
        if fault:
            message = f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": {fault}'
            return Pulled(False, "InvalidImageName", message, "InspectFailed")
        if not self.needs_pull(container):
            if image in self.present:
                return Pulled(True, "Pulled", f'Container image "{image}" already present on machine')
            return Pulled(
                False, "ErrImageNeverPull", f'Container image "{image}" is not present with pull policy of Never'
            )
        asked = self._clock.time()
        if self._settings.image_pull_parallel:
            return await self._fetch(image, asked)
        if self._queue is None:
            self._queue = asyncio.Lock()
        async with self._queue:
            return await self._fetch(image, asked)

    async def _fetch(self, image: str, asked: float) -> Pulled:
        begun = self._clock.time()
        took_s = self._settings.image_pull_s * self._rng.uniform(0.5, 1.5)
        if image in self.present or self._registry.refusal(image):
            took_s *= _MANIFEST_CHECK
        await asyncio.sleep(took_s + self._registry.slow_s)
        refusal = self._registry.refusal(image)
        if refusal:
            return Pulled(False, "ErrImagePull", f'Failed to pull image "{image}": {refusal}')
        self.present[image] = None
        now = self._clock.time()
        took, waited = _go(now - begun), _go(now - asked)
        return Pulled(True, "Pulled", f'Successfully pulled image "{image}" in {took} ({waited} including waiting)')


def _go(seconds: float) -> str:
    """A duration as Go prints it, to the millisecond."""
    return f"{seconds:.3f}s" if seconds >= 1 else f"{round(seconds * 1000)}ms"
