"""What `metadata` must say, of every kind."""

from __future__ import annotations

from lab.cluster.errors import forbidden, invalid, required
from lab.cluster.validation.names import (
    Errors,
    NameRule,
    annotation_errors,
    faulty,
    generate_name_faults,
    label_errors,
    label_faults,
    qualified_name_faults,
)
from lab.kube.meta import ObjectMeta

IMMUTABLE = "field is immutable"


def metadata_errors(meta: ObjectMeta, rule: NameRule, *, namespaced: bool = True) -> Errors:
    """Names, namespace, labels, annotations and finalizers; `rule` is what the kind asks of its names."""
    if meta.generate_name:
        faults = generate_name_faults(meta.generate_name, rule)
        yield from faulty("metadata.generateName", meta.generate_name, faults)
    if not meta.name:
        yield required("metadata.name", "name or generateName is required")
    elif faults := rule(meta.name):
        yield from faulty("metadata.name", meta.name, faults)
    if namespaced:
        if not meta.namespace:
            yield required("metadata.namespace")
        elif faults := label_faults(meta.namespace):
            yield from faulty("metadata.namespace", meta.namespace, faults)
    elif meta.namespace:
        yield forbidden("metadata.namespace", "not allowed on this type")
    if meta.labels:
        yield from label_errors(meta.labels, "metadata.labels")
    if meta.annotations:
        yield from annotation_errors(meta.annotations, "metadata.annotations")
    for finalizer in meta.finalizers:
        yield from faulty("metadata.finalizers", finalizer, qualified_name_faults(finalizer))


def metadata_update_errors(new: ObjectMeta, old: ObjectMeta) -> Errors:
    """What no update may change."""
    if new.name != old.name:
        yield invalid("metadata.name", new.name, IMMUTABLE)
    if new.namespace != old.namespace:
        yield invalid("metadata.namespace", new.namespace, IMMUTABLE)
