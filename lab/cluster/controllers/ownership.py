"""How a controller tells its own objects: it adopts orphans that its selector matches and lets go of strays.

The rules of Kubernetes' ControllerRefManager.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from lab.cluster.controllers.base import Key, owner_keys, reference_to
from lab.cluster.store import Store
from lab.cluster.watch import Change
from lab.kube.kinds import BY_NAME
from lab.kube.kinds.pod import Pod, PodTemplateSpec
from lab.kube.meta import KubeObject, LabelSelector, ObjectMeta
from lab.kube.selector import is_empty, matches

T = TypeVar("T", bound=KubeObject)


def claim(store: Store, owner: KubeObject, kind: type[T], selector: LabelSelector) -> list[T]:
    """What `owner` controls of a kind, oldest first, after adopting and releasing what has come and gone."""
    uid = owner.metadata.uid
    mine = [obj for obj in store.owned_by(uid, kind) if _controls(uid, obj)]
    matching = store.list(kind, owner.namespace, selector) if not is_empty(selector) else []
    if mine == matching:
        return mine
    for obj in mine:
        if not matches(selector, obj.metadata.labels) and obj.metadata.deletion_timestamp is None:
            store.mutate(kind, obj.name, obj.namespace, lambda stray: _released(stray, uid))
    if owner.metadata.deletion_timestamp is None:
        for obj in matching:
            if obj.metadata.controller is None and obj.metadata.deletion_timestamp is None:
                store.mutate(kind, obj.name, obj.namespace, lambda orphan: _adopted(orphan, owner))
    return [obj for obj in store.owned_by(uid, kind) if _controls(uid, obj)]


def root_of(store: Store, obj: KubeObject) -> KubeObject:
    """What stands at the end of the chain of controllers above an object, as far as it exists: a Pod's Deployment."""
    reference = obj.metadata.controller
    kind = BY_NAME.get(reference.kind) if reference is not None else None
    if reference is None or kind is None:
        return obj
    owner = store.find(kind.struct, reference.name, obj.namespace)
    return root_of(store, owner) if owner is not None else obj


def candidate_keys(
    store: Store, kind: type[T], selector_of: Callable[[T], LabelSelector]
) -> Callable[[Change], list[Key]]:
    """A rule that finds whom a change concerns: the owners of `kind`, or for an orphan all that would adopt it."""
    owners = owner_keys(kind.__name__)

    def keys_of(change: Change) -> list[Key]:
        keys = list(owners(change))
        obj = change.new
        if obj is not None and obj.metadata.controller is None and obj.metadata.labels:
            keys.extend(
                candidate.key
                for candidate in store.list(kind, obj.namespace)
                if not is_empty(selector_of(candidate)) and matches(selector_of(candidate), obj.metadata.labels)
            )
        return keys

    return keys_of


def pod_from(template: PodTemplateSpec, owner: KubeObject) -> Pod:
    """A Pod as a template asks for it, controlled by `owner` and with a name that begins with the owner's."""
    meta = ObjectMeta(
        generate_name=f"{owner.name}-",
        namespace=owner.namespace,
        labels=template.metadata.labels,
        annotations=template.metadata.annotations,
        finalizers=template.metadata.finalizers,
        owner_references=(reference_to(owner),),
    )
    return Pod(metadata=meta, spec=template.spec)


def _controls(uid: str, obj: KubeObject) -> bool:
    for owner in obj.metadata.owner_references:
        if owner.controller:
            return owner.uid == uid
    return False


def _released(obj: T, uid: str) -> T:
    left = tuple(owner for owner in obj.metadata.owner_references if owner.uid != uid)
    return replace(obj, metadata=replace(obj.metadata, owner_references=left))


def _adopted(obj: T, owner: KubeObject) -> T:
    owners = (*obj.metadata.owner_references, reference_to(owner))
    return replace(obj, metadata=replace(obj.metadata, owner_references=owners))
