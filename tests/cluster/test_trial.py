"""A trial says what applying would say, all of it at once, and leaves no trace."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.admission import Admission
from lab.cluster.apply import apply_object
from lab.cluster.store import Store, StoreError
from lab.cluster.trial import Refusal, trial
from lab.journal import Journal
from lab.kube.encode import encode
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.pod import Container, Pod, PodSpec
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import KubeObject, ObjectMeta
from lab.settings import Settings
from tests.cluster.test_allocation_laws import SMALL, specs


class Cluster:
    """A store with the API server's admission chain, and what can be seen of both."""

    def __init__(self, given: Settings = SMALL) -> None:
        self.store = Store(Clock(), Journal(), given)
        self.admission = Admission(given)
        self.admission.attach(self.store)
        for name in ("default", "kube-system"):
            self.store.create(Namespace(metadata=ObjectMeta(name=name)))

    def trial(self, *objects: KubeObject) -> list[Refusal]:
        return trial(self.store, self.admission, objects)

    def state(self) -> list[object]:
        """Everything that is there, down to uids and versions, and what was journaled of it."""
        snapshot = self.store.snapshot()
        return [*((key, encode(snapshot[key])) for key in snapshot), self.store.version, self.store._journal.digest]


def service(name: str, spec: ServiceSpec | None = None, namespace: str = "default", **fields: object) -> Service:
    meta = ObjectMeta(name=name, namespace=namespace)
    return Service(metadata=meta, spec=spec or ServiceSpec(ports=(ServicePort(port=80),), **fields))


def node_port(name: str, number: int, port: int = 80) -> Service:
    return service(name, ServiceSpec(type="NodePort", ports=(ServicePort(port=port, node_port=number),)))


def pod(name: str, **labels: str) -> Pod:
    meta = ObjectMeta(name=name, namespace="default", labels=labels)
    return Pod(metadata=meta, spec=PodSpec(containers=(Container(name="app", image="x"),)))


some_services = some.lists(some.tuples(some.sampled_from("abcdef"), specs), max_size=8).map(
    lambda found: [service(name, spec) for name, spec in found]
)


@settings(max_examples=60, deadline=None)
@given(some_services, some_services)
def test_a_trial_refuses_exactly_when_applying_does_and_changes_nothing(
    before: list[Service], wanted: list[Service]
) -> None:
    cluster, twin = Cluster(), Cluster()
    for each in before:
        for store in (cluster.store, twin.store):
            applied(store, each)
    at_first = cluster.state()
    refused = cluster.trial(*wanted)
    assert cluster.state() == at_first
    first = next((index for index, each in enumerate(wanted) if not applied(cluster.store, each)), None)
    assert min((each.which for each in refused), default=None) == first
    # What a trial would have picked is still to be picked: the twin, in which nobody tried, goes the same way.
    for each in wanted if first is None else wanted[: first + 1]:
        applied(twin.store, each)
    if first is None:
        assert twin.state() == cluster.state()


def applied(store: Store, obj: KubeObject) -> bool:
    try:
        apply_object(store, obj)
    except StoreError:
        return False
    return True


def test_everything_is_told_and_not_only_the_first() -> None:
    bad = service("bad", ServiceSpec(type="NodePort", ports=(ServicePort(port=0), ServicePort(port=80))))
    refused = Cluster().trial(service("good"), bad, node_port("far", 20000), pod("Bad"))
    assert [(each.which, each.field) for each in refused] == [
        (1, "spec.ports[0].name"),
        (1, "spec.ports[0].port"),
        (1, "spec.ports[0].targetPort"),
        (1, "spec.ports[1].name"),
        (2, "spec.ports[0].nodePort"),
        (3, "metadata.name"),
    ]


def test_two_that_ask_for_one_number_collide_and_the_holder_is_named() -> None:
    cluster = Cluster()
    cluster.store.create(node_port("old", 30001))
    refused = cluster.trial(node_port("new", 30001), node_port("one", 30005), node_port("two", 30005))
    taken = "Invalid value: {}: provided port is already allocated (service/{} has it)"
    assert refused == [
        Refusal(0, "spec.ports[0].nodePort", taken.format(30001, "old")),
        Refusal(2, "spec.ports[0].nodePort", taken.format(30005, "one")),
    ]


def test_an_error_hides_neither_what_cannot_be_given_nor_that_somebody_else_asks_for_the_same() -> None:
    port = ServicePort(port=0, node_port=30005)
    bad = service("bad", ServiceSpec(type="NodePort", ports=(port,), cluster_ip="1.2.3.4"))
    refused = Cluster().trial(bad, node_port("other", 30005))
    assert [(each.which, each.field) for each in refused] == [
        (0, "spec.ports[0].port"),
        (0, "spec.ports[0].targetPort"),
        (0, "spec.clusterIPs"),
        (1, "spec.ports[0].nodePort"),
    ]
    assert refused[-1].message.endswith("(service/bad has it)")


def test_what_a_refused_service_did_not_ask_for_is_nobody_elses_loss() -> None:
    ports = tuple(ServicePort(port=80 + index, name=f"p{index}") for index in range(11))
    greedy = service("greedy", ServiceSpec(type="NodePort", ports=(*ports, ServicePort(port=0, name="bad"))))
    everything = [node_port(f"s{number}", number) for number in range(30000, 30012)]
    assert {each.which for each in Cluster().trial(greedy, *everything)} == {0}


def test_a_service_that_is_headless_or_of_the_wrong_family_is_told_without_an_address() -> None:
    bare = service("bare", ServiceSpec(cluster_ip="None", ports=(ServicePort(port=0),)))
    both = service("both", ServiceSpec(ip_family_policy="RequireDualStack", ports=(ServicePort(port=0),)))
    refused = Cluster(Settings()).trial(bare, both)
    assert [each.field for each in refused if each.which == 1] == [
        "spec.ipFamilyPolicy",
        "spec.ports[0].port",
        "spec.ports[0].targetPort",
    ]


def test_a_missing_namespace_is_told_with_the_nearest_and_hides_nothing() -> None:
    refused = Cluster().trial(service("a", ServiceSpec(ports=(ServicePort(port=0),)), namespace="kube-sytem"))
    assert refused[0] == Refusal(
        0, "metadata.namespace", 'namespaces "kube-sytem" not found, did you mean "kube-system"?'
    )
    assert [each.field for each in refused[1:]] == ["spec.ports[0].port", "spec.ports[0].targetPort"]


def test_a_namespace_of_the_set_is_there_even_if_it_is_refused_itself() -> None:
    space = Namespace(metadata=ObjectMeta(name="shop", labels={"a b": ""}))
    refused = Cluster().trial(space, service("a", namespace="shop"))
    assert [each.which for each in refused] == [0]


def test_a_change_is_tried_against_what_is_there() -> None:
    cluster = Cluster(Settings())
    cluster.store.create(service("web", cluster_ip="10.96.1.1"))
    (refused,) = cluster.trial(service("web", cluster_ip="10.96.1.2"))
    assert (refused.field, refused.message.endswith("may not change once set")) == ("spec.clusterIPs[0]", True)
    assert cluster.trial(service("web", cluster_ip="10.96.1.1", type="NodePort")) == []


def test_a_fork_of_a_store_is_found_by_its_own_labels_and_the_original_by_its_own() -> None:
    store = Cluster().store
    store.create(pod("a", app="web"))
    fork = store.fork()
    fork.create(pod("b", app="web"))
    fork.mutate(Pod, "a", "default", lambda obj: replace(obj, metadata=replace(obj.metadata, labels={"app": "db"})))
    assert [each.name for each in fork.list(Pod, selector={"app": "web"})] == ["b"]
    assert [each.name for each in fork.list(Pod, selector={"app": "db"})] == ["a"]
    fork.delete(Pod, "b")
    assert fork.count(Pod) == 1
    assert [each.name for each in store.list(Pod, selector={"app": "web"})] == ["a"]


def test_a_fork_goes_on_as_the_original_would() -> None:
    store = Cluster().store
    template = Pod(metadata=ObjectMeta(generate_name="job-", namespace="default"), spec=pod("x").spec)
    store.create(template)
    tried, real = store.fork().create(template), store.create(template)
    assert (tried.name, tried.metadata.uid) == (real.name, real.metadata.uid)
