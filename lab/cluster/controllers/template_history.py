"""The Pod templates that a DaemonSet or StatefulSet has had, as ControllerRevisions: the newest, and those before.

https://kubernetes.io/docs/tasks/manage-daemon/rollback-daemon-set/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from msgspec.structs import replace

from lab.cluster.controllers.base import reference_to
from lab.cluster.controllers.rollout import template_hash
from lab.cluster.store import Store
from lab.kube.decode import decode
from lab.kube.encode import encode
from lab.kube.kinds.controllerrevision import ControllerRevision
from lab.kube.kinds.daemonset import DaemonSet
from lab.kube.kinds.pod import PodTemplateSpec
from lab.kube.kinds.statefulset import StatefulSet
from lab.kube.meta import ObjectMeta

HASH_LABEL = "controller-revision-hash"
_REPLACE = {"$patch": "replace"}

Owner = DaemonSet | StatefulSet


class Templates(NamedTuple):
    """An owner's revisions: that of its present template, and the others, oldest first."""

    newest: ControllerRevision
    older: list[ControllerRevision]

    def find(self, name: str) -> ControllerRevision | None:
        """The revision of a name."""
        return next((one for one in (self.newest, *self.older) if one.name == name), None)


def revisions_of(store: Store, owner: Owner) -> list[ControllerRevision]:
    """An owner's revisions, the newest last."""
    return sorted(store.owned_by(owner.metadata.uid, ControllerRevision), key=lambda one: one.revision)


def template_of(revision: ControllerRevision, owner: Owner) -> PodTemplateSpec:
    """The Pod template that a revision remembers."""
    template = {key: value for key, value in revision.data["spec"]["template"].items() if key not in _REPLACE}
    body = {"apiVersion": owner.api_version, "kind": owner.kind, "metadata": {"name": owner.name}}
    found = decode({**body, "spec": {"template": template}})
    assert isinstance(found, DaemonSet | StatefulSet)
    return found.spec.template


def unused(templates: Templates, used: Iterable[str]) -> list[ControllerRevision]:
    """The older revisions that are not among the names `used`, oldest first."""
    live = frozenset(used)
    return [one for one in templates.older if one.name not in live]


class TemplateHistory:
    """Keeps the revisions of every owner of a kind; what it looked at last it need not look at again."""

    def __init__(self, store: Store, label: Callable[[str, str], dict[str, str]]) -> None:
        self._store = store
        self._label = label
        """From a revision's name and hash to the labels that tell it."""
        self._seen: dict[str, tuple[PodTemplateSpec, str]] = {}
        """By an owner's uid: the template that it had, and the name of the revision of it."""

    def of(self, owner: Owner) -> Templates:
        """The owner's revisions, that of its present template made when it is new, and made the newest again."""
        found = revisions_of(self._store, owner)
        newest = self._known(owner, found)
        if newest is None:
            newest = self._find(owner, found) or self._create(owner, found)
            self._seen[owner.metadata.uid] = owner.spec.template, newest.name
        return Templates(newest, [one for one in found if one.name != newest.name])

    def forget(self, uid: str) -> None:
        """An owner is gone."""
        self._seen.pop(uid, None)

    def _known(self, owner: Owner, found: list[ControllerRevision]) -> ControllerRevision | None:
        template, name = self._seen.get(owner.metadata.uid, (None, ""))
        if template != owner.spec.template or not found or found[-1].name != name:
            return None
        return found[-1]

    def _find(self, owner: Owner, found: list[ControllerRevision]) -> ControllerRevision | None:
        """The revision of the present template; one that is gone back to gets the highest number."""
        data = _data(owner.spec.template)
        same = next((one for one in reversed(found) if one.data == data), None)
        if same is None or same is found[-1]:
            return same
        number = found[-1].revision + 1
        return self._store.mutate(
            ControllerRevision, same.name, same.namespace, lambda now: replace(now, revision=number)
        )

    def _create(self, owner: Owner, found: list[ControllerRevision]) -> ControllerRevision:
        attempt = 0
        while True:
            hash_value = template_hash(owner.spec.template, attempt)
            name = f"{owner.name}-{hash_value}"
            if self._store.find(ControllerRevision, name, owner.namespace) is None:
                break
            attempt += 1  # Another template happens to have the same hash.
        labels = {**owner.spec.template.metadata.labels, **self._label(name, hash_value)}
        meta = ObjectMeta(
            name=name,
            namespace=owner.namespace,
            labels=labels,
            annotations=owner.metadata.annotations,
            owner_references=(reference_to(owner),),
        )
        number = found[-1].revision + 1 if found else 1
        revision = ControllerRevision(metadata=meta, data=_data(owner.spec.template), revision=number)
        return self._store.create(revision)


def _data(template: PodTemplateSpec) -> dict[str, Any]:
    return {"spec": {"template": {**encode(template), **_REPLACE}}}
