"""Slices merged into endpoints by Service port: endpoint_maps.json."""

from __future__ import annotations

from typing import Any

import pytest

from lab.kube.decode import decode
from lab.kube.kinds.endpointslice import EndpointSlice
from lab.network.builder import RuleBuilder
from lab.network.endpoints import EndpointInfo
from lab.network.health_check import count_local_ready
from tests.conformance.vectors import cases


@pytest.mark.parametrize("case", cases("endpoint_maps.json"))
def test_slices_merge_into_the_endpoints_of_each_port(case: dict[str, Any]) -> None:
    builder = RuleBuilder()
    services: dict[tuple[str, str], None] = {}
    for obj in map(decode, case["objects"]):
        assert isinstance(obj, EndpointSlice)
        builder.apply(obj)
        if case.get("service") in (None, f"{obj.namespace}/{obj.service}"):
            services[obj.namespace, obj.service] = None
    node, ports, counts = case["node_name"], {}, {}
    for namespace, service in services:
        merged = builder.endpoints(namespace, service)
        for (port, protocol), endpoints in merged.items():
            ports[f"{namespace}/{service}:{port}/{protocol}"] = endpoints
        count = count_local_ready((e for endpoints in merged.values() for e in endpoints), node)
        if count:
            counts[f"{namespace}/{service}"] = count
    wanted = case["expect"]["ports"]
    assert sorted(ports) == sorted(wanted)
    for port, entries in wanted.items():
        assert [stated(entry, info, node) for entry, info in zip(entries, ports[port], strict=True)] == entries
    assert counts == case["expect"].get("local_ready_endpoint_counts", counts)


def stated(entry: dict[str, Any], info: EndpointInfo, node: str) -> dict[str, Any]:
    """What the case states about an endpoint, as it was found."""
    everything = {
        "endpoint": info.address,
        "local": info.local_to(node),
        "ready": info.ready,
        "serving": info.serving,
        "terminating": info.terminating,
    }
    return {key: everything[key] for key in entry}
