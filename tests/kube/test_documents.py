"""Manifests one document at a time: what is wrong with one hides no other, and each field leads back to its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lab.kube.documents import Document, Documents, documents_of, made, read_documents
from lab.kube.errors import ManifestError
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.service import Service
from lab.kube.meta import ObjectMeta
from lab.kube.yaml_tree import MAX_BYTES

GOOD = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
NO_YAML = "a: [1\n"
WRONG = "kind: Service\nmetadata: {name: web}\n"


def faults(found: Documents) -> list[str]:
    said = [*found.unreadable, *(fault for document in found.found for fault in document.faults)]
    return [str(fault) for fault in said]


def only(text: str) -> Document:
    (document,) = documents_of(text, "f.yaml").found
    return document


@given(some.lists(some.sampled_from([GOOD, NO_YAML, WRONG]), min_size=1, max_size=30))
def test_of_any_documents_the_good_ones_are_read_and_each_bad_one_has_its_line(texts: list[str]) -> None:
    found = documents_of("---\n".join(texts), "f.yaml")
    assert sum(document.object is not None for document in found.found) == texts.count(GOOD)
    line, expected = 1, []
    for text in texts:
        expected += {GOOD: [], NO_YAML: [line + 1], WRONG: [line]}[text]
        line += text.count("\n") + 1
    lines = sorted([*(each.line for each in found.unreadable), *(f.line for each in found.found for f in each.faults)])
    assert lines == expected
    assert [each.line for each in _places(found)] == sorted(each.line for each in _places(found))


def _places(found: Documents):
    return [document.place for document in found.found]


def test_the_objects_are_given_only_when_all_can_be_read() -> None:
    assert [obj.name for obj in documents_of(f"{GOOD}---\n{GOOD}", "f.yaml").objects] == ["web", "web"]
    with pytest.raises(ManifestError) as error:
        _ = documents_of(f"{NO_YAML}---\n{GOOD}---\n{WRONG}", "f.yaml").objects
    assert len(error.value.problems) == 2


def test_a_list_with_one_bad_item_names_the_item() -> None:
    items = "".join(
        f"- {{apiVersion: v1, kind: Service, metadata: {{{name}}}}}\n" for name in ("name: a", "", "name: c")
    )
    found = documents_of(f"apiVersion: v1\nkind: List\nitems:\n{items}", "f.yaml")
    assert faults(found) == ["f.yaml:5: metadata.name: is missing: every Service needs a name"]
    assert [document.object is not None for document in found.found] == [True, False, True]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("items: []", []),
        ("items:", []),
        ("items: {a: 1}", ["f.yaml:3: items: expected a list of objects, got an object"]),
        ("metadata: {}", ["f.yaml:1: items: is missing: a List has its objects there"]),
    ],
)
def test_lists_that_hold_nothing(items: str, expected: list[str]) -> None:
    assert faults(documents_of(f"apiVersion: v1\nkind: List\n{items}\n", "f.yaml")) == expected


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n---\nnull\n---\n# nothing\n...\n"])
def test_documents_without_anything_are_none(text: str) -> None:
    assert documents_of(text, "f.yaml") == Documents()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:\n\tb: 1\n", "f.yaml:2: this is not valid YAML: a tab cannot indent: use spaces"),
        ("a: @b\n", "f.yaml:1: this is not valid YAML: nothing can begin with @: use quotes"),
        ("a: é\nb: \0\n", "f.yaml:2: this is not valid YAML: the character U+0000 is not allowed"),
        ("a: \udcff\n", "f.yaml: this is not UTF-8 text"),
    ],
)
def test_what_is_no_yaml_is_said_in_plain_words(text: str, message: str) -> None:
    assert faults(documents_of(text, "f.yaml")) == [message]


def test_a_text_that_is_too_large_is_not_read_in_parts() -> None:
    found = documents_of(f"{GOOD}---\n" + "#" * MAX_BYTES, "f.yaml")
    assert (found.found, faults(found)) == ((), ["f.yaml: larger than 32 MiB"])


def test_what_is_wrong_is_left_out_of_what_can_be_looked_at() -> None:
    document = only(f"{GOOD}spec: {{type: NodePort, clusterIP: 7, ports: [{{port: 80}}]}}\n")
    assert document.object is None
    assert isinstance(document.readable, Service)
    assert (document.readable.spec.type, document.readable.spec.cluster_ip) == ("NodePort", "")


def test_documents_without_a_name_are_not_taken_for_one() -> None:
    nameless = "apiVersion: v1\nkind: Service\n"
    names = [each.readable.name for each in documents_of(f"{nameless}---\n{nameless}", "f.yaml").found if each.readable]
    assert len(set(names)) == 2


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("spec.ports[0].nodePort", 7),
        ("spec.ports[1].nodePort", 8),
        ("spec.ports[0].protocol", 7),
        ("spec.clusterIPs[0]", 5),
        ("spec.sessionAffinity", 5),
        ("metadata.labels", 3),
        ("", 1),
    ],
)
def test_a_field_leads_back_to_its_line_or_to_what_is_above_it(field: str, line: int) -> None:
    text = (
        f"{GOOD}spec:\n  clusterIP: 1.2.3.4\n  ports:\n  - {{port: 80, nodePort: 1}}\n  - {{port: 81, nodePort: 2}}\n"
    )
    place = only(text).place_of(field)
    assert str(place) == f"f.yaml:{line}"


def test_what_no_manifest_defines_has_no_place() -> None:
    assert str(made(Namespace(metadata=ObjectMeta(name="shop"))).place) == ""


def test_sources_that_lead_nowhere_hide_no_others(tmp_path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "bytes.yaml").write_bytes(bytes(range(256)))
    (tmp_path / "empty").mkdir()
    found = read_documents(["nowhere", "n" * 300, ".", "empty"], tmp_path)
    assert faults(found) == [
        "nowhere: no such file or folder",
        f"{'n' * 300}: cannot be read: File name too long",
        "bytes.yaml: this is not UTF-8 text",
        "empty: the folder has no manifest (*.yaml, *.yml or *.json)",
    ]
    assert [document.file for document in found.found] == ["a.yaml"]
