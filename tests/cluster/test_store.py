from __future__ import annotations

import pytest
from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.store import AlreadyExists, Change, Conflict, Invalid, NotFound, Store
from lab.journal import Journal, ObjectChanged
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.endpointslice import EndpointSlice
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Container, Pod, PodSpec
from lab.kube.kinds.service import Service
from lab.kube.meta import KeptObject, KubeObject, LabelSelector, LabelSelectorRequirement, ObjectMeta, OwnerReference
from lab.settings import Settings


@pytest.fixture
def clock() -> Clock:
    return Clock(-60.0)


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def store(clock: Clock, journal: Journal) -> Store:
    return Store(clock, journal, Settings(), seed=7)


def pod(name: str = "web", node: str = "", **meta: object) -> Pod:
    spec = PodSpec(containers=(Container(name="app", image="web:1"),), node_name=node)
    return Pod(metadata=ObjectMeta(name=name, **meta), spec=spec)  # type: ignore[arg-type]


def on_node(node: str):  # type: ignore[no-untyped-def]
    return lambda current: replace(current, spec=replace(current.spec, node_name=node))


def owned(owner: KubeObject, name: str = "owned") -> Pod:
    reference = OwnerReference(kind=owner.kind, name=owner.name, uid=owner.metadata.uid, controller=True)
    return pod(name, owner_references=(reference,))


class TestCreating:
    def test_gives_uid_version_generation_and_time(self, store: Store) -> None:
        made = store.create(pod())
        assert made.metadata.uid
        assert (made.metadata.resource_version, made.metadata.generation) == (1, 1)
        assert made.metadata.creation_timestamp == -60.0
        assert store.get(Pod, "web") is made

    def test_a_namespaced_object_without_a_namespace_goes_to_default(self, store: Store) -> None:
        assert store.create(pod()).namespace == "default"

    def test_nodes_have_no_namespace_and_are_found_with_any(self, store: Store) -> None:
        store.create(Node(metadata=ObjectMeta(name="worker-1", namespace="default")))
        assert store.get(Node, "worker-1", "whatever").namespace == ""

    def test_a_generated_name_ends_in_five_letters_that_are_no_vowels(self, store: Store) -> None:
        name = store.create(pod("", generate_name="web-")).name
        assert len(name) == len("web-") + 5
        assert set(name[4:]) <= set("bcdfghjklmnpqrstvwxz2456789")

    def test_the_same_seed_gives_the_same_names_and_uids(self) -> None:
        def made() -> list[tuple[str, str]]:
            store = Store(Clock(), Journal(), Settings(), seed=3)
            created = [store.create(pod("", generate_name="web-")) for _ in range(5)]
            return [(each.name, each.metadata.uid) for each in created]

        assert made() == made()

    def test_a_name_can_be_there_only_once(self, store: Store) -> None:
        store.create(pod())
        with pytest.raises(AlreadyExists, match=r'^pods "web" already exists$'):
            store.create(pod())


class TestWriting:
    def test_a_status_write_is_a_new_version_of_the_same_generation(self, store: Store) -> None:
        made = store.create(pod())
        after = store.update(replace(made, status=replace(made.status, phase="Running")))
        assert (after.metadata.resource_version, after.metadata.generation) == (2, 1)

    def test_a_write_of_the_spec_is_a_new_generation(self, store: Store) -> None:
        store.create(pod())
        after = store.mutate(Pod, "web", "default", on_node("worker-1"))
        assert after is not None
        assert after.metadata.generation == 2

    def test_a_write_that_says_nothing_new_changes_nothing(self, store: Store, journal: Journal) -> None:
        made = store.create(pod(labels={"app": "web"}))
        same = replace(made, metadata=replace(made.metadata, labels={"app": "web"}))
        assert store.update(same) is made
        assert (store.version, len(journal)) == (1, 1)

    def test_a_write_of_an_old_version_conflicts(self, store: Store) -> None:
        old = store.create(Deployment(metadata=ObjectMeta(name="web")))
        store.update(replace(old, spec=replace(old.spec, replicas=3)))
        with pytest.raises(Conflict, match=r'^Operation cannot be fulfilled on deployments.apps "web": the object has'):
            store.update(replace(old, spec=replace(old.spec, replicas=4)))

    def test_uid_and_creation_time_stay_whatever_is_written(self, store: Store) -> None:
        made = store.create(pod())
        after = store.update(replace(made, metadata=replace(made.metadata, uid="forged", creation_timestamp=99.0)))
        assert (after.metadata.uid, after.metadata.creation_timestamp) == (made.metadata.uid, -60.0)

    def test_what_is_gone_cannot_be_changed(self, store: Store) -> None:
        made = store.create(pod())
        store.remove(made)
        assert store.mutate(Pod, "web", "default", on_node("worker-1")) is None
        with pytest.raises(NotFound, match=r'^pods "web" not found$'):
            store.update(made)

    def test_admission_may_change_or_refuse(self, store: Store) -> None:
        def admit(new: KubeObject, old: KubeObject | None) -> KubeObject:
            if new.metadata.labels.get("bad"):
                raise Invalid(new.kind, new.name, [])
            return replace(new, metadata=replace(new.metadata, labels={**new.metadata.labels, "seen": "yes"}))

        store.admission.append(admit)
        assert store.create(pod()).metadata.labels == {"seen": "yes"}
        with pytest.raises(Invalid):
            store.create(pod("other", labels={"bad": "yes"}))
        assert store.find(Pod, "other") is None

    def test_every_write_is_journaled(self, store: Store, journal: Journal) -> None:
        made = store.create(pod())
        store.mutate(Pod, "web", "default", on_node("worker-1"))
        store.remove(made)
        events = journal.read().events
        assert [(e.change, e.version) for e in events if isinstance(e, ObjectChanged)] == [
            ("ADDED", 1),
            ("MODIFIED", 2),
            ("DELETED", 3),
        ]


class TestDeleting:
    def test_a_bound_pod_gets_its_grace_and_goes_when_the_kubelet_says_so(self, store: Store) -> None:
        made = store.create(pod(node="worker-1"))
        store.delete(Pod, "web")
        ending = store.get(Pod, "web")
        assert ending.metadata.deletion_timestamp == -60.0 + 30.0
        assert ending.metadata.deletion_grace_period_seconds == 30.0
        store.remove(made)
        assert store.find(Pod, "web") is None

    def test_an_unbound_pod_goes_at_once(self, store: Store) -> None:
        store.create(pod())
        store.delete(Pod, "web")
        assert store.find(Pod, "web") is None

    def test_a_second_delete_can_only_shorten_the_grace(self, store: Store) -> None:
        store.create(pod(node="worker-1"))
        store.delete(Pod, "web", grace_s=10.0)
        store.delete(Pod, "web")
        store.delete(Pod, "web", grace_s=20.0)
        assert store.get(Pod, "web").metadata.deletion_grace_period_seconds == 10.0
        store.delete(Pod, "web", grace_s=1.0)
        assert store.get(Pod, "web").metadata.deletion_timestamp == -59.0

    def test_finalizers_keep_an_object_until_the_last_is_gone(self, store: Store) -> None:
        store.create(Service(metadata=ObjectMeta(name="web", finalizers=("service.kubernetes.io/lb",))))
        store.delete(Service, "web")
        kept = store.get(Service, "web")
        assert kept.metadata.deletion_timestamp == -60.0
        store.update(replace(kept, metadata=replace(kept.metadata, finalizers=())))
        assert store.find(Service, "web") is None

    def test_remove_leaves_a_namesake_alone(self, store: Store) -> None:
        first = store.create(pod())
        store.remove(first)
        second = store.create(pod())
        store.remove(first)
        assert store.find(Pod, "web") is second

    def test_released_hooks_hear_of_what_is_really_gone(self, store: Store) -> None:
        gone: list[str] = []
        store.released.append(lambda obj: gone.append(obj.name))
        store.create(pod(node="worker-1"))
        store.delete(Pod, "web")
        assert gone == []
        store.delete(Pod, "web", grace_s=0)
        assert gone == ["web"]

    def test_what_it_owned_follows(self, store: Store, clock: Clock) -> None:
        owner = store.create(Deployment(metadata=ObjectMeta(name="web")))
        store.create(owned(owner))
        store.delete(Deployment, "web")
        assert store.find(Pod, "owned") is not None
        clock.run_until(-59.0)
        assert store.find(Pod, "owned") is None

    def test_what_has_another_owner_left_stays(self, store: Store, clock: Clock) -> None:
        one = store.create(Deployment(metadata=ObjectMeta(name="one")))
        two = store.create(Deployment(metadata=ObjectMeta(name="two")))
        references = owned(one).metadata.owner_references + owned(two).metadata.owner_references
        store.create(pod("shared", owner_references=references))
        store.delete(Deployment, "one")
        clock.run_until(-59.0)
        assert store.find(Pod, "shared") is not None

    def test_a_namespace_takes_along_what_is_in_it(self, store: Store, clock: Clock) -> None:
        store.create(Namespace(metadata=ObjectMeta(name="shop")))
        store.create(pod(namespace="shop"))
        store.create(pod())
        store.delete(Namespace, "shop")
        clock.run_until(-59.0)
        assert [each.namespace for each in store.list(Pod)] == ["default"]


class TestListing:
    def test_is_in_creation_order_however_often_things_are_written(self, store: Store) -> None:
        for name in ("c", "a", "b"):
            store.create(pod(name, labels={"app": "web"}))
        store.mutate(Pod, "c", "default", on_node("worker-1"))
        for listed in (store.list(Pod), store.list(Pod, "default"), store.list(Pod, None, {"app": "web"})):
            assert [each.name for each in listed] == ["c", "a", "b"]

    def test_by_namespace_and_labels(self, store: Store) -> None:
        store.create(pod("a", namespace="one", labels={"app": "web", "tier": "front"}))
        store.create(pod("b", namespace="two", labels={"app": "web"}))
        assert [each.name for each in store.list(Pod, "one")] == ["a"]
        assert [each.name for each in store.list(Pod, None, {"app": "web"})] == ["a", "b"]
        assert [each.name for each in store.list(Pod, "two", {"app": "web", "tier": "front"})] == []

    def test_by_expressions(self, store: Store) -> None:
        store.create(pod("a", labels={"env": "prod"}))
        store.create(pod("b", labels={"env": "test"}))
        store.create(pod("c"))
        wanted = LabelSelectorRequirement(key="env", operator="NotIn", values=("prod",))
        selector = LabelSelector(match_expressions=(wanted,))
        assert [each.name for each in store.list(Pod, "default", selector)] == ["b", "c"]

    def test_pods_on_a_node(self, store: Store) -> None:
        store.create(pod("a"))
        store.create(pod("b", node="worker-1"))
        store.mutate(Pod, "a", "default", on_node("worker-1"))
        assert [each.name for each in store.pods_on("worker-1")] == ["a", "b"]

    def test_what_an_owner_has(self, store: Store) -> None:
        owner = store.create(Deployment(metadata=ObjectMeta(name="web")))
        mine = store.create(owned(owner))
        assert store.owned_by(owner.metadata.uid, Pod) == [mine]
        assert store.owned_by(owner.metadata.uid, EndpointSlice) == []

    def test_kept_objects_are_found_by_their_own_kind(self, store: Store) -> None:
        ingress = KeptObject(
            api_version="networking.k8s.io/v1", kind="Ingress", metadata=ObjectMeta(name="web", namespace="default")
        )
        made = store.create(ingress)
        assert store.find_kept("Ingress", "web") == made
        assert store.kept() == store.kept("Ingress") == [made]
        store.delete_kept(made)
        assert store.kept() == []

    @pytest.mark.parametrize("api_version", ["serving.knative.dev/v1", "v2"])
    def test_a_kept_kind_may_share_its_name_with_a_simulated_one(self, store: Store, api_version: str) -> None:
        meta = ObjectMeta(name="web", namespace="default")
        foreign = store.create(KeptObject(api_version=api_version, kind="Service", metadata=meta))
        assert store.find(Service, "web") is None
        assert store.find_kept("Service", "web") == foreign

    def test_a_snapshot_stays_as_it_was_and_is_read_in_order(self, store: Store) -> None:
        store.create(pod("b"))
        store.create(pod("a"))
        before = store.snapshot()
        store.delete(Pod, "a")
        assert list(before) == [("Pod", "default", "a"), ("Pod", "default", "b")]
        assert list(store.snapshot()) == [("Pod", "default", "b")]


class TestHearing:
    def test_subscribers_hear_in_the_same_moment(self, store: Store) -> None:
        heard: list[Change] = []
        stop = store.subscribe(heard.append, Pod)
        made = store.create(pod())
        stop()
        store.remove(made)
        assert heard == [Change("ADDED", None, made)]

    def test_what_a_subscriber_writes_is_told_after_what_it_heard(self, store: Store) -> None:
        heard: list[str] = []

        def bind(change: Change) -> None:
            if change.type == "ADDED":
                store.mutate(Pod, change.object.name, "default", on_node("worker-1"))

        store.subscribe(bind, Pod)
        store.subscribe(lambda change: heard.append(change.type), Pod)
        store.create(pod())
        assert heard == ["ADDED", "MODIFIED"]

    def test_a_watch_starts_with_what_exists_and_is_late_by_the_watch_latency(self, store: Store, clock: Clock) -> None:
        heard: list[tuple[float, str, str]] = []

        def hear(change: Change) -> None:
            heard.append((round(clock.time(), 6), change.type, change.object.name))

        async def read() -> None:
            async for change in store.watch(Pod):
                hear(change)

        store.create(pod("old"))
        clock.spawn(read(), "reader")
        clock.after(1.0, store.create, pod("new"))
        clock.run_until(-50.0)
        assert heard == [(-59.99, "ADDED", "old"), (-58.99, "ADDED", "new")]

    def test_a_closed_watch_ends(self, store: Store, clock: Clock) -> None:
        watch = store.watch(Pod)
        heard: list[str] = []

        async def read() -> None:
            heard.extend([change.type async for change in watch])
            heard.append("end")

        clock.spawn(read(), "reader")
        clock.run_until(-59.0)
        watch.close()
        store.create(pod())
        clock.run_until(-58.0)
        assert heard == ["end"]

    def test_a_watch_of_one_node_hears_only_its_pods_and_itself(self, store: Store, clock: Clock) -> None:
        heard: list[tuple[str, str]] = []
        store.follow(lambda change: heard.append((change.type, change.object.name)), Pod, Node, node="worker-1")
        for name in ("worker-1", "worker-2"):
            store.create(Node(metadata=ObjectMeta(name=name)))
        store.create(pod("other", node="worker-2"))
        store.create(pod("mine"))
        store.mutate(Pod, "mine", "default", on_node("worker-1"))
        store.delete(Pod, "mine", grace_s=0)
        clock.run_until(-59.0)
        # Being bound to the node is how the Pod comes into this watch's sight.
        assert heard == [("ADDED", "worker-1"), ("ADDED", "mine"), ("DELETED", "mine")]
