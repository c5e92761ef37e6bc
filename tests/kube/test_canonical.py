from hypothesis import given
from hypothesis import strategies as st

from lab.kube.canonical import canonical
from lab.kube.decode import decode
from lab.kube.encode import encode
from lab.kube.kinds.pod import Container, ContainerPort, PodSpec


def test_a_value_that_equals_the_default_is_the_default_wherever_it_came_from():
    read = "".join(["T", "C", "P"])
    assert canonical(ContainerPort(container_port=80, protocol=read)) == canonical(ContainerPort(container_port=80))


def test_keys_of_mappings_are_in_order():
    assert canonical(PodSpec(node_selector={"b": "1", "a": "2"})) == canonical(
        PodSpec(node_selector={"a": "2", "b": "1"})
    )


def test_what_differs_shows():
    assert canonical(Container(name="a", image="x")) != canonical(Container(name="a", image="y"))


@given(
    st.sampled_from(["Always", "Never", "OnFailure"]), st.sampled_from(["ClusterFirst", "Default"]), st.integers(1, 99)
)
def test_an_object_that_was_written_and_read_again_has_the_same_text(restart, dns, port):
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x"},
        "spec": {
            "restartPolicy": restart,
            "dnsPolicy": dns,
            "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": port, "protocol": "TCP"}]}],
        },
    }
    first = decode(pod)
    assert canonical(decode(encode(first)).spec) == canonical(first.spec)
