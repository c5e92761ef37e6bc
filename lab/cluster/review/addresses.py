"""Hand-made endpoints whose addresses nobody has for certain: those of Pods, and the cluster IPs of Services."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.cluster.networks import Network, networks
from lab.cluster.review.finding import Finding, warning
from lab.kube.documents import Document
from lab.kube.ip import read_address
from lab.kube.kinds.endpoints import Endpoints
from lab.kube.kinds.endpointslice import MANAGED_BY_LABEL, EndpointSlice
from lab.kube.kinds.service import Service
from lab.settings import Settings


def address_warnings(documents: Sequence[Document], settings: Settings) -> Iterator[Finding]:
    """The endpoints of each EndpointSlice and Endpoints object that no controller has made."""
    services, pods = networks(settings.service_cidr), networks(settings.pod_cidr)
    made_by_controller = _with_selector(documents)
    for document in documents:
        for path, address in _hand_made(document, made_by_controller):
            if _within(address, services):
                yield warning(document, path, f"{address} is a cluster IP: kube-proxy sends nothing to another Service")
            elif _within(address, pods):
                hint = "which has it only as long as it lives; a selector follows its Pods"
                yield warning(document, path, f"{address} can only be a Pod's, {hint}")


def _with_selector(documents: Sequence[Document]) -> set[tuple[str, str]]:
    """Namespace and name of the Services that select Pods: their Endpoints objects are a controller's."""
    found = [each.readable for each in documents]
    return {
        (each.namespace or "default", each.name) for each in found if isinstance(each, Service) and each.spec.selector
    }


def _hand_made(document: Document, made_by_controller: set[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Every address with its field."""
    obj = document.object
    if isinstance(obj, EndpointSlice) and not obj.metadata.labels.get(MANAGED_BY_LABEL, "").endswith("k8s.io"):
        for i, endpoint in enumerate(obj.endpoints):
            for j, address in enumerate(endpoint.addresses):
                yield f"endpoints[{i}].addresses[{j}]", address
    elif isinstance(obj, Endpoints) and (obj.namespace or "default", obj.name) not in made_by_controller:
        for i, subset in enumerate(obj.subsets):
            for j, each in enumerate(subset.addresses):
                yield f"subsets[{i}].addresses[{j}].ip", each.ip


def _within(text: str, ranges: Sequence[Network]) -> bool:
    address = read_address(text).value
    return address is not None and any(each.version == address.version and address in each for each in ranges)
