import pytest

from lab.kube.yaml_tree import parse_documents
from lab.scenario.layers import ScenarioError
from lab.scenario.variables import filled, with_values


def tree(text):
    return next(iter(parse_documents(text, "x.yaml")))


def fault(action):
    with pytest.raises(ScenarioError) as error:
        action()
    return str(error.value)


def test_a_value_that_is_one_reference_becomes_the_variables_value_whatever_its_type():
    root = tree("vars: {count: 3, zones: [a, b]}\ncluster: {nodes: '${count}', zones: '${zones}'}\n")
    assert filled(root).plain() == {"cluster": {"nodes": 3, "zones": ["a", "b"]}}


def test_inside_a_text_the_value_is_written_out():
    root = tree("vars: {count: 3, loud: true}\nrun: kubectl scale deployment/web --replicas=${count} --x=${loud}\n")
    assert filled(root).plain() == {"run": "kubectl scale deployment/web --replicas=3 --x=true"}


def test_a_number_is_written_out_as_it_was_written():
    root = tree("vars: {version: 1.30}\nimage: shop/web:${version}\nsame: ${version}\n")
    body = filled(root).value
    assert body["image"].value == "shop/web:1.30"
    assert (body["same"].value, body["same"].written) == (1.3, "1.30")
    assert filled(with_values(root, ["version=2.0"])).value["image"].value == "shop/web:2.0"


def test_two_dollars_are_the_text_itself():
    assert filled(tree("vars: {count: 3}\na: echo $${HOME} ${count}\nb: $${\n")).plain() == {
        "a": "echo ${HOME} 3",
        "b": "${",
    }


def test_every_reference_that_leads_nowhere_is_told_with_its_line():
    said = fault(lambda: filled(tree("vars: {replicas: 3}\na: ${replica}\nb:\n  - ${HOME}\n")))
    assert said.splitlines() == [
        'x.yaml:2: there is no variable "replica" under vars, did you mean "replicas"?',
        'x.yaml:4: there is no variable "HOME" under vars; write $${ for the text itself',
    ]


def test_a_list_cannot_stand_inside_a_text():
    said = fault(lambda: filled(tree("vars: {z: [a]}\nabout: in ${z}\n")))
    assert said == 'x.yaml:2: "${z}" is a list or a mapping: it must stand alone'


def test_a_filled_value_keeps_the_place_of_its_reference():
    node = filled(tree("vars: {count: 3}\nseed: ${count}\n")).value["seed"]
    assert (node.value, node.file, node.line) == (3, "x.yaml", 2)


def test_set_gives_a_variable_or_a_key_another_value():
    root = with_values(tree("vars: {count: 3}\nseed: 1\na: ${count}\n"), ["count=5", "seed=7", "cluster.nodes=4"])
    assert filled(root).plain() == {"seed": 7, "a": 5, "cluster": {"nodes": 4}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("replica=3", '--set replica=3: there is no variable "replica", did you mean "replicas"?'),
        ("replicas", '--set replicas: expected NAME=VALUE, such as "replicas=3" or "cluster.nodes=5"'),
    ],
)
def test_set_says_what_there_is(text, message):
    assert fault(lambda: with_values(tree("vars: {replicas: 3}"), [text])) == message
