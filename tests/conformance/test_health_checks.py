"""healthCheckNodePort answers: health_checks.json."""

from __future__ import annotations

from typing import Any

import pytest

from lab.kube.decode import decode
from lab.network.builder import RuleBuilder
from lab.network.health_check import HealthAnswer, HealthCheckServer, count_local_ready
from tests.conformance.vectors import cases

CASES = cases("health_checks.json")


def server_after(index: int) -> HealthCheckServer:
    """A server as the case finds it: a stateful case goes on where the one before it ended."""
    case = CASES[index].values[0]
    server = server_after(index - 1) if case.get("stateful") else HealthCheckServer()
    server.sync_services(case["health_check_node_ports"])
    if case["local_ready_endpoint_counts"] is not None:
        server.sync_endpoints(case["local_ready_endpoint_counts"])
    return server


def stated(entry: dict[str, Any], answer: HealthAnswer) -> dict[str, Any]:
    everything = {
        "status": answer.status,
        "localEndpoints": answer.local_endpoints,
        "serviceProxyHealthy": answer.proxy_healthy,
        "headers": answer.headers,
    }
    return {key: everything[key] for key in entry}


@pytest.mark.parametrize("case", CASES)
def test_a_node_answers_for_its_own_ready_endpoints(case: dict[str, Any]) -> None:
    if "objects" in case:
        assert local_services(case) == case["expect"]["services_with_local_ready_endpoints"]
        return
    index = next(i for i, other in enumerate(CASES) if other.values[0] is case)
    server = server_after(index)
    found = {service: server.answer(service, case["service_proxy_healthy"]) for service in server.services}
    assert sorted(found) == sorted(case["expect"])
    for service, entry in case["expect"].items():
        assert stated(entry, found[service]) == entry


def local_services(case: dict[str, Any]) -> list[str]:
    builder = RuleBuilder()
    for obj in case["objects"]:
        builder.apply(decode(obj))
    builder.refresh()
    names = [f"{o['metadata']['namespace']}/{o['metadata']['name']}" for o in case["objects"] if o["kind"] == "Service"]
    return [
        name
        for name in names
        if count_local_ready(
            (e for rule in builder.table.services.get(name, ()) for e in rule.endpoints), case["node_name"]
        )
    ]
