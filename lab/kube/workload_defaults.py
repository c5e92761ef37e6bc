"""What the API server fills in where a Pod or what makes Pods leaves something out: apps/v1 and batch/v1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.kube.kinds.cronjob import CronJob
from lab.kube.kinds.daemonset import DaemonSet, RollingUpdateDaemonSet
from lab.kube.kinds.deployment import Deployment, RollingUpdateDeployment
from lab.kube.kinds.job import NON_INDEXED, Job, JobSpec
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.replicaset import ReplicaSet
from lab.kube.kinds.statefulset import RollingUpdateStatefulSet, StatefulSet
from lab.kube.meta import KubeObject
from lab.kube.pod_defaults import changed, pod_spec, pod_template
from lab.kube.versions import features_of
from lab.settings import Settings


def _pod(obj: Pod, settings: Settings) -> Pod:
    return changed(obj, spec=pod_spec(obj.spec, settings))


def _replicaset(obj: ReplicaSet, settings: Settings) -> ReplicaSet:
    return changed(obj, spec=changed(obj.spec, template=pod_template(obj.spec.template, settings)))


def _deployment(obj: Deployment, settings: Settings) -> Deployment:
    spec = obj.spec
    strategy = changed(spec.strategy, type=spec.strategy.type or "RollingUpdate")
    if strategy.type == "RollingUpdate":
        rolling = strategy.rolling_update or RollingUpdateDeployment()
        if rolling.max_surge is None:
            rolling = changed(rolling, max_surge=settings.deployment_max_surge)
        if rolling.max_unavailable is None:
            rolling = changed(rolling, max_unavailable=settings.deployment_max_unavailable)
        strategy = changed(strategy, rolling_update=rolling)
    history, deadline_s = spec.revision_history_limit, spec.progress_deadline_seconds
    return changed(
        obj,
        spec=changed(
            spec,
            template=pod_template(spec.template, settings),
            strategy=strategy,
            revision_history_limit=settings.deployment_revision_history if history is None else history,
            progress_deadline_seconds=settings.deployment_progress_deadline_s if deadline_s is None else deadline_s,
        ),
    )


def _statefulset(obj: StatefulSet, settings: Settings) -> StatefulSet:
    spec = obj.spec
    strategy = changed(spec.update_strategy, type=spec.update_strategy.type or "RollingUpdate")
    if strategy.type == "RollingUpdate":
        rolling = strategy.rolling_update or RollingUpdateStatefulSet()
        if rolling.max_unavailable is None and features_of(settings.kubernetes).max_unavailable_stateful_set:
            rolling = changed(rolling, max_unavailable=settings.statefulset_max_unavailable)
        strategy = changed(strategy, rolling_update=rolling)
    history = spec.revision_history_limit
    return changed(
        obj,
        spec=changed(
            spec,
            template=pod_template(spec.template, settings),
            pod_management_policy=spec.pod_management_policy or "OrderedReady",
            update_strategy=strategy,
            revision_history_limit=settings.statefulset_revision_history if history is None else history,
        ),
    )


def _daemonset(obj: DaemonSet, settings: Settings) -> DaemonSet:
    spec = obj.spec
    strategy = changed(spec.update_strategy, type=spec.update_strategy.type or "RollingUpdate")
    if strategy.type == "RollingUpdate":
        rolling = strategy.rolling_update or RollingUpdateDaemonSet()
        if rolling.max_unavailable is None:
            rolling = changed(rolling, max_unavailable=settings.daemonset_max_unavailable)
        if rolling.max_surge is None:
            rolling = changed(rolling, max_surge=settings.daemonset_max_surge)
        strategy = changed(strategy, rolling_update=rolling)
    history = spec.revision_history_limit
    return changed(
        obj,
        spec=changed(
            spec,
            template=pod_template(spec.template, settings),
            update_strategy=strategy,
            revision_history_limit=settings.daemonset_revision_history if history is None else history,
        ),
    )


MOST_TRIES = 2**31 - 1


def _job(obj: Job, settings: Settings) -> Job:
    """SetDefaults_Job: neither completions nor parallelism means one of each; the template's labels are the Job's."""
    labels = obj.metadata.labels or obj.spec.template.metadata.labels
    return changed(
        obj, metadata=changed(obj.metadata, labels=labels), spec=_completed(_job_spec(obj.spec, settings), settings)
    )


def _job_spec(spec: JobSpec, settings: Settings) -> JobSpec:
    """What the API server fills in of the Jobs of a CronJob, too."""
    return changed(spec, template=pod_template(spec.template, settings))


def _completed(spec: JobSpec, settings: Settings) -> JobSpec:
    alone = spec.completions is None and spec.parallelism is None
    replaced = "Failed" if spec.pod_failure_policy is not None else "TerminatingOrFailed"
    return changed(
        spec,
        completions=1 if alone else spec.completions,
        parallelism=1 if spec.parallelism is None else spec.parallelism,
        backoff_limit=_backoff_limit(spec, settings),
        completion_mode=spec.completion_mode or NON_INDEXED,
        suspend=False if spec.suspend is None else spec.suspend,
        pod_replacement_policy=spec.pod_replacement_policy or replaced,
    )


def _backoff_limit(spec: JobSpec, settings: Settings) -> int:
    """Where each number has tries of its own, all of them together have as many as they like."""
    if spec.backoff_limit is not None:
        return spec.backoff_limit
    return settings.job_backoff_limit if spec.backoff_limit_per_index is None else MOST_TRIES


def _cronjob(obj: CronJob, settings: Settings) -> CronJob:
    spec = obj.spec
    good, bad = spec.successful_jobs_history_limit, spec.failed_jobs_history_limit
    template = changed(spec.job_template, spec=_job_spec(spec.job_template.spec, settings))
    return changed(
        obj,
        spec=changed(
            spec,
            concurrency_policy=spec.concurrency_policy or "Allow",
            suspend=False if spec.suspend is None else spec.suspend,
            job_template=template,
            successful_jobs_history_limit=settings.cronjob_successful_history if good is None else good,
            failed_jobs_history_limit=settings.cronjob_failed_history if bad is None else bad,
        ),
    )


WORKLOAD_DEFAULTERS: dict[type[KubeObject], Callable[[Any, Settings], KubeObject]] = {
    Pod: _pod,
    ReplicaSet: _replicaset,
    Deployment: _deployment,
    StatefulSet: _statefulset,
    DaemonSet: _daemonset,
    Job: _job,
    CronJob: _cronjob,
}
"""How each of these kinds is completed."""
