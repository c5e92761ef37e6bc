"""What all objects share: metadata, owners, label selectors, conditions."""

from __future__ import annotations

from typing import Any

import msgspec

from lab.kube.struct import KubeStruct, NumberAsText, Timestamp


class OwnerReference(KubeStruct, frozen=True):
    """Who owns an object; the garbage collector deletes what has lost its controller."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False
    block_owner_deletion: bool = False


class ObjectMeta(KubeStruct, frozen=True):
    """meta/v1 ObjectMeta. `resource_version` and `generation` are numbers inside, strings outside."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: NumberAsText = 0
    generation: int = 0
    creation_timestamp: Timestamp | None = None
    deletion_timestamp: Timestamp | None = None
    """When a graceful deletion ends at the latest."""
    deletion_grace_period_seconds: float | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()
    finalizers: tuple[str, ...] = ()

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that manages this object, if one does."""
        return next((owner for owner in self.owner_references if owner.controller), None)


class KubeObject(KubeStruct, frozen=True):
    """An object of the API: kinds add their own `spec` and `status`."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = msgspec.field(default_factory=ObjectMeta)

    @property
    def name(self) -> str:
        """`metadata.name`."""
        return self.metadata.name

    @property
    def namespace(self) -> str:
        """`metadata.namespace`; empty for kinds that have none."""
        return self.metadata.namespace

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, name), unique within a kind."""
        return (self.metadata.namespace, self.metadata.name)


class KeptObject(KubeObject, frozen=True):
    """An object of a kind that the lab does not simulate: stored, shown and given back as it came."""

    body: dict[str, Any] = {}
    """Everything but apiVersion, kind and metadata."""


class LabelSelectorRequirement(KubeStruct, frozen=True):
    """One matchExpressions entry: In, NotIn, Exists or DoesNotExist."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class LabelSelector(KubeStruct, frozen=True):
    """meta/v1 LabelSelector; both parts must hold, an empty one matches everything."""

    match_labels: dict[str, str] = {}
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()


class Condition(KubeStruct, frozen=True):
    """A named True, False or Unknown on a status."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: Timestamp | None = None
