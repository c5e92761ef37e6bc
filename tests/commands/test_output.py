"""Forms of output and orders of `kubectl get`."""

from __future__ import annotations

import pytest

from lab.commands.complete import complete
from lab.kube.decode import decode
from tests.commands.world import World


@pytest.fixture
def world() -> World:
    made = World()
    made.node("worker-1")
    for number in (10, 9, 1):
        made.pod(f"web-{number}", app="web")
    return made


def names(lines: list[str]) -> list[str]:
    return [line.split()[0] for line in lines[1:]]


def test_jsonpath_of_a_list_and_of_one_object(world: World) -> None:
    assert world.ok("kubectl get pods -o jsonpath='{.items[*].metadata.name}'") == ["web-1 web-10 web-9"]
    assert world.ok("kubectl get pod web-1 -o jsonpath={.status.podIP}") == ["10.244.1.7"]
    table = '\'{range .items[*]}{.metadata.name}{"\\t"}{.spec.nodeName}{"\\n"}{end}\''
    assert world.ok(f"kubectl get pods -o=jsonpath={table}")[1] == "web-10\tworker-1"
    assert world.ok("kubectl get pods -o jsonpath={.nothing}") == []


def test_custom_columns(world: World) -> None:
    output = world.ok("kubectl get pods -o custom-columns=POD:.metadata.name,NODE:.spec.nodeName,X:.metadata.x")
    assert output[0].split() == ["POD", "NODE", "X"]
    assert output[1].split() == ["web-1", "worker-1", "<none>"]
    assert len(world.ok("kubectl get pods -o custom-columns=POD:metadata.name --no-headers")) == 3


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ("jsonpath='{.a'", "error parsing jsonpath {.a, unclosed action"),
        ("jsonpath", "error: jsonpath format specified but no template given"),
        ("custom-columns=NAME", "unexpected custom-columns spec: NAME, expected <header>:<json-path-expr>"),
        ("custom-columns=NAME:.a[", "unterminated array"),
        ("yml", 'did you mean "yaml"?'),
    ],
)
def test_a_form_that_is_none_is_told(world: World, form: str, fault: str) -> None:
    assert fault in world.wrong(f"kubectl get pods -o {form}")


def test_forms_are_offered(world: World) -> None:
    assert complete(world, "kubectl get pods -o j") == ["json", "jsonpath="]  # type: ignore[arg-type]


def test_sorting_by_names_goes_by_their_numbers(world: World) -> None:
    assert names(world.ok("kubectl get pods --sort-by=.metadata.name")) == ["web-1", "web-9", "web-10"]
    assert names(world.ok("kubectl get pods --sort-by={.metadata.resourceVersion}")) == ["web-10", "web-9", "web-1"]


def test_quantities_are_sorted_by_what_they_are_worth(world: World) -> None:
    for name, size in (("small", "100Mi"), ("large", "1Gi"), ("none", "")):
        spec = {"resources": {"requests": {"storage": size}}} if size else {}
        meta = {"name": name, "namespace": "default"}
        body = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}
        world.store.create(decode(body))
    output = world.ok("kubectl get pvc --sort-by=.spec.resources.requests.storage")
    assert names(output) == ["none", "small", "large"]


def test_a_field_that_nothing_has_is_told_with_the_nearest(world: World) -> None:
    error = world.wrong("kubectl get pods --sort-by=.metadata.nam")
    assert 'couldn\'t find any field with path ".metadata.nam" in the list of objects' in error
    assert 'did you mean ".metadata.name"?' in error
    assert "it is no single value" in world.wrong("kubectl get pods --sort-by=.metadata")
