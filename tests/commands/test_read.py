from __future__ import annotations

import json

import pytest
import yaml

from lab.commands.complete import complete
from lab.kube.decode import decode
from lab.kube.kinds.pod import Pod
from lab.settings import Settings
from tests.commands.world import World


@pytest.fixture
def world() -> World:
    made = World()
    made.node("worker-1")
    made.pod("web-2", app="web", tier="front")
    made.pod("web-1", app="web")
    made.pod("cart-1", "shop", app="cart")
    return made


def test_pods_in_kubectls_columns_sorted_by_name(world: World) -> None:
    world.clock.run_until(125.0)
    assert world.ok("kubectl get pods") == [
        "NAME    READY   STATUS    RESTARTS   AGE",
        "web-1   0/1     Running   0          2m5s",
        "web-2   0/1     Running   0          2m5s",
    ]


def test_wide_adds_columns(world: World) -> None:
    heading, first, *_ = world.ok("kubectl get po -o wide")
    assert heading.split("  ")[-1].strip() == "READINESS GATES"
    assert "10.244.1.7   worker-1" in first


def test_everywhere_adds_the_namespace(world: World) -> None:
    assert [line.split()[:2] for line in world.ok("kubectl get pods -A")] == [
        ["NAMESPACE", "NAME"],
        ["default", "web-1"],
        ["default", "web-2"],
        ["shop", "cart-1"],
    ]


def test_labels_choose(world: World) -> None:
    assert [line.split()[0] for line in world.ok("kubectl get pods -l tier=front --no-headers")] == ["web-2"]
    assert world.ok("kubectl get pods -l tier=front --show-labels")[1].endswith("app=web,tier=front")


def test_several_resources_are_several_tables_with_prefixed_names(world: World) -> None:
    world.deployment("web")
    output = world.ok("kubectl get all")
    blank = output.index("")
    assert output[1].startswith("pod/web-1 ")
    assert output[blank + 1].startswith("NAME ")
    assert output[blank + 2].startswith("deployment.apps/web ")


def test_nothing_found_is_said_as_kubectl_says_it(world: World) -> None:
    assert world.ok("kubectl get svc") == ["No resources found in default namespace."]
    assert world.ok("kubectl get svc -A") == ["No resources found"]
    assert world.ok("kubectl get events") == ["No resources found in default namespace."]


@pytest.mark.parametrize(("release", "warned"), [("1.32", False), ("1.33", True), ("1.37", True)])
def test_the_api_server_warns_about_endpoints_since_they_are_deprecated(
    world: World, release: str, warned: bool
) -> None:
    """KEP-4974. kubectl prints it to stderr, so it stands before tables and not in what a program reads."""
    world.spec.settings = Settings(kubernetes=release)
    body = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "web", "namespace": "default"}}
    world.store.create(decode(body))
    text = ["Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"] if warned else []
    assert world.ok("kubectl get endpoints")[:-2] == text
    assert world.ok("kubectl describe endpoints web")[: len(text)] == text
    assert world.ok("kubectl get endpoints -o name") == ["endpoints/web"]
    assert world.ok("kubectl get services") == ["No resources found in default namespace."]


def test_names_only(world: World) -> None:
    world.deployment("web")
    assert world.ok("kubectl get deploy,po -o name") == ["deployment.apps/web", "pod/web-1", "pod/web-2"]


def test_yaml_and_json_are_what_the_api_server_would_give(world: World) -> None:
    one = yaml.safe_load("\n".join(world.ok("kubectl get pod web-1 -o yaml")))
    assert (one["kind"], one["metadata"]["name"]) == ("Pod", "web-1")
    many = json.loads("\n".join(world.ok("kubectl get pods -o json")))
    assert (many["kind"], len(many["items"])) == ("List", 2)


def test_events_are_the_journals_notes_counted_together(world: World) -> None:
    pod = world.store.get(Pod, "web-2")
    world.store.note(pod, "Unhealthy", "Readiness probe failed", type="Warning", component="kubelet")
    world.clock.run_until(10.0)
    world.store.note(pod, "Unhealthy", "Readiness probe failed", type="Warning", component="kubelet")
    assert world.ok("kubectl get events") == [
        "LAST SEEN          TYPE      REASON      OBJECT      MESSAGE",
        "0s (x2 over 10s)   Warning   Unhealthy   pod/web-2   Readiness probe failed",
    ]
    assert "Unhealthy" in world.ok("kubectl describe pod web-2")[-1]


def test_describe_tells_the_parts_of_an_object(world: World) -> None:
    lines = world.ok("kubectl describe pod web-1")
    assert lines[0].split() == ["Name:", "web-1"]
    assert any(line.split() == ["IP:", "10.244.1.7"] for line in lines)
    assert lines[-1] == "Events:  <none>"
    assert any("web-1" in line for line in world.ok("kubectl describe node worker-1"))


def test_a_kind_that_is_only_kept_is_shown_too(world: World) -> None:
    world.store.create(
        decode({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "c", "namespace": "default"}})
    )
    assert world.ok("kubectl get serviceaccounts")[1].split() == ["c", "0s"]
    assert world.ok("kubectl delete serviceaccount c") == ['serviceaccount "c" deleted']


@pytest.mark.parametrize(
    "word",
    ["sa", "ing", "pvc", "cj", "jobs", "ds", "hpa", "pdb", "netpol", "cm", "secret", "ingresses.networking.k8s.io"],
)
def test_kubernetes_other_kinds_are_known_before_there_is_an_object(world: World, word: str) -> None:
    assert world.ok(f"kubectl get {word}") == ["No resources found in default namespace."]


@pytest.mark.parametrize("word", ["crd", "pv", "sc", "clusterroles", "ingressclass"])
def test_kinds_without_a_namespace_say_so(world: World, word: str) -> None:
    assert world.ok(f"kubectl get {word}") == ["No resources found"]


def test_a_kept_object_is_found_under_every_name_of_its_kind(world: World) -> None:
    meta = {"name": "web", "namespace": "default"}
    world.store.create(decode({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta}))
    for word in ("ing", "ingress", "ingresses", "ingresses.networking.k8s.io", "Ingress"):
        assert world.ok(f"kubectl get {word} -o name") == ["ingress.networking.k8s.io/web"]
    error = world.wrong("kubectl get ing we")
    assert error.startswith('Error from server (NotFound): ingresses.networking.k8s.io "we" not found')
    assert 'did you mean "web"?' in error


def test_a_custom_resource_has_the_names_of_its_definition(world: World) -> None:
    names = {"kind": "Service", "plural": "services", "shortNames": ["ksvc"]}
    spec = {"group": "serving.knative.dev", "scope": "Namespaced", "names": names}
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "s"}}
    world.store.create(decode({**crd, "spec": spec}))
    assert world.ok("kubectl get ksvc") == ["No resources found in default namespace."]
    meta = {"name": "hello", "namespace": "default"}
    world.store.create(decode({"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": meta}))
    assert world.ok("kubectl get ksvc --no-headers") == ["hello   0s"]
    assert world.ok("kubectl get services") == ["No resources found in default namespace."]
    assert "Simulated:" in " ".join(world.ok("kubectl describe ksvc hello"))
    assert world.ok("kubectl delete ksvc hello") == ['service.serving.knative.dev "hello" deleted']


@pytest.mark.parametrize("spec", [None, 3, {"names": None}, {"names": {"kind": "Thing", "shortNames": "t"}}])
def test_a_definition_that_says_nothing_of_use_does_no_harm(world: World, spec: object) -> None:
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "s"}}
    world.store.create(decode({**crd, "spec": spec}))
    assert world.ok("kubectl get crd --no-headers") == ["s   0s"]


def test_only_what_is_there_is_offered(world: World) -> None:
    plurals = complete(world, "kubectl get c")  # type: ignore[arg-type]
    assert "configmaps" in plurals
    assert "clusterroles" not in plurals


def test_describe_takes_the_beginning_of_a_name_after_a_kind(world: World) -> None:
    lines = world.ok("kubectl describe pod web")
    assert [line.split()[1] for line in lines if line.startswith("Name:")] == ["web-1", "web-2"]
    assert world.ok("kubectl describe pod web-1")[0].split() == ["Name:", "web-1"]
    world.pod("web", app="web")
    assert sum(line.startswith("Name:") for line in world.ok("kubectl describe pod web")) == 1, "a whole name is enough"
    assert 'pods "xy" not found' in world.wrong("kubectl describe pod xy")
    assert "NotFound" in world.wrong("kubectl describe pod/web-")
    assert "NotFound" in world.wrong("kubectl get pod web-")


def test_describe_tells_moments_as_dates(world: World) -> None:
    world.clock.run_until(42.7)
    world.deployment("late")
    lines = world.ok("kubectl describe deployment late")
    assert [line.split(maxsplit=1)[1] for line in lines if line.startswith("CreationTimestamp:")] == [
        "Thu, 01 Jan 2026 00:00:42 +0000"
    ]
