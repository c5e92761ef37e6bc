"""What makes Jobs and CronJobs from a line."""

from __future__ import annotations

from lab.cluster.apply import resource_name
from lab.commands.call import Call
from lab.commands.flags import IN_NAMESPACE
from lab.commands.registry import Flag, Parameter, command
from lab.commands.resources import Target, target_of
from lab.commands.values import IMAGE, NAME, PROGRAM, TEXT, choice
from lab.kube.errors import LabError
from lab.kube.kinds.cronjob import CronJob, CronJobSpec, JobTemplateSpec
from lab.kube.kinds.job import Job, JobSpec
from lab.kube.kinds.pod import Container, PodSpec, PodTemplateSpec
from lab.kube.meta import KubeObject, ObjectMeta, OwnerReference

BY_HAND = {"cronjob.kubernetes.io/instantiate": "manual"}
"""Annotation of a Job that somebody made from a CronJob between its moments."""


@command(
    "kubectl create job",
    "Make a Job of one container, or one as a CronJob would make it.",
    Parameter("name", NAME),
    Parameter("command", PROGRAM, required=False),
    flags=(
        Flag("--image", "what to run", IMAGE),
        Flag("--from", "the CronJob whose Job to make now", target_of("CronJob", name="CRONJOB")),
        IN_NAMESPACE,
    ),
    examples=(
        "kubectl create job once --image=busybox -- sleep 30",
        "kubectl create job test --from=cronjob/backup",
    ),
    makes="Job",
)
def create_job(call: Call) -> None:
    """Either from an image or from a CronJob's template."""
    source: Target | None = call.get("from")
    if (source is None) == (call.get("image") is None):
        both = "cannot specify --image and --from"
        raise LabError(both if source is not None else "either --image or --from must be specified")
    name: str = call.values["name"]
    if source is not None:
        if call.get("command"):
            raise LabError("cannot specify --from and command")
        assert isinstance(source.obj, CronJob)
        _create(call, _from_cron_job(source.obj, name))
        return
    meta = ObjectMeta(name=name, namespace=call.namespace)
    _create(call, Job(metadata=meta, spec=_job_spec(call, "Never")))


def _from_cron_job(cron_job: CronJob, name: str) -> Job:
    template = cron_job.spec.job_template
    owner = OwnerReference(
        api_version=cron_job.api_version,
        kind=cron_job.kind,
        name=cron_job.name,
        uid=cron_job.metadata.uid,
        controller=True,
    )
    meta = ObjectMeta(
        name=name,
        namespace=cron_job.namespace,
        labels=template.metadata.labels,
        annotations={**template.metadata.annotations, **BY_HAND},
        owner_references=(owner,),
    )
    return Job(metadata=meta, spec=template.spec)


@command(
    "kubectl create cronjob",
    "Make a CronJob of one container.",
    Parameter("name", NAME),
    Parameter("command", PROGRAM, required=False),
    flags=(
        Flag("--image", "what to run", IMAGE, required=True),
        Flag("--schedule", "when, as cron has it", TEXT, required=True),
        Flag("--restart", "what becomes of a container that fails", choice("POLICY", "OnFailure", "Never")),
        IN_NAMESPACE,
    ),
    examples=("kubectl create cronjob backup --image=busybox --schedule='*/5 * * * *' -- sleep 10",),
    makes="CronJob",
)
def create_cron_job(call: Call) -> None:
    """What kubectl would make of it: containers are restarted in place when they fail."""
    meta = ObjectMeta(name=call.values["name"], namespace=call.namespace)
    template = JobTemplateSpec(
        metadata=ObjectMeta(name=meta.name), spec=_job_spec(call, call.get("restart", "OnFailure"))
    )
    spec = CronJobSpec(schedule=call.values["schedule"], job_template=template)
    _create(call, CronJob(metadata=meta, spec=spec))


def _job_spec(call: Call, restart_policy: str) -> JobSpec:
    container = Container(name=call.values["name"], image=call.values["image"], command=call.get("command", ()))
    return JobSpec(template=PodTemplateSpec(spec=PodSpec(containers=(container,), restart_policy=restart_policy)))


def _create(call: Call, obj: KubeObject) -> None:
    call.say(f"{resource_name(call.store.create(obj))} created")
