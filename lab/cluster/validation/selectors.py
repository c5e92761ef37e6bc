"""Label selectors with expressions, as apimachinery's ValidateLabelSelector words what is wrong with them."""

from __future__ import annotations

from lab.cluster.errors import forbidden, invalid, required
from lab.cluster.validation.names import Errors, faulty, label_errors, label_value_faults, qualified_name_faults
from lab.kube.meta import LabelSelector, LabelSelectorRequirement


def selector_errors(selector: LabelSelector, path: str) -> Errors:
    """A selector and all its requirements."""
    yield from label_errors(selector.match_labels, f"{path}.matchLabels")
    for index, requirement in enumerate(selector.match_expressions):
        yield from _requirement_errors(requirement, f"{path}.matchExpressions[{index}]")


def _requirement_errors(requirement: LabelSelectorRequirement, path: str) -> Errors:
    operator, values = requirement.operator, requirement.values
    if operator in ("In", "NotIn"):
        if not values:
            yield required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            yield forbidden(f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    else:
        yield invalid(f"{path}.operator", operator, "not a valid selector operator")
    yield from faulty(f"{path}.key", requirement.key, qualified_name_faults(requirement.key))
    for index, value in enumerate(values):
        yield from faulty(f"{path}.values[{index}]", value, label_value_faults(value))
