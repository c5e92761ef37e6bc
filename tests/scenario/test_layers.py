import pytest

from lab.kube.yaml_tree import Node, parse_documents
from lab.scenario.layers import ScenarioError, overlay, read_file, variants_of, with_variant


def tree(text: str, file: str = "x.yaml") -> Node:
    return next(iter(parse_documents(text, file)))


def fault(action):
    with pytest.raises(ScenarioError) as error:
        action()
    return str(error.value)


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        ("{a: 1, b: 2}", "{b: 3, c: 4}", {"a": 1, "b": 3, "c": 4}),
        ("{cluster: {nodes: 3, proxy: ipvs}}", "{cluster: {nodes: 5}}", {"cluster": {"nodes": 5, "proxy": "ipvs"}}),
        ("{expect: [a, b]}", "{expect: [c]}", {"expect": ["c"]}),
        ("{expect: [a, b]}", "{expect+: [c]}", {"expect": ["a", "b", "c"]}),
        ("{a: 1}", "{expect+: [c]}", {"a": 1, "expect": ["c"]}),
        ("{cluster: {zones: [a]}}", "{cluster: {zones+: [b]}}", {"cluster": {"zones": ["a", "b"]}}),
        ("{cluster: {nodes: 3}}", "{cluster: null}", {"cluster": None}),
        ("{traffic: [1]}", "{traffic: {a: 1}}", {"traffic": {"a": 1}}),
    ],
)
def test_a_layer_says_what_is_different(below, above, expected):
    assert overlay(tree(below), tree(above)).plain() == expected


def test_neither_layer_is_changed_by_laying_one_over_the_other():
    below, above = tree("{a: {b: [1]}}"), tree("{a: {b+: [2]}}")
    overlay(below, above)
    assert (below.plain(), above.plain()) == ({"a": {"b": [1]}}, {"a": {"b+": [2]}})


def test_each_value_remembers_where_it_was_written():
    merged = overlay(tree("a: 1\nb:\n  c: 2\n", "base.yaml"), tree("\n\nb:\n  d: 3\n", "top.yaml"))
    inner = merged.value["b"].value
    assert [(inner[key].file, inner[key].line) for key in "cd"] == [("base.yaml", 3), ("top.yaml", 4)]


def test_only_lists_can_be_appended_to():
    said = fault(lambda: overlay(tree("{seed: 1}"), tree("{seed+: [2]}")))
    assert said == "x.yaml:1: seed+: only a list can be appended to the list seed"


# -- extends --------------------------------------------------------------------------------------------------------


@pytest.fixture
def write(tmp_path):
    def write_file(name, text):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def test_a_file_extends_another_one_and_that_one_a_third(write):
    write("a.yaml", "name: a\nseed: 1\nabout: first\n")
    write("b.yaml", "extends: a.yaml\nseed: 2\n")
    top = write("c.yaml", "extends: b.yaml\nname: c\n")
    assert read_file(top).plain() == {"name": "c", "seed": 2, "about": "first"}


def test_a_path_in_extends_is_relative_to_the_file_that_says_it(write):
    write("base/a.yaml", "name: a\n")
    write("base/b.yaml", "extends: a.yaml\n")
    assert read_file(write("c.yaml", "extends: base/b.yaml\n")).plain() == {"name": "a"}


def test_files_that_extend_one_another_in_a_circle_are_refused(write, tmp_path):
    write("a.yaml", "extends: b.yaml\n")
    path = write("b.yaml", "name: b\nextends: a.yaml\n")
    said = fault(lambda: read_file(path)).replace(f"{tmp_path}/", "")
    assert said == "a.yaml:1: extends: goes in a circle: b.yaml -> a.yaml -> b.yaml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\nextends: nope.yaml\n", "x.yaml:2: extends: nope.yaml: there is no such file"),
        ("name: x\nextends: [a]\n", "x.yaml:2: extends: expected the path of a scenario file"),
    ],
)
def test_a_base_that_cannot_be_read_is_told_where_it_is_named(write, tmp_path, text, message):
    path = write("x.yaml", text)
    assert fault(lambda: read_file(path)).replace(f"{tmp_path}/", "") == message


# -- variants -------------------------------------------------------------------------------------------------------

THREE = "name: x\nseed: 1\nvariants:\n  broken:\n  fixed: {seed: 2}\n  better: {base: fixed, about: best}\n"


def test_variants_are_laid_over_the_rest_of_the_file():
    root = tree(THREE)
    assert list(variants_of(root)) == ["broken", "fixed", "better"]
    assert with_variant(root, "broken").plain() == {"name": "x", "seed": 1}
    assert with_variant(root, "fixed").plain() == {"name": "x", "seed": 2}


def test_a_variant_may_be_based_on_another_one():
    assert with_variant(tree(THREE), "better").plain() == {"name": "x", "seed": 2, "about": "best"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("variants: [a]", "x.yaml:1: variants: expected a mapping from names to what is different in each"),
        ("variants: {}", "x.yaml:1: variants: expected a mapping from names to what is different in each"),
        ("variants: {a: 3}", "x.yaml:1: variants.a: expected a mapping of what is different"),
        ("variants:\n  a:\n    name: y", "x.yaml:3: variants.a.name: cannot differ between variants"),
    ],
)
def test_variants_that_make_no_sense_are_told_with_their_place(text, message):
    assert fault(lambda: variants_of(tree(text))) == message


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (THREE, "fixd", 'x.yaml: there is no variant "fixd", did you mean "fixed"?'),
        ("name: x", "fixed", 'x.yaml: there is no variant "fixed"; there are none'),
        ("variants:\n  a: {base: b}", "a", 'x.yaml:2: variants.a.base: there is no variant "b"'),
        ("variants:\n  a: {base: b}\n  b: {base: a}", "a", "x.yaml:3: variants.b.base: goes in a circle: a -> b -> a"),
    ],
)
def test_a_variant_that_is_not_there_is_told_with_the_nearest_one(text, name, message):
    assert fault(lambda: with_variant(tree(text), name)) == message
