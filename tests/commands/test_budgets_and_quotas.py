"""Disruption budgets and quotas at the prompt: made, listed, described, and in the way of what is typed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.commands.run import run
from lab.engine import ClusterSpec, Engine, plain_nodes


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine(ClusterSpec(nodes=plain_nodes(2)))
    made.boot()
    yield made
    made.close()


def ok(engine: Engine, text: str) -> list[str]:
    execution = run(engine, text)
    assert not execution.error
    return execution.output


def cells(engine: Engine, text: str) -> list[list[str]]:
    return [[cell for cell in line.split("   ") if cell] for line in ok(engine, text)]


def test_a_disruption_budget(engine):
    ok(engine, "kubectl create deployment web --image=shop/web --replicas=3")
    said = ok(engine, "kubectl create poddisruptionbudget web --selector=app=web --min-available=2")
    assert said == ["poddisruptionbudget.policy/web created"]
    engine.settle()
    head, row = cells(engine, "kubectl get pdb")
    assert [cell.strip() for cell in head] == [
        *("NAME", "MIN AVAILABLE", "MAX UNAVAILABLE", "ALLOWED DISRUPTIONS", "AGE")
    ]
    assert [cell.strip() for cell in row[:4]] == ["web", "2", "N/A", "1"]
    assert ok(engine, "kubectl describe pdb web")[:9] == [
        "Name:           web",
        "Namespace:      default",
        "Min available:  2",
        "Selector:       app=web",
        "Status:",
        "    Allowed disruptions:  1",
        "    Current:              3",
        "    Desired:              2",
        "    Total:                3",
    ]


def test_a_quota(engine):
    said = ok(engine, "kubectl create quota compute --hard=pods=2,limits.cpu=1,requests.memory=1Gi")
    assert said == ["resourcequota/compute created"]
    engine.run_for(1.0)
    head, row = cells(engine, "kubectl get quota")
    assert [cell.strip() for cell in head] == ["NAME", "REQUEST", "LIMIT", "AGE"]
    assert row[:3] == ["compute", "pods: 0/2, requests.memory: 0/1Gi", "limits.cpu: 0/1"]
    assert ok(engine, "kubectl describe quota compute")[:7] == [
        "Name:       compute",
        "Namespace:  default",
        "Resource          Used   Hard",
        "--------          ----   ----",
        "limits.cpu        0      1",
        "pods              0      2",
        "requests.memory   0      1Gi",
    ]


def test_a_quota_with_scopes_says_them(engine):
    ok(engine, "kubectl create quota idle --hard=pods=2 --scopes=BestEffort")
    assert "Scopes:     BestEffort" in ok(engine, "kubectl describe quota idle")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kubectl create quota q --hard=pods", "expected RESOURCE=AMOUNT"),
        ("kubectl create quota q --hard=pods=many", '"many" is not a quantity'),
        ("kubectl create quota q --hard=podz=1", "must be a standard resource for quota"),
        ("kubectl create poddisruptionbudget b -l app=x", "one of min-available or max-unavailable must be specified"),
        ("kubectl create poddisruptionbudget b -l app=x --min-available=half", "a valid percent string must be"),
    ],
)
def test_what_is_refused(engine, text, said):
    assert said in run(engine, text).error


def test_what_a_quota_refuses_is_an_answer_of_the_server(engine):
    ok(engine, "kubectl create quota small --hard=pods=0")
    engine.run_for(1.0)
    assert run(engine, "kubectl run client --image=service-lab/client").error == (
        'Error from server (Forbidden): pods "client" is forbidden: exceeded quota: small, requested: pods=1, '
        "used: pods=0, limited: pods=0"
    )


def test_a_deployment_in_a_full_namespace_goes_on_when_there_is_room(engine):
    ok(engine, "kubectl create quota small --hard=pods=2")
    engine.run_for(1.0)
    ok(engine, "kubectl create deployment web --image=shop/web --replicas=3")
    engine.run_for(10.0)
    (row,) = cells(engine, "kubectl get deployments --no-headers")
    assert row[1] == "2/3"
    events = "\n".join(ok(engine, "kubectl get events"))
    assert "FailedCreate" in events
    assert "is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2" in events
    ok(engine, """kubectl patch quota small -p '{"spec":{"hard":{"pods":"3"}}}'""")
    engine.run_for(300.0)  # by now it tries only every few minutes
    (row,) = cells(engine, "kubectl get deployments --no-headers")
    assert row[1] == "3/3"
