"""`kubectl apply -f` at the prompt: all of a set or nothing of it, and every reason at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.commands.execution import Execution
from lab.commands.run import run
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.journal import CommandRefused
from lab.kube.documents import documents_of
from lab.kube.encode import encode
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.service import Service

TAKEN = "provided port is already allocated"


def service(name: str, number: int = 0, namespace: str = "default", **spec: str) -> str:
    more = "".join(f"  {key}: {value}\n" for key, value in spec.items())
    port = f"  ports: [{{port: 80, nodePort: {number}}}]\n"
    meta = f"metadata: {{name: {name}, namespace: {namespace}}}\n"
    return f"apiVersion: v1\nkind: Service\n{meta}spec:\n  type: NodePort\n{port}{more}"


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine(ClusterSpec(nodes=plain_nodes(1)), seed=3)
    made.boot()
    made.settle()
    yield made
    made.close()


def apply(engine: Engine, *documents: str) -> Execution:
    return run(engine, "kubectl apply -f web.yaml", files=lambda path: documents_of("---\n".join(documents), path))


def state(engine: Engine) -> list[object]:
    snapshot = engine.store.snapshot()
    return [(key, encode(snapshot[key])) for key in snapshot]


def test_a_set_in_which_one_is_refused_leaves_the_cluster_as_it_was(engine: Engine) -> None:
    documents = [service(f"s{index}", 30000 + index) for index in range(200)]
    documents[150] = service("s150", 30007)
    before = state(engine)
    execution = apply(engine, *documents)
    assert execution.output == []
    assert execution.error.splitlines() == [
        f"error: web.yaml:{150 * 7 + 6}: service/s150: spec.ports[0].nodePort: Invalid value: 30007: {TAKEN} "
        "(service/s7 has it)",
        "nothing was applied",
    ]
    assert state(engine) == before
    assert len(apply(engine, *documents[:150]).output) == 150


def test_everything_is_told_at_once_against_what_the_cluster_holds(engine: Engine) -> None:
    assert apply(engine, service("web", 30080, clusterIP="10.96.7.7")).output == ["service/web created"]
    execution = apply(
        engine,
        service("fine"),
        service("web", 30080, clusterIP="10.96.7.8"),
        service("far", 30080, namespace="shpo"),
        "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: many}\n",
        "a: [\n",
    )
    assert execution.error.removeprefix("error: ").splitlines() == [
        'web.yaml:14: service/web: spec.clusterIPs[0]: Invalid value: ["10.96.7.8"]: may not change once set',
        'web.yaml:18: service/far: metadata.namespace: namespaces "shpo" not found',
        f"web.yaml:21: service/far: spec.ports[0].nodePort: Invalid value: 30080: {TAKEN} (service/web has it)",
        'web.yaml:26: service/x: spec.ports: expected a list, got the text "many"',
        "web.yaml:29: this is not valid YAML: did not find expected node content",
        "nothing was applied",
    ]
    assert engine.store.find(Service, "fine") is None


def test_a_set_brings_its_own_namespace_wherever_it_stands(engine: Engine) -> None:
    space = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
    refused = apply(engine, service("a", 30001, "shop"), space, service("b", 30001, "shop"))
    assert "web.yaml:17: service/b" in refused.error
    assert engine.store.find(Namespace, "shop") is None
    assert apply(engine, service("a", 30001, "shop"), space).output == ["namespace/shop created", "service/a created"]


def test_what_a_set_uses_of_a_quota_is_counted_document_by_document_and_given_back(engine: Engine) -> None:
    hard = "{services.nodeports: 2}"
    apply(engine, f"apiVersion: v1\nkind: ResourceQuota\nmetadata: {{name: few}}\nspec: {{hard: {hard}}}\n")
    engine.run_for(10.0)
    refused = apply(engine, service("a"), service("b"), service("c")).error
    assert refused.startswith('error: web.yaml:15: service/c: services "c" is forbidden: exceeded quota: few')
    assert apply(engine, service("a"), service("b")).output == ["service/a created", "service/b created"]


def test_a_refused_set_takes_no_number_and_no_chance_away(engine: Engine) -> None:
    """Who tried and was refused, and who never tried, get the same addresses, ports and names afterwards."""
    twin = Engine(ClusterSpec(nodes=plain_nodes(1)), seed=3)
    twin.boot()
    twin.settle()
    assert apply(engine, service("a"), service("b"), service("c", 99)).error
    assert not apply(engine, service("a"), service("b")).error
    assert not apply(twin, service("a"), service("b")).error
    assert state(engine) == state(twin)
    twin.close()


def test_the_same_object_twice_is_applied_twice(engine: Engine) -> None:
    assert apply(engine, service("a", 30001), service("a", 30001), service("a", 30002)).output == [
        "service/a created",
        "service/a unchanged",
        "service/a configured",
    ]


def test_a_port_keeps_what_it_was_given_when_its_manifest_changes(engine: Engine) -> None:
    """kubectl tells the ports of a Service apart by their number, so that a new name is no new port."""
    first = service("a").replace(", nodePort: 0", "")
    apply(engine, first)
    given = engine.store.get(Service, "a").spec.ports[0].node_port
    ports = "[{name: http, port: 80}, {name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}]"
    more = first.replace("[{port: 80}]", ports)
    assert apply(engine, more).output == ["service/a configured"]
    assert apply(engine, more).output == ["service/a unchanged"]
    now = engine.store.get(Service, "a").spec.ports
    assert [(port.name, port.port, port.protocol) for port in now] == [
        ("http", 80, "TCP"),
        ("dns", 53, "UDP"),
        ("dns-tcp", 53, "TCP"),
    ]
    assert now[0].node_port == given
    assert given not in (now[1].node_port, now[2].node_port)
    assert apply(engine, more.replace("{name: http, port: 80}, ", "")).output == ["service/a configured"]
    assert [port.name for port in engine.store.get(Service, "a").spec.ports] == ["dns", "dns-tcp"]


def test_a_field_that_nobody_knows_is_warned_of(engine: Engine) -> None:
    execution = apply(engine, service("a").replace("port: 80,", "port: 80, tagetPort: 8080,"))
    assert execution.output == [
        'Warning: web.yaml:6: unknown field "spec.ports[0].tagetPort", did you mean "targetPort"?',
        "service/a created",
    ]


def test_what_others_added_to_a_list_stays(engine: Engine) -> None:
    apply(engine, service("a", 30001))
    extra = """kubectl patch service a -p '{"spec":{"ports":[{"port":80,"name":"http"},{"port":81,"name":"more"}]}}'"""
    assert not run(engine, extra).error
    assert apply(engine, service("a", 30002)).output == ["service/a configured"]
    ports = engine.store.get(Service, "a").spec.ports
    assert [(port.name, port.port) for port in ports] == [("http", 80), ("more", 81)]
    assert ports[0].node_port == 30002


def test_a_manifest_may_leave_out_the_namespace_that_it_named_before(engine: Engine) -> None:
    """kubectl fills in the namespace before it remembers what a manifest said, so it is no field that goes away."""
    named = service("a", 30001)
    bare = named.replace(", namespace: default", "")
    assert named != bare
    assert [apply(engine, text).output for text in (named, bare, named)] == [
        ["service/a created"],
        ["service/a unchanged"],
        ["service/a unchanged"],
    ]


@pytest.mark.parametrize("text", ["", "---\n---\n# nothing\n", "apiVersion: v1\nkind: List\nitems: []\n"])
def test_nothing_to_apply_is_an_error(engine: Engine, text: str) -> None:
    assert apply(engine, text).error == "error: no objects passed to apply"


def test_the_journal_keeps_the_first_reason(engine: Engine) -> None:
    apply(engine, service("a", 99), service("b", 98))
    (refused,) = [event for event in engine.journal.read().events if isinstance(event, CommandRefused)]
    assert refused.error.startswith("error: web.yaml:6: service/a: spec.ports[0].nodePort: Invalid value: 99")


def test_a_set_that_cannot_be_read_deletes_nothing(engine: Engine) -> None:
    apply(engine, service("a"))
    documents = documents_of(f"{service('a')}---\na: [\n", "web.yaml")
    execution = run(engine, "kubectl delete -f web.yaml", files=lambda path: documents)
    assert execution.error == "error: web.yaml:9: this is not valid YAML: did not find expected node content"
    assert engine.store.find(Service, "a") is not None
