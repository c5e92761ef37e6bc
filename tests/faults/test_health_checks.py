"""Health checks of load balancers that time out: the targets are given up, and what that means is the profile's."""

from __future__ import annotations

import pytest

from lab.commands.fault import choices
from lab.commands.run import run
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.kube.versions import settings_of
from lab.views.page import Subject
from tests.commands.test_on_engine import SETUP, give, ok


def start(profile: str) -> Engine:
    engine = Engine(ClusterSpec(nodes=plain_nodes(3), settings=settings_of({"load_balancer": profile})), seed=1)
    engine.boot()
    for text in SETUP:
        assert not run(engine, text).error
    engine.settle()
    return engine


def healthy(engine: Engine) -> tuple[str, ...]:
    return next(iter(engine.network.balancers.by_ip.values())).healthy


def asked(engine: Engine) -> str:
    return "\n".join(give(engine, "curl http://web/ -m 3", 4.0).output)


@pytest.mark.parametrize("profile", ["aws-nlb", "gcp"])
def test_every_target_is_given_up_and_believed_again(profile: str) -> None:
    engine = start(profile)
    assert len(healthy(engine)) == 3
    ok(engine, "lab fail health-checks service/web --for=2m", 119.0)
    assert healthy(engine) == ()
    engine.run_for(180.0)
    assert len(healthy(engine)) == 3
    assert "200 OK" in asked(engine)
    engine.close()


def test_what_a_balancer_does_without_a_healthy_target_is_its_profiles() -> None:
    for profile in ("aws-nlb", "gcp"):
        engine = start(profile)
        ok(engine, "lab fail health-checks service/web", 120.0)
        assert ("200 OK" in asked(engine)) is engine.spec.settings.lb_fail_open
        engine.close()


def test_one_node_alone_is_given_up() -> None:
    engine = start("gcp")
    ok(engine, "lab fail health-checks node/worker-1", 120.0)
    assert healthy(engine) == ("worker-2", "worker-3")
    ok(engine, "lab mend", 120.0)
    assert len(healthy(engine)) == 3
    engine.close()


def test_a_balancer_without_health_checks_has_none_that_fail() -> None:
    engine = start("metallb-l2")
    assert "nobody sends health checks here" in give(engine, "lab fail health-checks service/web").error
    engine.close()


def test_the_menu_of_services_and_nodes_has_it() -> None:
    engine = start("gcp")
    for subject, words in (
        (Subject("Service", "default", "web"), "service/web"),
        (Subject("Node", "", "worker-1"), "node/worker-1"),
    ):
        assert f"lab fail health-checks {words}" in [choice.command for choice in choices(engine, subject)]
        ok(engine, f"lab fail health-checks {words}")
        assert f"lab recover health-checks {words}" in [choice.command for choice in choices(engine, subject)]
    engine.close()
