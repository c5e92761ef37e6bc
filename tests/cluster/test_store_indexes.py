from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.store import Store
from lab.journal import Journal
from lab.kube.kinds.pod import Pod, PodSpec
from lab.kube.meta import ObjectMeta, OwnerReference
from lab.settings import Settings

NAMES = st.sampled_from(["a", "b", "c"])
NAMESPACES = st.sampled_from(["one", "two"])
LABELS = st.dictionaries(st.sampled_from(["app", "tier"]), st.sampled_from(["x", "y"]))
NODES = st.sampled_from(["", "worker-1", "worker-2"])
OWNERS = st.lists(st.sampled_from(["uid-1", "uid-2"]), unique=True)
WRITES = st.lists(
    st.tuples(st.sampled_from(["put", "delete"]), NAMESPACES, NAMES, LABELS, NODES, OWNERS), min_size=12, max_size=40
)


def write(
    store: Store, verb: str, namespace: str, name: str, labels: dict[str, str], node: str, owners: list[str]
) -> None:
    current = store.find(Pod, name, namespace)
    if verb == "delete":
        if current is not None:
            store.remove(current)
        return
    references = tuple(OwnerReference(kind="ReplicaSet", uid=uid) for uid in owners)
    if current is None:
        meta = ObjectMeta(name=name, namespace=namespace, labels=labels, owner_references=references)
        store.create(Pod(metadata=meta, spec=PodSpec(node_name=node)))
        return
    meta = replace(current.metadata, labels=labels, owner_references=references)
    store.update(replace(current, metadata=meta, spec=replace(current.spec, node_name=node)))


@settings(max_examples=50, deadline=None)
@given(writes=WRITES)
def test_indexes_say_what_a_full_scan_would(writes: list[tuple[str, str, str, dict[str, str], str, list[str]]]) -> None:
    store = Store(Clock(), Journal(), Settings())
    for each in writes:
        write(store, *each)
        everything = store.list(Pod)
        for namespace in ("one", "two"):
            assert store.list(Pod, namespace) == [pod for pod in everything if pod.namespace == namespace]
        for selector in ({"app": "x"}, {"app": "y", "tier": "x"}):
            wanted = [pod for pod in everything if selector.items() <= pod.metadata.labels.items()]
            assert store.list(Pod, None, selector) == wanted
        for node in ("worker-1", "worker-2"):
            assert store.pods_on(node) == [pod for pod in everything if pod.spec.node_name == node]
        for uid in ("uid-1", "uid-2"):
            mine = [pod for pod in everything if any(owner.uid == uid for owner in pod.metadata.owner_references)]
            assert store.owned_by(uid, Pod) == mine
        assert dict(store.snapshot()) == {("Pod", *pod.key): pod for pod in everything}
