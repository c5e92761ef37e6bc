"""kubectl's JSONPath templates, from the examples of its documentation page and beyond."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.kube.errors import LabError
from lab.kube.jsonpath import Template, values

DATA: Any = {
    "kind": "List",
    "items": [
        {
            "kind": "None",
            "metadata": {"name": "127.0.0.1", "labels": {"kubernetes.io/hostname": "127.0.0.1"}},
            "status": {"capacity": {"cpu": "4"}, "addresses": [{"type": "LegacyHostIP", "address": "127.0.0.1"}]},
        },
        {
            "kind": "None",
            "metadata": {"name": "127.0.0.2"},
            "status": {
                "capacity": {"cpu": "8"},
                "addresses": [
                    {"type": "LegacyHostIP", "address": "127.0.0.2"},
                    {"type": "another", "address": "127.0.0.3"},
                ],
            },
        },
    ],
    "users": [
        {"name": "myself", "user": {}, "age": 3},
        {"name": "e2e", "user": {"username": "admin", "password": "secret"}, "age": 9, "on": True},
    ],
}


def told(template: str, data: Any) -> str:
    """The filled template, or what is wrong with it; anything but a LabError is an accident."""
    try:
        return Template(template).fill(data)
    except LabError as error:
        return str(error)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("kind is {.kind}", "kind is List"),
        ("{['kind']}", "List"),
        ("{$.kind}{@.kind}", "ListList"),
        ("{.users..name}", "myself e2e"),
        ("{..name}", "127.0.0.1 127.0.0.2 myself e2e"),
        ("{.items[*].metadata.name}", "127.0.0.1 127.0.0.2"),
        ("{.users[0].name}", "myself"),
        ("{.users[-1].name}", "e2e"),
        ("{.users[5].name}", ""),
        ("{.users[0:1].name}", "myself"),
        ("{.users[-1:].name}", "e2e"),
        ("{.users[::-1].name}", "e2e myself"),
        ("{.users[0,1].name}", "myself e2e"),
        ("{.users[0]['name','age']}", "myself 3"),
        ("{.items[*]['metadata.name', 'status.capacity']}", '127.0.0.1 127.0.0.2 {"cpu":"4"} {"cpu":"8"}'),
        ('{.users[?(@.name=="e2e")].user.password}', "secret"),
        ("{.users[?(@.age>3)].name}", "e2e"),
        ("{.users[?(@.age <= 3)].name}", "myself"),
        ("{.users[?(@.on==true)].name}", "e2e"),
        ("{.users[?(@.user.username)].name}", "e2e"),
        ("{.users[?(@.name<3)].name}", ""),
        (
            "{range .items[*]}[{.metadata.name}, {.status.capacity}] {end}",
            '[127.0.0.1, {"cpu":"4"}] [127.0.0.2, {"cpu":"8"}] ',
        ),
        ('{range .items[*]}{.metadata.name}{"\\t"}{.status.capacity.cpu}{"\\n"}{end}', "127.0.0.1\t4\n127.0.0.2\t8\n"),
        ("{range .items[*]}{range .status.addresses[*]}{.address} {end}{end}", "127.0.0.1 127.0.0.2 127.0.0.3 "),
        ("{.items[0].metadata.labels.kubernetes\\.io/hostname}", "127.0.0.1"),
        ("{.items[0].metadata.labels['kubernetes\\.io/hostname']}", "127.0.0.1"),
        ("{.items[0].metadata.labels['kubernetes.io/hostname']}", ""),
        ("{.nothing.here}", ""),
        ("{.users[0].user}", "{}"),
        ("plain", "plain"),
        ("{.kind} {'a'}{\"b\"}", "List ab"),
        ("{ .kind }", "List"),
        ("{.users[1].on}", "true"),
    ],
)
def test_templates(template: str, expected: str) -> None:
    assert Template(template).fill(DATA) == expected


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{.kind", "unclosed action"),
        ("{range .items[*]}x", "{range} without {end}"),
        ("x{end}", "{end} without {range}"),
        ("{.items[}", "unterminated array"),
        ("{.items[x]}", "invalid array index x"),
        ("{.items[?(@.a==1]}", "expected )]"),
        ("{.items[::0]}", "step must not be 0"),
        ("{kind}", "expected a path"),
        ("{..[", "unterminated array"),
        ("{.a" + "b" * 20_000 + "}", "longer than 10,000 characters"),
    ],
)
def test_what_is_no_template(template: str, fault: str) -> None:
    with pytest.raises(LabError) as error:
        Template(template)
    assert fault in str(error.value)


@pytest.mark.parametrize("path", ["{.metadata.name}", ".metadata.name", "metadata.name", "{metadata.name}"])
def test_a_bare_path_has_many_forms(path: str) -> None:
    assert values(path, {"metadata": {"name": "web"}}) == ["web"]
    assert values(path, {}) == []


@settings(max_examples=400)
@given(st.text(alphabet="{}[]().?@$*'\"\\=<>! ,:-ab01", max_size=30))
def test_whatever_is_written_is_a_template_or_a_sentence(text: str) -> None:
    assert isinstance(told(text, DATA), str)


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from(
            ["{.a", "}", "[", "]", "'a.b'", "'a}b'", "[?(@.a==", "1)]", "*", "..", "{range .x}", "{end}", ",", "0:1"]
        ),
        max_size=8,
    )
)
def test_pieces_of_templates_are_a_template_or_a_sentence(pieces: list[str]) -> None:
    assert isinstance(told("".join(pieces), {"a": [{"b": 1}], "x": [1, 2]}), str)


def test_what_is_nested_deeply_is_no_accident() -> None:
    for text in ("{range .a}" * 400, "{" + "[?(@" * 2000, "{.a" + "['a'" * 2000, "{" + "[" * 5000):
        with pytest.raises(LabError):
            Template(text)
