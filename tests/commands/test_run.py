from __future__ import annotations

import pytest

from lab.commands.run import find
from lab.journal import CommandGiven, CommandRefused
from lab.kube.kinds.deployment import Deployment, DeploymentStatus
from tests.commands.world import World


@pytest.fixture
def world() -> World:
    made = World()
    made.node("worker-1")
    made.deployment("web")
    return made


def test_every_command_is_journaled_with_its_time_and_its_error(world: World) -> None:
    world.clock.run_until(3.0)
    world.type("kubectl get nodes", by="timeline")
    world.type("kubectl scale deploy/wbe --replicas=1")
    first, second, refused = world.given
    assert first == CommandGiven(3.0, "kubectl get nodes", "timeline")
    assert second == CommandGiven(3.0, "kubectl scale deploy/wbe --replicas=1", "prompt")
    assert isinstance(refused, CommandRefused)
    assert refused.error == 'Error from server (NotFound): deployments.apps "wbe" not found'


def test_a_command_stands_before_what_it_does(world: World) -> None:
    world.type("kubectl scale deploy/web --replicas=4")
    kinds = [type(event).__name__ for event in world.journal.read().events]
    assert kinds[-2:] == ["CommandGiven", "ObjectChanged"]


@pytest.mark.parametrize(
    "text", ["", " ", "'", "--", "-", "kubectl", "k get", "=", "kubectl get /", "kubectl get pod/", "\n\t"]
)
def test_nonsense_is_an_error_and_never_raises(world: World, text: str) -> None:
    assert world.wrong(text)


def test_danger_is_known_before_anything_is_done() -> None:
    found = find("kubectl delete pod web-1")
    assert found is not None
    assert found.danger
    assert find("nonsense") is None


def test_output_is_told_as_it_grows_and_the_end_once(world: World) -> None:
    execution = world.type("kubectl rollout status deployment/web")
    assert not execution.done
    seen: list[str] = []
    ends: list[str] = []
    execution.on_output.append(seen.extend)
    execution.on_done.append(lambda one: ends.append(one.error))

    def write(**status: int) -> None:
        def change(obj: Deployment) -> Deployment:
            return Deployment(metadata=obj.metadata, spec=obj.spec, status=DeploymentStatus(**status))

        world.store.mutate(Deployment, "web", "default", change)

    write(observed_generation=1, replicas=3, updated_replicas=1)
    write(observed_generation=1, replicas=3, updated_replicas=3, available_replicas=1)
    write(observed_generation=1, replicas=3, updated_replicas=3, available_replicas=3)
    assert seen == [
        'Waiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated...',
        'Waiting for deployment "web" rollout to finish: 1 of 3 updated replicas are available...',
        'deployment "web" successfully rolled out',
    ]
    assert ends == [""]
    write(observed_generation=1)
    assert len(seen) == 3


def test_waiting_for_a_rollout_has_an_end(world: World) -> None:
    execution = world.type("kubectl rollout status deployment/web --timeout=10s")
    world.clock.run_until(11.0)
    assert execution.error == "error: timed out waiting for the condition"


def test_what_is_deleted_is_not_waited_for(world: World) -> None:
    execution = world.type("kubectl rollout status deployment/web")
    world.ok("kubectl delete deployment web")
    assert "was deleted" in execution.error
