"""Rules 33 and 34: what a healthCheckNodePort answers."""

from __future__ import annotations

import json

import pytest

from lab.network.endpoints import EndpointInfo
from lab.network.health_check import HealthCheckServer, count_local_ready


def server(count: int) -> HealthCheckServer:
    made = HealthCheckServer()
    made.sync_services({"default/web": 30999})
    made.sync_endpoints({"default/web": count, "default/unknown": 3})
    return made


@pytest.mark.parametrize(("count", "healthy", "status"), [(2, True, 200), (0, True, 503), (2, False, 503)])
def test_rule_33_it_answers_200_with_ready_local_endpoints_and_a_healthy_proxy(
    count: int, healthy: bool, status: int
) -> None:
    answer = server(count).answer("default/web", healthy)
    assert answer.status == status
    assert answer.headers["X-Load-Balancing-Endpoint-Weight"] == str(count)
    assert json.loads(answer.body)["localEndpoints"] == count


def test_rule_34_only_ready_endpoints_count_and_each_address_once() -> None:
    def info(ip: str, port: int = 80, node: str = "w1", **more: bool) -> EndpointInfo:
        return EndpointInfo(f"{ip}:{port}", ip, port, node, **more)

    ready = [info("10.0.0.1"), info("10.0.0.1", 443), info("10.0.0.2")]
    others = [info("10.0.0.3", ready=False, terminating=True), info("10.0.0.4", node="w2"), info("10.0.0.5", node="")]
    assert count_local_ready([*ready, *others], "w1") == 2


def test_rule_34_a_changed_port_starts_at_zero_until_the_next_endpoint_sync() -> None:
    made = server(2)
    made.sync_services({"default/web": 31000})
    assert made.answer("default/web", True).status == 503
    made.sync_endpoints({"default/web": 2})
    assert made.answer("default/web", True).status == 200
    assert (made.service_on(31000), made.service_on(30999)) == ("default/web", "")
