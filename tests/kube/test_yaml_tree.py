"""YAML as kubectl reads it, with lines, and without bombs."""

from __future__ import annotations

import pytest

from lab.kube import yaml_tree
from lab.kube.errors import ManifestError
from lab.kube.yaml_tree import parse_documents


def read(text):
    return [node.plain() for node in parse_documents(text, "f.yaml")]


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("on", True),
        ("No", False),
        ("y", True),
        ("'on'", "on"),
        ("0644", 420),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b101", 5),
        ("1_000", 1000),
        ("08", 8.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("-7", -7),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("1.2.3", "1.2.3"),
        ("~", None),
        ("", None),
        ("10.0.0.1", "10.0.0.1"),
        ("!!str 8080", "8080"),
        ('!!int "3"', 3),
        ("!!float 3", 3.0),
        ("99999999999999999999", 1e20),
    ],
)
def test_scalars(scalar, value):
    assert read(f"a: {scalar}") == [{"a": value}]


def test_keys_become_text():
    assert read("8080: a\non: b\n~: c") == [{"8080": "a", "true": "b", "null": "c"}]


def test_values_remember_their_line():
    (document,) = parse_documents("\na:\n  - x\n  - v: 1\n", "f.yaml")
    assert document.line == 2
    assert document.value["a"].value[1].value["v"].line == 4


def test_several_documents_and_empty_ones():
    assert read("---\n---\na: 1\n---\n# nothing\n---\nb: 2\n...\n") == [{"a": 1}, {"b": 2}]


def test_aliases_and_merge_keys():
    text = "base: &b {x: 1, v: 2}\none: *b\ntwo: {<<: *b, v: 3}\nthree: {<<: [*b, {x: 9, z: 4}]}"
    assert read(text) == [
        {
            "base": {"x": 1, "v": 2},
            "one": {"x": 1, "v": 2},
            "two": {"x": 1, "v": 3},
            "three": {"x": 1, "v": 2, "z": 4},
        }
    ]


def test_json_with_tabs():
    assert read('{\n\t"a": [1, true, null]\n}') == [{"a": [1, True, None]}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", 'f.yaml:3: the key "a" is set twice, first on line 1'),
        ("a: &a [*a]", "f.yaml:1: the alias"),
        ("a: *x", 'f.yaml:1: the alias "*x" has no anchor'),
        ("a: !!python/object/apply:os.system [x]", "f.yaml:1: the tag"),
        ("a: !secret x", 'f.yaml:1: the tag "!secret" is not allowed'),
        ("\na: [", "f.yaml:3: this is not valid YAML"),
        ("a: .inf", "f.yaml:1: .inf is not a number"),
        ("a: 1e999", "too large a number"),
        ("a: " + "9" * 200, "a number of 200 digits is too large"),
        ("? [a]\n: b", "f.yaml:1: a key must be text"),
        ("a: {<<: 3}", '"<<" merges objects'),
        ("a: \x00", "this is not valid YAML"),
        ("[" * 1000, "nested more than 100 levels deep"),
    ],
)
def test_faults_have_a_place(text, message):
    with pytest.raises(ManifestError) as error:
        read(text)
    assert message in str(error.value)


def test_a_yaml_bomb_is_refused_before_it_is_written_out():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 30)]
    with pytest.raises(ManifestError, match="once its aliases are written out"):
        read("\n".join(lines))


def test_a_text_may_not_be_endless(monkeypatch):
    monkeypatch.setattr(yaml_tree, "MAX_BYTES", 10)
    with pytest.raises(ManifestError, match="larger than"):
        read("a: 123456789")


@pytest.mark.parametrize(
    ("scalar", "written"),
    [("1.30", "1.30"), ("yes", "yes"), ("0x10", "0x10"), ("~", "~"), ("text", ""), ('"1.30"', ""), ("!!int '3'", "3")],
)
def test_what_is_not_text_remembers_how_it_was_written(scalar, written):
    (document,) = parse_documents(f"a: {scalar}", "f.yaml")
    assert document.value["a"].written == written
