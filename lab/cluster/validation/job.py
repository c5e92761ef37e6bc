"""What a Job must say, and the Jobs that a CronJob makes (batch validation, ValidateJobSpec)."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from lab.cluster.errors import duplicate, invalid, required, unsupported
from lab.cluster.job_identity import expected_labels
from lab.cluster.validation.job_success import success_policy_errors
from lab.cluster.validation.metadata import IMMUTABLE
from lab.cluster.validation.names import Errors, label_errors, label_faults, qualified_name_faults
from lab.cluster.validation.selectors import selector_errors
from lab.cluster.validation.workloads import not_negative, pod_spec_errors
from lab.kube.encode import encode
from lab.kube.kinds.job import INDEXED, NON_INDEXED, SUSPENDED, Job, JobSpec, OnExitCodes, PodFailurePolicyRule
from lab.kube.kinds.pod import PodSpec, PodTemplateSpec
from lab.kube.selector import matches

_MOST_INDEXED_PODS = 100_000
_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_REPLACEMENTS = ("Failed", "TerminatingOrFailed")


def job_errors(new: Job, old: Job | None) -> Errors:
    """What is wrong with a Job, or with its change from `old`."""
    yield from _generated(new)
    yield from job_spec_errors(new.spec, "spec")
    yield from _selector(new.spec)
    yield from _host_names(new)
    if old is not None:
        yield from _changes(new, old)


def _generated(job: Job) -> Errors:
    """Labels that a template brings along from another Job, and selectors that somebody made."""
    if job.spec.manual_selector or job.spec.selector is None:
        return
    labels, expected = job.spec.template.metadata.labels, expected_labels(job)
    for label, value in expected.items():
        if labels.get(label) != value:
            yield invalid(f"spec.template.metadata.labels[{label}]", labels, f"must be '{value}'")
    if not matches(job.spec.selector, expected):
        yield invalid("spec.selector", encode(job.spec.selector), "`selector` not auto-generated")


def _selector(spec: JobSpec) -> Errors:
    if spec.selector is None:
        yield required("spec.selector")
        return
    yield from selector_errors(spec.selector, "spec.selector")
    labels = spec.template.metadata.labels
    if not matches(spec.selector, labels):
        yield invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")


def _host_names(job: Job) -> Errors:
    if job.spec.indexed and job.spec.completions:
        name = f"{job.name}-{job.spec.completions - 1}"
        if label_faults(name):
            yield invalid("metadata.name", job.name, f"will not able to create pod with invalid DNS label: {name}")


def job_spec_errors(spec: JobSpec, path: str) -> Errors:
    """What is wrong with a Job's spec, but for the selector, which CronJobs leave out."""
    for field, value in (
        ("parallelism", spec.parallelism),
        ("completions", spec.completions),
        ("activeDeadlineSeconds", spec.active_deadline_seconds),
        ("backoffLimit", spec.backoff_limit),
        ("backoffLimitPerIndex", spec.backoff_limit_per_index),
        ("maxFailedIndexes", spec.max_failed_indexes),
        ("ttlSecondsAfterFinished", spec.ttl_seconds_after_finished),
    ):
        yield from not_negative(f"{path}.{field}", value)
    yield from _mode(spec, path)
    yield from _limits(spec, path)
    yield from _failure_policy(spec, f"{path}.podFailurePolicy")
    yield from success_policy_errors(spec, f"{path}.successPolicy")
    allowed = ("Failed",) if spec.pod_failure_policy is not None else _REPLACEMENTS
    if spec.pod_replacement_policy is not None and spec.pod_replacement_policy not in allowed:
        yield unsupported(f"{path}.podReplacementPolicy", spec.pod_replacement_policy, allowed)
    yield from label_errors(spec.template.metadata.labels, f"{path}.template.metadata.labels")
    yield from pod_spec_errors(spec.template.spec, f"{path}.template.spec")
    yield from _restart_policy(spec, f"{path}.template.spec.restartPolicy")


def _mode(spec: JobSpec, path: str) -> Errors:
    mode = spec.completion_mode
    if mode is not None and mode not in (NON_INDEXED, INDEXED):
        yield unsupported(f"{path}.completionMode", mode, (NON_INDEXED, INDEXED))
    if not spec.indexed:
        return
    if spec.completions is None:
        yield required(f"{path}.completions", f"when completion mode is {INDEXED}")
    if spec.parallelism is not None and spec.parallelism > _MOST_INDEXED_PODS:
        detail = f"must be less than or equal to {_MOST_INDEXED_PODS} when completion mode is {INDEXED}"
        yield invalid(f"{path}.parallelism", spec.parallelism, detail)


def _limits(spec: JobSpec, path: str) -> Errors:
    """Of the tries of each number."""
    if spec.max_failed_indexes is not None and spec.backoff_limit_per_index is None:
        yield required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    most = spec.completions
    if spec.indexed and most is not None and spec.max_failed_indexes is not None and spec.max_failed_indexes > most:
        yield invalid(f"{path}.maxFailedIndexes", spec.max_failed_indexes, "must be less than or equal to completions")
    for field, value in (
        ("backoffLimitPerIndex", spec.backoff_limit_per_index),
        ("maxFailedIndexes", spec.max_failed_indexes),
    ):
        if value is not None and not spec.indexed:
            yield invalid(f"{path}.{field}", value, "requires indexed completion mode")


def _restart_policy(spec: JobSpec, path: str) -> Errors:
    policy = spec.template.spec.restart_policy
    if policy in ("Always", ""):
        yield required(path, 'valid values: "OnFailure", "Never"')
    elif policy not in ("OnFailure", "Never"):
        yield unsupported(path, policy, ("OnFailure", "Never"))
    elif spec.pod_failure_policy is not None and policy != "Never":
        yield invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')


# -- podFailurePolicy -------------------------------------------------------------------------------------------------


def _failure_policy(spec: JobSpec, path: str) -> Errors:
    policy = spec.pod_failure_policy
    for index, rule in enumerate(policy.rules if policy is not None else ()):
        at = f"{path}.rules[{index}]"
        yield from _action(rule, spec, f"{at}.action")
        if rule.on_exit_codes is not None:
            yield from _exit_codes(rule.on_exit_codes, spec.template.spec, f"{at}.onExitCodes")
        for place, condition in enumerate(rule.on_pod_conditions):
            for fault in qualified_name_faults(condition.type):
                yield invalid(f"{at}.onPodConditions[{place}].type", condition.type, fault)
        if (rule.on_exit_codes is None) == (not rule.on_pod_conditions):
            both = "specifying both OnExitCodes and OnPodConditions is not supported"
            neither = "specifying one of OnExitCodes and OnPodConditions is required"
            yield invalid(at, encode(rule), both if rule.on_exit_codes is not None else neither)


def _action(rule: PodFailurePolicyRule, spec: JobSpec, path: str) -> Errors:
    if not rule.action:
        yield required(path, f"valid values: {_quoted(_ACTIONS)}")
    elif rule.action not in _ACTIONS:
        yield unsupported(path, rule.action, _ACTIONS)
    elif rule.action == "FailIndex" and spec.backoff_limit_per_index is None:
        yield invalid(path, rule.action, "requires the backoffLimitPerIndex to be set")


def _exit_codes(codes: OnExitCodes, pod: PodSpec, path: str) -> Errors:
    if not codes.operator:
        yield required(f"{path}.operator", f"valid values: {_quoted(('In', 'NotIn'))}")
    elif codes.operator not in ("In", "NotIn"):
        yield unsupported(f"{path}.operator", codes.operator, ("In", "NotIn"))
    names = [one.name for one in (*pod.containers, *pod.init_containers)]
    if codes.container_name is not None and codes.container_name not in names:
        yield invalid(
            f"{path}.containerName",
            codes.container_name,
            "must be one of the container or initContainer names in the pod template",
        )
    if not codes.values:
        yield invalid(f"{path}.values", list(codes.values), "at least one value is required")
    if codes.operator == "In" and 0 in codes.values:
        place = codes.values.index(0)
        yield invalid(f"{path}.values[{place}]", 0, "must not be 0 for the In operator")
    for place, value in enumerate(codes.values):
        if value in codes.values[:place]:
            yield duplicate(f"{path}.values[{place}]", value)
    if list(codes.values) != sorted(codes.values):
        yield invalid(f"{path}.values", list(codes.values), "must be ordered")


def _quoted(words: tuple[str, ...]) -> str:
    return "[" + " ".join(f'"{word}"' for word in words) + "]"


# -- what may change --------------------------------------------------------------------------------------------------


def _changes(new: Job, old: Job) -> Errors:
    spec, before = new.spec, old.spec
    if spec.completions != before.completions:
        if not spec.indexed:
            yield invalid("spec.completions", spec.completions, IMMUTABLE)
        elif spec.completions is not None and spec.completions != spec.parallelism:
            yield invalid("spec.completions", spec.completions, "can only be modified in tandem with spec.parallelism")
    if spec.selector != before.selector:
        yield invalid("spec.selector", encode(spec.selector) if spec.selector else None, IMMUTABLE)
    waits = old.condition(SUSPENDED) is not None or bool(before.suspend and old.status.start_time is None)
    if _lasting(spec.template, waits) != _lasting(before.template, waits):
        yield invalid("spec.template", encode(spec.template), IMMUTABLE)
    fields: Mapping[str, tuple[object, object]] = {
        "completionMode": (spec.completion_mode, before.completion_mode),
        "podFailurePolicy": (spec.pod_failure_policy, before.pod_failure_policy),
        "successPolicy": (spec.success_policy, before.success_policy),
        "backoffLimitPerIndex": (spec.backoff_limit_per_index, before.backoff_limit_per_index),
        "managedBy": (spec.managed_by, before.managed_by),
    }
    for field, (value, was) in fields.items():
        if value != was:
            yield invalid(f"spec.{field}", value if isinstance(value, str | int) else None, IMMUTABLE)


def _lasting(template: PodTemplateSpec, waits: bool) -> PodTemplateSpec:
    """A template without what may be changed: while a Job is suspended, where its Pods may lie (KEP-2926)."""
    if not waits:
        return template
    metadata = replace(template.metadata, labels={}, annotations={})
    return replace(
        template, metadata=metadata, spec=replace(template.spec, node_selector={}, tolerations=(), affinity=None)
    )
