"""What a Job's successPolicy must say (batch validation, validateSuccessPolicy)."""

from __future__ import annotations

from lab.cluster.errors import invalid, required
from lab.cluster.validation.names import Errors
from lab.kube.encode import encode
from lab.kube.kinds.job import JobSpec, SuccessPolicyRule


def success_policy_errors(spec: JobSpec, path: str) -> Errors:
    """What is wrong with it, if there is one."""
    policy = spec.success_policy
    if policy is None:
        return
    if not spec.indexed:
        yield invalid(path, encode(policy), "requires indexed completion mode")
        return
    if not policy.rules:
        yield required(f"{path}.rules", "at least one rules must be specified when the successPolicy is specified")
    for place, rule in enumerate(policy.rules):
        yield from _rule(rule, spec.completions or 0, f"{path}.rules[{place}]")


def _rule(rule: SuccessPolicyRule, completions: int, path: str) -> Errors:
    count, indexes, total = rule.succeeded_count, rule.succeeded_indexes, None
    if count is None and indexes is None:
        yield required(path, "at least one of succeededCount or succeededIndexes must be specified")
    if indexes is not None:
        total, fault = _counted(indexes, completions)
        if fault:
            yield invalid(f"{path}.succeededIndexes", indexes, f"error parsing succeededIndexes: {fault}")
    if count is None:
        return
    at = f"{path}.succeededCount"
    if count < 0:
        yield invalid(at, count, "must be greater than or equal to 0")
    if count > completions:
        why = f"must be less than or equal to {completions} (the number of specified completions)"
        yield invalid(at, count, why)
    if total is not None and count > total:
        why = "the number of indexes in the specified succeededIndexes field"
        yield invalid(at, count, f"must be less than or equal to {total} ({why})")


def _counted(text: str, completions: int) -> tuple[int, str]:
    """How many numbers `0,2-4` has, and what is wrong with it (validateIndexesFormat)."""
    total, last = 0, -1
    for part in text.split(",") if text else ():
        ends = part.split("-")
        if len(ends) > 2:
            requirement = "an index interval can have at most two parts separated by '-'"
            return 0, f'the fragment "{part}" violates the requirement that {requirement}'
        for end in ends:
            if not end.isdigit():
                return 0, f'cannot convert string to integer for index: "{end}"'
            if int(end) >= completions:
                return 0, f'too large index: "{end}"'
            if int(end) <= last:
                return 0, f"non-increasing order, previous: {last}, current: {int(end)}"
            total += 1 if end is ends[0] else int(end) - last
            last = int(end)
    return total, ""
