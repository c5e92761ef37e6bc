"""The resolver of the internet: what a host outside the cluster, or a node, makes of a name.

A LoadBalancer Service has the public name `web` (in `default`) or `web.NAMESPACE` as soon as it has an address; a node
has its own name; `nodes` stands for all nodes.
"""

from __future__ import annotations

from lab.cluster.store import Store
from lab.kube.kinds.node import Node
from lab.kube.kinds.service import Service

ALL_NODES = "nodes"


class PublicNames:
    """Names that anybody may look up."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def lookup(self, name: str, namespace: str = "default") -> tuple[str, ...] | None:
        """The addresses of a name; None when there is no such name, as while an EXTERNAL-IP is pending."""
        if name == ALL_NODES:
            found = [node.address("ExternalIP") for node in self._store.list(Node)]
            return tuple(ip for ip in found if ip) or None
        node = self._store.find(Node, name)
        if node is not None:
            return (node.address("ExternalIP") or node.address("InternalIP"),)
        service_name, _, service_namespace = name.partition(".")
        service = self._store.find(Service, service_name, service_namespace or namespace)
        if service is None or service.spec.type != "LoadBalancer":
            return None
        return tuple(ingress.ip for ingress in service.status.load_balancer.ingress if ingress.ip) or None
