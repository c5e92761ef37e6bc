"""What the API server refuses in StatefulSets, DaemonSets, Jobs and CronJobs, and what it fills in."""

from __future__ import annotations

from typing import Any

import pytest

from lab.clock import Clock
from lab.cluster.admission import Admission
from lab.cluster.errors import Invalid
from lab.cluster.store import Store
from lab.journal import Journal
from lab.kube.decode import decode
from lab.kube.encode import encode
from lab.kube.kinds.job import Job
from lab.kube.meta import KubeObject
from lab.kube.patch import merge_patch
from lab.settings import Settings

POD = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "web:1"}]}}
SELECTOR = {"matchLabels": {"app": "web"}}
ONCE = merge_patch(POD, {"spec": {"restartPolicy": "Never"}})
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "StatefulSet": ("apps/v1", {"serviceName": "web", "selector": SELECTOR, "template": POD}),
    "DaemonSet": ("apps/v1", {"selector": SELECTOR, "template": POD}),
    "Job": ("batch/v1", {"template": ONCE}),
    "CronJob": ("batch/v1", {"schedule": "@daily", "jobTemplate": {"spec": {"template": ONCE}}}),
}
NEGATIVE = "must be greater than or equal to 0"
PERCENT = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')"
)


@pytest.fixture
def store() -> Store:
    made = Store(Clock(), Journal(), Settings())
    Admission(Settings()).attach(made)
    return made


def made(kind: str, name: str = "web", **change: Any) -> KubeObject:
    api_version, spec = KINDS[kind]
    body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": merge_patch(spec, change)}
    return decode(body)


def refused(store: Store, obj: KubeObject) -> list[str]:
    with pytest.raises(Invalid) as error:
        store.create(obj)
    return [str(one) for one in error.value.errors]


def spec_of(obj: KubeObject) -> dict[str, Any]:
    spec: dict[str, Any] = encode(obj)["spec"]
    return spec


# -- what is filled in ------------------------------------------------------------------------------------------------


def test_a_stateful_sets_defaults(store: Store) -> None:
    spec = spec_of(store.create(made("StatefulSet")))
    assert (spec["replicas"], spec["podManagementPolicy"], spec["revisionHistoryLimit"]) == (1, "OrderedReady", 10)
    assert spec["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": 1}}
    assert spec["template"]["spec"]["dnsPolicy"] == "ClusterFirst"


def test_before_1_35_nothing_is_said_of_how_many_may_be_unavailable() -> None:
    old = Settings(kubernetes="1.34")
    store = Store(Clock(), Journal(), old)
    Admission(old).attach(store)
    spec = spec_of(store.create(made("StatefulSet")))
    assert spec["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}


def test_a_daemon_sets_defaults(store: Store) -> None:
    spec = spec_of(store.create(made("DaemonSet")))
    assert spec["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}
    assert spec["revisionHistoryLimit"] == 10
    by_hand = store.create(made("DaemonSet", "other", updateStrategy={"type": "OnDelete"}))
    assert spec_of(by_hand)["updateStrategy"] == {"type": "OnDelete"}


def test_a_jobs_defaults(store: Store) -> None:
    job = store.create(made("Job"))
    spec, uid = spec_of(job), job.metadata.uid
    assert (spec["completions"], spec["parallelism"], spec["backoffLimit"]) == (1, 1, 6)
    assert (spec["completionMode"], spec["podReplacementPolicy"]) == ("NonIndexed", "TerminatingOrFailed")
    assert spec["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert spec["template"]["metadata"]["labels"] == {
        "app": "web",
        "controller-uid": uid,
        "job-name": "web",
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": "web",
    }
    assert job.metadata.labels == {"app": "web"}


def test_a_job_without_labels_has_those_of_its_pods(store: Store) -> None:
    job = store.create(made("Job", template={"metadata": None}))
    assert job.metadata.labels == spec_of(job)["template"]["metadata"]["labels"]
    assert job.metadata.labels["job-name"] == "web"


def test_a_job_that_only_says_how_many_at_a_time_is_a_work_queue(store: Store) -> None:
    spec = spec_of(store.create(made("Job", parallelism=3)))
    assert "completions" not in spec
    assert spec["parallelism"] == 3


def test_with_a_failure_policy_only_failed_pods_are_replaced(store: Store) -> None:
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
    spec = spec_of(store.create(made("Job", podFailurePolicy={"rules": [rule]})))
    assert spec["podReplacementPolicy"] == "Failed"


def test_a_cron_jobs_defaults_leave_the_jobs_to_be_completed_later(store: Store) -> None:
    spec = spec_of(store.create(made("CronJob")))
    assert (spec["concurrencyPolicy"], spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (
        "Allow",
        3,
        1,
    )
    assert set(spec["jobTemplate"]["spec"]) == {"template"}


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"replicas": -1}, f"spec.replicas: Invalid value: -1: {NEGATIVE}"),
        ({"minReadySeconds": -1}, f"spec.minReadySeconds: Invalid value: -1: {NEGATIVE}"),
        ({"ordinals": {"start": -2}}, f"spec.ordinals.start: Invalid value: -2: {NEGATIVE}"),
        (
            {"podManagementPolicy": "Serial"},
            """spec.podManagementPolicy: Invalid value: "Serial": must be 'OrderedReady' or 'Parallel'""",
        ),
        (
            {"updateStrategy": {"type": "Recreate"}},
            """spec.updateStrategy: Invalid value: {"type":"Recreate"}: must be 'RollingUpdate' or 'OnDelete'""",
        ),
        (
            {"updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 1}}},
            """spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: """
            "only allowed for updateStrategy 'RollingUpdate'",
        ),
        (
            {"updateStrategy": {"rollingUpdate": {"partition": -1}}},
            f"spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: {NEGATIVE}",
        ),
        (
            {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}},
            "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0",
        ),
        (
            {"updateStrategy": {"rollingUpdate": {"maxUnavailable": "110%"}}},
            'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "110%": must not be greater than 100%',
        ),
        (
            {"template": {"spec": {"restartPolicy": "Never"}}},
            'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
        ),
    ],
)
def test_what_is_wrong_with_a_stateful_set(store: Store, change: dict[str, Any], error: str) -> None:
    assert refused(store, made("StatefulSet", **change)) == [error]


def test_a_stateful_set_is_named_like_its_pods(store: Store) -> None:
    assert refused(store, made("StatefulSet", "my.db"))[0].endswith("must not contain dots")


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({"replicas": 3}, True),
        ({"ordinals": {"start": 2}}, True),
        ({"minReadySeconds": 5}, True),
        ({"revisionHistoryLimit": 2}, True),
        ({"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}, True),
        ({"template": {"spec": {"dnsPolicy": "Default"}}}, True),
        ({"serviceName": "other"}, False),
        ({"podManagementPolicy": "Parallel"}, False),
        ({"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}, False),
    ],
)
def test_what_may_change_in_a_stateful_set(store: Store, change: dict[str, Any], allowed: bool) -> None:
    before = store.create(made("StatefulSet"))
    after = decode(merge_patch(encode(before), {"spec": change}))
    if allowed:
        store.update(after)
        return
    with pytest.raises(Invalid, match=r"spec: Forbidden: updates to statefulset spec for fields other than"):
        store.update(after)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (
            {"updateStrategy": {"type": "Recreate"}},
            'spec.updateStrategy: Unsupported value: {"type":"Recreate"}: '
            'supported values: "RollingUpdate", "OnDelete"',
        ),
        (
            {"updateStrategy": {"rollingUpdate": {"maxSurge": 1}}},
            "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: "
            "may not be set when maxUnavailable is non-zero",
        ),
        (
            {"updateStrategy": {"rollingUpdate": {"maxUnavailable": "0%"}}},
            "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0",
        ),
        (
            {"updateStrategy": {"rollingUpdate": {"maxUnavailable": "many"}}},
            f'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "many": {PERCENT}',
        ),
        ({"revisionHistoryLimit": -1}, f"spec.revisionHistoryLimit: Invalid value: -1: {NEGATIVE}"),
        (
            {"selector": {"matchLabels": {"app": "api"}}},
            'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
        ),
    ],
)
def test_what_is_wrong_with_a_daemon_set(store: Store, change: dict[str, Any], error: str) -> None:
    assert refused(store, made("DaemonSet", **change)) == [error]


def policy(**rule: Any) -> dict[str, Any]:
    return {"podFailurePolicy": {"rules": [rule]}}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"parallelism": -1}, f"spec.parallelism: Invalid value: -1: {NEGATIVE}"),
        ({"completions": -1}, f"spec.completions: Invalid value: -1: {NEGATIVE}"),
        ({"backoffLimit": -1}, f"spec.backoffLimit: Invalid value: -1: {NEGATIVE}"),
        (
            {"template": {"spec": {"restartPolicy": None}}},
            'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
        ),
        (
            {"completionMode": "Numbered"},
            'spec.completionMode: Unsupported value: "Numbered": supported values: "NonIndexed", "Indexed"',
        ),
        (
            {"completionMode": "Indexed", "parallelism": 2},
            "spec.completions: Required value: when completion mode is Indexed",
        ),
        (
            {"podReplacementPolicy": "Never"},
            'spec.podReplacementPolicy: Unsupported value: "Never": supported values: "Failed", "TerminatingOrFailed"',
        ),
        (
            {"template": {"metadata": {"labels": {"job-name": "other"}}}},
            "spec.template.metadata.labels[job-name]: Invalid value: "
            '{"controller-uid":"UID","job-name":"other","batch.kubernetes.io/controller-uid":"UID",'
            """"batch.kubernetes.io/job-name":"web","app":"web"}: must be 'web'""",
        ),
        (
            policy(action="Retry", onExitCodes={"operator": "In", "values": [1]}),
            'spec.podFailurePolicy.rules[0].action: Unsupported value: "Retry": '
            'supported values: "Count", "FailIndex", "FailJob", "Ignore"',
        ),
        (
            policy(action="FailJob", onExitCodes={"operator": "In", "values": [0, 1]}),
            "spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator",
        ),
        (
            policy(action="FailJob", onExitCodes={"operator": "In", "values": [3, 2]}),
            "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [3,2]: must be ordered",
        ),
        (
            policy(action="FailJob", onExitCodes={"operator": "In", "values": [1], "containerName": "side"}),
            'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "side": '
            "must be one of the container or initContainer names in the pod template",
        ),
        (
            policy(action="Ignore"),
            'spec.podFailurePolicy.rules[0]: Invalid value: {"action":"Ignore"}: '
            "specifying one of OnExitCodes and OnPodConditions is required",
        ),
        (
            {
                **policy(action="Ignore", onPodConditions=[{"type": "X"}]),
                "template": {"spec": {"restartPolicy": "OnFailure"}},
            },
            'spec.template.spec.restartPolicy: Invalid value: "OnFailure": '
            'only "Never" is supported when podFailurePolicy is specified',
        ),
    ],
)
def test_what_is_wrong_with_a_job(store: Store, change: dict[str, Any], error: str) -> None:
    job = made("Job", **change)
    found = refused(store, job)
    uid = next((part.split('"')[0] for part in found[0].split('"controller-uid":"')[1:]), "UID")
    assert [one.replace(uid, "UID") for one in found] == [error]


def test_the_pods_of_an_indexed_job_must_be_nameable(store: Store) -> None:
    name = "a" * 62
    job = made("Job", name, completionMode="Indexed", completions=11)
    assert f"will not able to create pod with invalid DNS label: {name}-10" in refused(store, job)[0]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"parallelism": 3}, ""),
        ({"suspend": True}, ""),
        ({"backoffLimit": 1}, ""),
        ({"activeDeadlineSeconds": 10}, ""),
        ({"completions": 5}, "spec.completions"),
        ({"completionMode": "Indexed"}, "spec.completionMode"),
        ({"managedBy": "example.com/queue"}, "spec.managedBy"),
        ({"template": {"spec": {"dnsPolicy": "Default"}}}, "spec.template"),
        ({"template": {"spec": {"nodeSelector": {"disk": "ssd"}}}}, "spec.template"),
    ],
)
def test_what_may_change_in_a_job(store: Store, change: dict[str, Any], path: str) -> None:
    before = store.create(made("Job"))
    after = decode(merge_patch(encode(before), {"spec": change}))
    if not path:
        store.update(after)
        return
    with pytest.raises(Invalid) as error:
        store.update(after)
    assert [(one.path, one.detail) for one in error.value.errors] == [(path, "field is immutable")]


def test_where_a_suspended_jobs_pods_will_lie_may_change(store: Store) -> None:
    before = store.create(made("Job", suspend=True))
    change = {"spec": {"template": {"spec": {"nodeSelector": {"disk": "ssd"}}}}}
    after = store.update(decode(merge_patch(encode(before), change)))
    assert isinstance(after, Job)
    assert after.spec.template.spec.node_selector == {"disk": "ssd"}


def test_an_indexed_jobs_size_changes_in_tandem(store: Store) -> None:
    before = store.create(made("Job", completionMode="Indexed", completions=2, parallelism=2))
    store.update(decode(merge_patch(encode(before), {"spec": {"completions": 3, "parallelism": 3}})))
    now = store.get(Job, "web")
    with pytest.raises(Invalid, match=r"can only be modified in tandem with spec.parallelism"):
        store.update(decode(merge_patch(encode(now), {"spec": {"completions": 4}})))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"schedule": ""}, "spec.schedule: Required value"),
        (
            {"schedule": "* * * *"},
            'spec.schedule: Invalid value: "* * * *": expected exactly 5 fields, found 4: [* * * *]',
        ),
        (
            {"schedule": "TZ=UTC 0 * * * *"},
            'spec.schedule: Invalid value: "TZ=UTC 0 * * * *": '
            "cannot use TZ or CRON_TZ in schedule, use timeZone field instead",
        ),
        ({"timeZone": ""}, 'spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string'),
        (
            {"timeZone": "Europe/Nowhere"},
            'spec.timeZone: Invalid value: "Europe/Nowhere": unknown time zone Europe/Nowhere',
        ),
        ({"timeZone": "../UTC"}, 'spec.timeZone: Invalid value: "../UTC": unknown time zone ../UTC'),
        (
            {"concurrencyPolicy": "Wait"},
            'spec.concurrencyPolicy: Unsupported value: "Wait": supported values: "Allow", "Forbid", "Replace"',
        ),
        ({"failedJobsHistoryLimit": -1}, f"spec.failedJobsHistoryLimit: Invalid value: -1: {NEGATIVE}"),
        (
            {"jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": None}}}}},
            'spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
        ),
        (
            {"jobTemplate": {"spec": {"selector": SELECTOR}}},
            'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"app":"web"}}: '
            "`selector` will be auto-generated",
        ),
    ],
)
def test_what_is_wrong_with_a_cron_job(store: Store, change: dict[str, Any], error: str) -> None:
    assert refused(store, made("CronJob", **change)) == [error]


def test_the_local_time_zone_is_none(store: Store) -> None:
    first = refused(store, made("CronJob", timeZone="Local"))[0]
    assert first.endswith("timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")


def test_a_cron_jobs_name_leaves_room_for_the_minute(store: Store) -> None:
    store.create(made("CronJob", "a" * 52))
    name = "a" * 53
    expected = f'metadata.name: Invalid value: "{name}": must be no more than 52 characters'
    assert refused(store, made("CronJob", name)) == [expected]


INDEXED = {"completionMode": "Indexed", "completions": 5}


@pytest.mark.parametrize(
    ("change", "path", "why"),
    [
        ({"backoffLimitPerIndex": 1}, "backoffLimitPerIndex", "requires indexed completion mode"),
        ({**INDEXED, "maxFailedIndexes": 1}, "backoffLimitPerIndex", "when maxFailedIndexes is specified"),
        (
            {**INDEXED, "backoffLimitPerIndex": 1, "maxFailedIndexes": 6},
            "maxFailedIndexes",
            "must be less than or equal to completions",
        ),
        ({**INDEXED, "backoffLimitPerIndex": -1}, "backoffLimitPerIndex", NEGATIVE),
        ({"successPolicy": {"rules": [{"succeededCount": 1}]}}, "successPolicy", "requires indexed completion mode"),
        ({**INDEXED, "successPolicy": {"rules": []}}, "successPolicy.rules", "at least one rules must be specified"),
        ({**INDEXED, "successPolicy": {"rules": [{}]}}, "successPolicy.rules[0]", "at least one of succeededCount"),
        (
            {**INDEXED, "successPolicy": {"rules": [{"succeededIndexes": "0-5"}]}},
            "successPolicy.rules[0].succeededIndexes",
            'too large index: "5"',
        ),
        (
            {**INDEXED, "successPolicy": {"rules": [{"succeededIndexes": "2,1"}]}},
            "successPolicy.rules[0].succeededIndexes",
            "non-increasing order, previous: 2, current: 1",
        ),
        (
            {**INDEXED, "successPolicy": {"rules": [{"succeededIndexes": "0-2,4", "succeededCount": 5}]}},
            "successPolicy.rules[0].succeededCount",
            "must be less than or equal to 4 (the number of indexes in the specified succeededIndexes field)",
        ),
    ],
)
def test_the_tries_of_numbers_and_the_rules_of_success(
    store: Store, change: dict[str, Any], path: str, why: str
) -> None:
    (found,) = refused(store, made("Job", **change))
    assert found.startswith(f"spec.{path}: ")
    assert why in found


def test_before_1_31_a_job_has_no_rules_of_success() -> None:
    old = Store(Clock(), Journal(), Settings(kubernetes="1.30"))
    Admission(Settings(kubernetes="1.30")).attach(old)
    job = old.create(made("Job", **INDEXED, successPolicy={"rules": [{"succeededCount": 1}]}))
    assert isinstance(job, Job)
    assert job.spec.success_policy is None
