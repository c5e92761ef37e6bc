"""Objects that a scenario takes for granted: client Pods that no manifest defines, and namespaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lab.cluster.apply import in_namespace
from lab.kube.documents import Document, made
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.node import HOSTNAME_LABEL
from lab.kube.kinds.pod import Container, Pod, PodSpec
from lab.kube.meta import KubeObject, ObjectMeta

CLIENT_IMAGE = "service-lab/client"
CLIENT_POD = "default/client"
"""The Pod to send requests from in a cluster of one's own."""
ALWAYS_THERE = ("default", "kube-system", "kube-public", "kube-node-lease")


def with_parties(
    documents: Iterable[Document], sources: Iterable[str], nodes: Mapping[str, str] | None = None
) -> tuple[Document, ...]:
    """`documents` with the Pods of `sources` (`pod/NAMESPACE/NAME`) and the namespaces that are missing, in front.

    `nodes` names the node on which a Pod that is created must run.
    """
    placed = [_placed(document) for document in documents]
    objects = [obj for document in placed if (obj := document.readable) is not None]
    defined = {(obj.kind, obj.namespace, obj.name) for obj in objects}
    pods: list[KubeObject] = []
    for source in dict.fromkeys(sources):
        _, namespace, name = source.split("/")
        if ("Pod", namespace, name) not in defined:
            pods.append(client_pod(namespace, name, (nodes or {}).get(source, "")))
    return (*map(made, [*_missing_namespaces([*pods, *objects], defined), *pods]), *placed)


def _placed(document: Document) -> Document:
    obj, partial = document.object, document.partial
    return replace(document, object=obj and in_namespace(obj), partial=partial and in_namespace(partial))


def client_pod(namespace: str, name: str, node: str = "") -> Pod:
    """A Pod that listens nowhere and from which requests can be sent; the scheduler places it without `node`."""
    return Pod(
        metadata=ObjectMeta(name=name, namespace=namespace, labels={"app": name}),
        spec=PodSpec(
            containers=(Container(name="client", image=CLIENT_IMAGE),),
            node_selector={HOSTNAME_LABEL: node} if node else {},
        ),
    )


def _missing_namespaces(objects: Iterable[KubeObject], defined: set[tuple[str, str, str]]) -> list[KubeObject]:
    used = dict.fromkeys(obj.namespace for obj in objects if obj.namespace)
    return [
        Namespace(metadata=ObjectMeta(name=name))
        for name in used
        if name not in ALWAYS_THERE and ("Namespace", "", name) not in defined
    ]
