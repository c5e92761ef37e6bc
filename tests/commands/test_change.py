from __future__ import annotations

import pytest

from lab.kube.documents import Documents, made
from lab.kube.kinds.configmap import ConfigMap
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service
from lab.kube.meta import ObjectMeta
from tests.commands.world import World


@pytest.fixture
def world() -> World:
    made = World()
    made.node("worker-1")
    made.deployment("web")
    made.pod("web-1", app="web")
    return made


def deployment(world: World, name: str = "web") -> Deployment:
    return world.store.get(Deployment, name)


def service(world: World, name: str = "web") -> Service:
    return world.store.get(Service, name)


def test_scale(world: World) -> None:
    assert world.ok("kubectl scale deployment/web --replicas=5") == ["deployment.apps/web scaled"]
    assert deployment(world).spec.replicas == 5
    assert "Expected replicas to be 3, was 5" in world.wrong("k scale deploy web --replicas=1 --current-replicas=3")


def test_label_and_annotate(world: World) -> None:
    assert world.ok("kubectl label pod web-1 tier=front app-") == ["pod/web-1 labeled"]
    assert world.store.get(Pod, "web-1").metadata.labels == {"tier": "front"}
    assert "'tier' already has a value (front), and --overwrite is false" in world.wrong("k label pod web-1 tier=back")
    assert world.ok("kubectl label pod web-1 tier=back --overwrite") == ["pod/web-1 labeled"]
    assert world.ok("kubectl label pod web-1 tier-") == ["pod/web-1 unlabeled"]
    assert world.ok("kubectl annotate deploy/web owner=shop") == ["deployment.apps/web annotated"]
    assert deployment(world).metadata.annotations["owner"] == "shop"


def test_a_change_of_several_that_one_stands_against_changes_none(world: World) -> None:
    world.deployment("api", replicas=2)
    world.pod("web-2", app="web", tier="front")
    error = world.wrong("kubectl label pods web-1 web-2 tier=back")
    assert error == "error: pod/web-2: 'tier' already has a value (front), and --overwrite is false"
    assert "tier" not in world.store.get(Pod, "web-1").metadata.labels
    error = world.wrong("kubectl scale deploy web api --replicas=7 --current-replicas=3")
    assert error == "error: deployment.apps/api: Expected replicas to be 3, was 2"
    assert [deployment(world, name).spec.replicas for name in ("web", "api")] == [3, 2]


def test_cordon_and_uncordon(world: World) -> None:
    assert world.ok("kubectl cordon worker-1") == ["node/worker-1 cordoned"]
    assert world.store.get(Node, "worker-1").spec.unschedulable
    assert world.ok("kubectl cordon worker-1") == ["node/worker-1 already cordoned"]
    assert world.ok("kubectl get nodes")[1].split()[1] == "Ready,SchedulingDisabled"
    assert world.ok("kubectl uncordon node/worker-1") == ["node/worker-1 uncordoned"]


def test_set_image(world: World) -> None:
    assert world.ok("kubectl set image deployment/web web=shop/web:2") == ["deployment.apps/web image updated"]
    assert deployment(world).spec.template.spec.containers[0].image == "shop/web:2"
    error = world.wrong("kubectl set image deployment/web wbe=x")
    assert 'unable to find container named "wbe", did you mean "web"?' in error


def test_expose_takes_selector_and_ports_from_the_workload(world: World) -> None:
    assert world.ok("kubectl expose deployment web --port=80 --target-port=8080 --type=NodePort") == [
        "service/web exposed"
    ]
    made = service(world)
    assert (made.spec.type, made.spec.selector) == ("NodePort", {"app": "web"})
    assert (made.spec.ports[0].port, made.spec.ports[0].target_port) == (80, 8080)
    world.ok("kubectl expose deployment web --name=inner")
    assert service(world, "inner").spec.ports[0].port == 8080
    error = world.wrong("kubectl expose deployment web")
    assert error == 'Error from server (AlreadyExists): services "web" already exists'
    assert "couldn't find port" in world.wrong("kubectl expose pod web-1 --name=p")


def test_patch_merges_json(world: World) -> None:
    world.ok("kubectl expose deployment web --port=80 --type=NodePort")
    text = """kubectl patch svc web -p '{"spec":{"externalTrafficPolicy":"Local","selector":{"app":null,"x":"y"}}}'"""
    assert world.ok(text) == ["service/web patched"]
    assert service(world).spec.external_traffic_policy == "Local"
    assert service(world).spec.selector == {"x": "y"}
    assert world.ok(text) == ["service/web patched (no change)"]
    error = world.wrong("""kubectl patch svc web --type=merge -p '{"spec":{"ports":[{"port":"http"}]}}'""")
    assert "spec.ports[0].port: expected a whole number" in error


def test_patch_is_strategic_unless_told_otherwise(world: World) -> None:
    world.ok("kubectl expose deployment web --port=80")
    world.ok("""kubectl patch svc web -p '{"spec":{"ports":[{"port":443,"name":"b"},{"port":80,"name":"a"}]}}'""")
    assert [(port.name, port.port) for port in service(world).spec.ports] == [("a", 80), ("b", 443)]
    world.ok("""kubectl patch svc web --type=merge -p '{"spec":{"ports":[{"port":81}]}}'""")
    assert [port.port for port in service(world).spec.ports] == [81]


def test_set_selector(world: World) -> None:
    world.ok("kubectl expose deployment web --port=80")
    assert world.ok("kubectl set selector svc/web app=web,version=2") == ["service/web selector updated"]
    assert service(world).spec.selector == {"app": "web", "version": "2"}


def test_create_and_run(world: World) -> None:
    output = world.ok("kubectl create deployment api --image=ghcr.io/shop/api:1.2 --replicas=2 --port=80")
    assert output == ["deployment.apps/api created"]
    made = deployment(world, "api")
    container = made.spec.template.spec.containers[0]
    assert (made.spec.replicas, container.name, container.ports[0].container_port) == (2, "api", 80)
    assert world.ok("kubectl run probe --image=busybox") == ["pod/probe created"]
    assert world.store.get(Pod, "probe").metadata.labels == {"run": "probe"}
    assert world.ok("kubectl create namespace team") == ["namespace/team created"]
    assert world.store.find(Namespace, "team") is not None


def test_delete_gives_pods_their_grace(world: World) -> None:
    assert world.ok("kubectl delete pod web-1") == ['pod "web-1" deleted']
    assert world.store.get(Pod, "web-1").terminating
    warning, last = world.ok("kubectl delete pod web-1 --grace-period=0 --force")
    assert warning.startswith("Warning: Immediate deletion")
    assert last == 'pod "web-1" force deleted'
    assert world.store.find(Pod, "web-1") is None
    assert world.ok("kubectl delete deployment web") == ['deployment.apps "web" deleted']


def test_delete_wants_a_name_or_a_choice(world: World) -> None:
    assert "no name was specified" in world.wrong("kubectl delete pods")
    assert "you must name resources" in world.wrong("kubectl delete")
    world.pod("web-2", app="web")
    assert len(world.ok("kubectl delete pods -l app=web --force")) == 3


def test_rollout(world: World) -> None:
    world.clock.run_until(5.0)
    assert world.ok("kubectl rollout restart deployment/web") == ["deployment.apps/web restarted"]
    stamp = deployment(world).spec.template.metadata.annotations["kubectl.kubernetes.io/restartedAt"]
    assert stamp == "2026-01-01T00:00:05Z"
    assert world.ok("kubectl rollout pause deploy web") == ["deployment.apps/web paused"]
    assert "already paused" in world.wrong("kubectl rollout pause deploy web")
    assert "can't restart paused deployment" in world.wrong("kubectl rollout restart deploy web")
    assert world.ok("kubectl rollout resume deploy web") == ["deployment.apps/web resumed"]
    assert "no rollout history found" in world.wrong("kubectl rollout undo deploy web")


def test_apply_reads_files_where_that_is_offered(world: World) -> None:
    assert "reading files is not offered here" in world.wrong("kubectl apply -f web.yaml")
    written = Documents((made(Namespace(metadata=ObjectMeta(name="team"))),))
    files = {"web.yaml": written}
    execution = world.type("kubectl apply -f web.yaml", files=files.__getitem__)
    assert execution.output == ["namespace/team created"]
    execution = world.type("kubectl delete -f web.yaml", files=files.__getitem__)
    assert execution.output == ['namespace "team" deleted']


@pytest.mark.parametrize("levels", [101, 3000])
@pytest.mark.parametrize(("begins", "ends"), [('{"a":', "}"), ("[", "]")])
def test_a_patch_is_nested_no_deeper_than_a_manifest(world: World, levels: int, begins: str, ends: str) -> None:
    text = begins * levels + "1" + ends * levels
    error = world.wrong(f"kubectl patch deployment web -p '{text}'").splitlines()[0]
    assert error.endswith("nested more than 100 levels deep")


def test_a_patch_that_is_neither_json_nor_yaml_says_where(world: World) -> None:
    assert world.wrong("kubectl patch deployment web -p 'a: ['").startswith("error: patch:2: this is not valid YAML")


@pytest.mark.parametrize(
    "line",
    [
        "kubectl run x --image=' '",
        "kubectl run x --image='a b'",
        "kubectl create deployment x --image=a:b:c",
        "kubectl set image deployment/web web='a b'",
    ],
)
def test_an_image_is_a_reference(world: World, line: str) -> None:
    assert ": invalid reference format" in world.wrong(line)


def test_a_wrong_container_is_answered_with_those_that_there_are(world: World) -> None:
    error = world.wrong("kubectl set image deployment/web zzz=x:2")
    assert error == 'error: unable to find container named "zzz"; there is web'
    assert 'did you mean "web"?' in world.wrong("kubectl set image deployment/web wbe=x:2")


def test_a_patch_does_not_reach_the_status_unless_it_is_asked_to(world: World) -> None:
    change = """-p '{"status":{"readyReplicas":77}}'"""
    assert world.ok(f"kubectl patch deployment web {change}") == ["deployment.apps/web patched (no change)"]
    assert deployment(world).status.ready_replicas == 0
    assert world.ok(f"kubectl patch deployment web {change} --subresource=status") == ["deployment.apps/web patched"]
    assert deployment(world).status.ready_replicas == 77
    both = """-p '{"spec":{"replicas":9},"status":{"readyReplicas":5}}'"""
    world.ok(f"kubectl patch deployment web {both} --subresource=status")
    assert (deployment(world).spec.replicas, deployment(world).status.ready_replicas) == (3, 5)
    world.store.create(ConfigMap(metadata=ObjectMeta(name="c", namespace="default")))
    assert "it has no status of its own" in world.wrong("kubectl patch cm c -p '{}' --subresource=status")


def test_a_pod_is_not_bound_by_a_patch(world: World) -> None:
    error = world.wrong("""kubectl patch pod web-1 -p '{"spec":{"nodeName":"worker-9"}}'""")
    assert error.startswith('Error from server (Invalid): Pod "web-1" is invalid: spec: Forbidden: pod updates may not')
