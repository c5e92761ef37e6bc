"""Label selectors, as in the Kubernetes documentation "Labels and Selectors"."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.kube import selector
from lab.kube.errors import LabError
from lab.kube.meta import LabelSelector, LabelSelectorRequirement

LABELS = {"app": "web", "tier": "front", "empty": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app=api", False),
        ("app!=api", True),
        ("app!=web", False),
        ("missing!=x", True),
        ("app=web,tier=front", True),
        ("app=web,tier=back", False),
        ("tier in (front, back)", True),
        ("tier in (back)", False),
        ("tier notin (back)", True),
        ("missing notin (x)", True),
        ("missing in (x)", False),
        ("app", True),
        ("!app", False),
        ("!missing", True),
        ("missing", False),
        ("empty=", True),
        ("app=web,tier in (a,front),!x", True),
        ("app=web,app=api", False),
    ],
)
def test_a_selector_in_text(text, expected):
    assert selector.matches(selector.parse(text), LABELS) is expected


def test_a_services_selector_is_a_plain_mapping():
    assert selector.matches({"app": "web"}, LABELS)
    assert not selector.matches({"app": "web", "x": ""}, LABELS)
    assert selector.matches({}, {})


def test_both_parts_must_hold():
    both = LabelSelector(
        match_labels={"app": "web"},
        match_expressions=(LabelSelectorRequirement(key="tier", operator="NotIn", values=("front",)),),
    )
    assert not selector.matches(both, LABELS)
    assert selector.matches(both, {"app": "web"})


@pytest.mark.parametrize("text", ["=web", "app in web", "app in (a", "a b", "app=web,,tier=x", "app=w b"])
def test_what_cannot_be_read_is_named(text):
    with pytest.raises(LabError, match="label selector"):
        selector.parse(text)


def test_an_unknown_operator_is_an_error():
    wrong = LabelSelector(match_expressions=(LabelSelectorRequirement(key="a", operator="Like"),))
    with pytest.raises(LabError, match="In, NotIn, Exists or DoesNotExist"):
        selector.matches(wrong, {})


names = st.sampled_from(["app", "tier", "kubernetes.io/name"])
values = st.sampled_from(["a", "b", "c-1"])
requirements = st.one_of(
    st.builds(
        LabelSelectorRequirement,
        key=names,
        operator=st.sampled_from(["In", "NotIn"]),
        values=st.lists(values, min_size=1, max_size=3).map(tuple),
    ),
    st.builds(LabelSelectorRequirement, key=names, operator=st.sampled_from(["Exists", "DoesNotExist"])),
)


@settings(max_examples=50, deadline=None)
@given(
    st.builds(
        LabelSelector,
        match_labels=st.dictionaries(names, values, max_size=3),
        match_expressions=st.lists(requirements, max_size=3).map(tuple),
    ),
    st.dictionaries(names, values),
)
def test_text_means_the_same_as_the_selector_it_came_from(wanted, labels):
    text = selector.to_text(wanted)
    again = selector.parse("" if text == "<none>" else text)
    assert selector.matches(again, labels) == selector.matches(wanted, labels)
