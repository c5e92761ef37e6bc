"""`kubectl wait`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.commands.run import run
from lab.engine import Engine
from lab.kube.kinds.pod import Pod
from tests.commands.test_on_engine import give, ok, start


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = start()
    yield made
    made.close()


def test_what_holds_already_is_over_at_once(engine: Engine) -> None:
    lines = ok(engine, "kubectl wait --for=condition=Available deployment/web")
    assert lines == ["deployment.apps/web condition met"]
    assert ok(engine, "kubectl wait deployment/web --for condition=available=true") == lines


def test_it_waits_for_each_and_says_when(engine: Engine) -> None:
    ok(engine, "kubectl scale deployment/web --replicas=5", 0.5)
    execution = give(engine, "kubectl wait pods -l app=web --for=condition=Ready --timeout=60s")
    assert not execution.done
    assert len(execution.output) == 3
    engine.run_for(30.0)
    assert execution.done
    assert not execution.error
    assert len(execution.output) == 5


def test_a_condition_of_an_older_generation_does_not_count(engine: Engine) -> None:
    ok(engine, "kubectl set image deployment/web web=shop/web:2")
    execution = give(engine, "kubectl wait deployment/web --for=jsonpath='{.status.updatedReplicas}'=3 --timeout=90s")
    again = give(engine, "kubectl wait deployment/web --for=condition=Available --timeout=90s")
    assert not again.done
    engine.run_for(60.0)
    assert execution.done
    assert again.done
    assert not execution.error


def test_the_end_of_an_object(engine: Engine) -> None:
    ok(engine, "kubectl delete pod client")
    execution = give(engine, "kubectl wait pod/client --for=delete --timeout=60s")
    assert not execution.done
    engine.run_for(40.0)
    assert execution.output == ["pod/client condition met"]


def test_time_runs_out(engine: Engine) -> None:
    execution = give(engine, "kubectl wait pod/client --for=delete", 29.0)
    assert not execution.done
    engine.run_for(2.0)
    assert execution.error == "error: timed out waiting for the condition on pods/client"
    assert give(engine, "kubectl wait pod/client --for=delete --timeout=0", 0.01).error == execution.error


def test_an_object_that_goes_ends_it(engine: Engine) -> None:
    execution = give(engine, "kubectl wait pod/client --for=condition=Nothing --timeout=60s")
    ok(engine, "kubectl delete pod client --grace-period=0 --force", 1.0)
    assert execution.error == 'Error from server (NotFound): pods "client" not found'


def test_nothing_listens_on_after_the_end(engine: Engine) -> None:
    execution = give(engine, "kubectl wait pod/client --for=condition=Ready")
    assert execution.done
    before = list(execution.output)
    ok(engine, "kubectl label pod client a=b")
    engine.run_for(60.0)
    assert execution.output == before
    assert engine.store.find(Pod, "client") is not None


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("pod/client --for=ready", 'unrecognized condition: "ready"'),
        ("pod/client --for=jsonpath={.a[", "error parsing jsonpath"),
        ("pods --for=delete", "no name was specified"),
        ("pods -l no=such --for=condition=Ready", "no matching resources found"),
        ("pod/client", 'required flag "--for" is not set'),
    ],
)
def test_what_cannot_be_waited_for(engine: Engine, words: str, fault: str) -> None:
    assert fault in run(engine, f"kubectl wait {words}").error


def test_waiting_for_the_end_of_nothing_is_over(engine: Engine) -> None:
    assert ok(engine, "kubectl wait pods -l no=such --for=delete") == []
