"""CoreDNS that does not answer, or late: what clients see of it, and when it is over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.engine import Engine
from lab.kube.kinds.pod import Pod
from tests.commands.test_on_engine import give, ok, start

ASK = "curl http://web/ --from pod/client"


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = start()
    yield made
    made.close()


def outcome(engine: Engine, seconds: float) -> str:
    asked = give(engine, ASK, seconds)
    assert asked.done
    return "\n".join(asked.output)


def test_without_answers_a_resolver_waits_for_its_attempts_and_the_pods_stay_ready(engine: Engine) -> None:
    ok(engine, "lab fail dns --for=30s")
    asked = give(engine, ASK, 9.9)
    assert not asked.done, "two attempts of 5 s"
    engine.run_for(0.2)
    assert "Resolving timed out" in "\n".join(asked.output)
    servers = engine.store.list(Pod, "kube-system", {"k8s-app": "kube-dns"})
    assert servers
    assert all(pod.ready for pod in servers)
    engine.run_for(25.0)
    assert "200 OK" in outcome(engine, 1.0)


def test_a_name_that_is_known_already_needs_no_server(engine: Engine) -> None:
    assert "200 OK" in outcome(engine, 1.0)
    ok(engine, "lab fail dns")
    assert "200 OK" in outcome(engine, 1.0)
    engine.run_for(60.0)
    assert "Resolving timed out" in outcome(engine, 11.0)


def test_what_is_done_by_address_goes_on(engine: Engine) -> None:
    ok(engine, "lab fail dns")
    pod = engine.store.list(Pod, "default", {"app": "web"})[0]
    asked = give(engine, f"curl http://{pod.status.pod_ip}:8080/ --from pod/client", 1.0)
    assert "200 OK" in "\n".join(asked.output)


def test_slow_answers_delay_each_lookup_until_its_attempts_are_over(engine: Engine) -> None:
    ok(engine, "lab slow dns --by=2s")
    asked = give(engine, ASK, 1.9)
    assert not asked.done
    engine.run_for(0.5)
    assert "200 OK" in asked.output[0]
    ok(engine, "lab slow dns --by=11s", 60.0)
    assert "Resolving timed out" in outcome(engine, 11.0)
    ok(engine, "lab quicken dns", 10.0)
    assert "200 OK" in outcome(engine, 1.0)


def test_a_trace_foresees_both(engine: Engine) -> None:
    ok(engine, "lab fail dns")
    assert "timeout" in "\n".join(ok(engine, "lab trace --from pod/client --to http://web/"))
    ok(engine, "lab mend")
    assert "timeout" not in "\n".join(ok(engine, "lab trace --from pod/client --to http://web/"))


def test_how_slow_has_to_be_said(engine: Engine) -> None:
    assert give(engine, "lab slow dns --by=0s").error == "error: say by how much: --by=2s"
