"""Label selectors: whether labels match, and the text form that `kubectl -l` takes.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lab.kube.errors import LabError
from lab.kube.meta import LabelSelector, LabelSelectorRequirement

_KEY = r"(?P<key>[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?)"
_TERMS = (
    re.compile(rf"{_KEY}\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)"),
    re.compile(rf"{_KEY}\s*(?P<operator>==|=|!=)\s*(?P<values>[-A-Za-z0-9_.]*)"),
    re.compile(rf"(?P<operator>!?)\s*{_KEY}(?P<values>)"),
)
_OPERATORS = {"in": "In", "notin": "NotIn", "=": "In", "==": "In", "!=": "NotIn", "": "Exists", "!": "DoesNotExist"}
_COMMA_OUTSIDE_BRACKETS = re.compile(r",(?![^()]*\))")


def matches(selector: LabelSelector | Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether every requirement holds for `labels`; an empty selector matches everything."""
    if isinstance(selector, LabelSelector):
        return _all_equal(selector.match_labels, labels) and all(
            _holds(requirement, labels) for requirement in selector.match_expressions
        )
    return _all_equal(selector, labels)


def _all_equal(wanted: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in wanted.items())


def _holds(requirement: LabelSelectorRequirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(requirement.key)
    match requirement.operator:
        case "In":
            return value is not None and value in requirement.values
        case "NotIn":
            return value is None or value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise LabError(
        f'"{requirement.operator}" is not a label selector operator: expected In, NotIn, Exists or DoesNotExist'
    )


def is_empty(selector: LabelSelector) -> bool:
    """Whether it has no requirement, and so matches everything."""
    return not selector.match_labels and not selector.match_expressions


def parse(text: str) -> LabelSelector:
    """What `app=web,tier!=x,env in (a,b),!legacy` says; raises `LabError` with the term that it cannot read."""
    equal: dict[str, str] = {}
    requirements: list[LabelSelectorRequirement] = []
    terms = [term.strip() for term in _COMMA_OUTSIDE_BRACKETS.split(text)] if text.strip() else []
    for term in terms:
        requirement = _parse_term(term)
        key, value = requirement.key, "".join(requirement.values)
        if requirement.operator == "In" and len(requirement.values) == 1 and equal.get(key, value) == value:
            equal[key] = value
        else:
            requirements.append(requirement)
    return LabelSelector(match_labels=equal, match_expressions=tuple(requirements))


def _parse_term(term: str) -> LabelSelectorRequirement:
    for pattern in _TERMS:
        found = pattern.fullmatch(term)
        if found:
            operator = _OPERATORS[found["operator"]]
            values = tuple(value.strip() for value in found["values"].split(","))
            return LabelSelectorRequirement(
                key=found["key"], operator=operator, values=values if operator in ("In", "NotIn") else ()
            )
    raise LabError(f'cannot read "{term}" in a label selector: expected key=value, key!=value, key in (a,b) or key')


def to_text(selector: LabelSelector | Mapping[str, str]) -> str:
    """The selector as `kubectl` prints it; `<none>` when it is empty."""
    if not isinstance(selector, LabelSelector):
        selector = LabelSelector(match_labels=dict(selector))
    terms = [f"{key}={value}" for key, value in selector.match_labels.items()]
    terms += [_term_text(requirement) for requirement in selector.match_expressions]
    return ",".join(terms) or "<none>"


def _term_text(requirement: LabelSelectorRequirement) -> str:
    match requirement.operator:
        case "Exists":
            return requirement.key
        case "DoesNotExist":
            return f"!{requirement.key}"
    return f"{requirement.key} {requirement.operator.lower()} ({','.join(requirement.values)})"
