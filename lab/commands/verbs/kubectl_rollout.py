"""`kubectl rollout`: restart, status, pause, resume, undo, history."""

from __future__ import annotations

from typing import Any

import msgspec

from lab.cluster.store import Change
from lab.commands.call import Call
from lab.commands.flags import IN_NAMESPACE
from lab.commands.registry import Flag, Parameter, command
from lab.commands.resources import Target, target_of
from lab.commands.values import COUNT, DURATION
from lab.commands.verbs.kubectl_change import with_template
from lab.kube.errors import LabError
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.pod import PodTemplateSpec
from lab.kube.kinds.replicaset import ReplicaSet
from lab.kube.time import to_rfc3339
from lab.views.kinds.deployment import replica_sets, revision
from lab.views.table import table

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
HASH_LABEL = "pod-template-hash"

replace = msgspec.structs.replace
_DEPLOYMENT = target_of("Deployment")


def _deployment(call: Call) -> Deployment:
    found = call.values["target"].obj
    assert isinstance(found, Deployment)
    return found


@command(
    "kubectl rollout restart",
    "Replace all Pods of a workload, as a rollout.",
    Parameter("target", target_of("Deployment", "StatefulSet")),
    flags=(IN_NAMESPACE,),
    examples=("kubectl rollout restart deployment/web",),
)
def restart(call: Call) -> None:
    """Write the moment into the Pod template's annotations, as kubectl does."""
    target: Target = call.values["target"]
    if isinstance(target.obj, Deployment) and target.obj.spec.paused:
        raise LabError("can't restart paused deployment (run rollout resume first)")
    moment = to_rfc3339(call.engine.now)

    def restarted(template: PodTemplateSpec) -> PodTemplateSpec:
        annotations = template.metadata.annotations | {RESTARTED_AT: moment}
        return replace(template, metadata=replace(template.metadata, annotations=annotations))

    call.store.update(with_template(target.obj, restarted))
    call.say(f"{target.name} restarted")


@command(
    "kubectl rollout status",
    "Tell how a rollout goes until it is over.",
    Parameter("target", _DEPLOYMENT),
    flags=(Flag("--timeout", "give up after this time", DURATION), IN_NAMESPACE),
    examples=("kubectl rollout status deployment/web",),
)
def status(call: Call) -> None:
    """Print each new stage; ends when the rollout does."""
    wanted = _deployment(call)
    execution = call.execution
    call.running = True

    def look(deployment: Deployment) -> None:
        text, done = progress(deployment)
        if text not in execution.output:
            call.say(text)
        if done:
            execution.finish("" if done == "complete" else f"error: {text}")

    def changed(change: Change) -> None:
        if change.object.metadata.uid != wanted.metadata.uid or execution.done:
            return
        if change.new is None:
            execution.finish(f'error: deployment "{wanted.name}" was deleted while it rolled out')
        elif isinstance(change.new, Deployment):
            look(change.new)

    stop = call.store.subscribe(changed, Deployment)
    execution.on_done.append(lambda _: stop())
    look(wanted)
    if call.get("timeout") is not None:
        call.engine.clock.after(call.get("timeout"), execution.finish, "error: timed out waiting for the condition")


def progress(deployment: Deployment) -> tuple[str, str]:
    """What `kubectl rollout status` says now, and `complete` or `failed` when that is the last it says."""
    status, wanted = deployment.status, deployment.spec.replicas
    waiting = f'Waiting for deployment "{deployment.name}" rollout to finish: '
    if status.observed_generation < deployment.metadata.generation:
        return "Waiting for deployment spec update to be observed...", ""
    if any(one.type == "Progressing" and one.reason == "ProgressDeadlineExceeded" for one in status.conditions):
        return f'deployment "{deployment.name}" exceeded its progress deadline', "failed"
    if status.updated_replicas < wanted:
        return f"{waiting}{status.updated_replicas} out of {wanted} new replicas have been updated...", ""
    if status.replicas > status.updated_replicas:
        return f"{waiting}{status.replicas - status.updated_replicas} old replicas are pending termination...", ""
    if status.available_replicas < status.updated_replicas:
        return (
            f"{waiting}{status.available_replicas} of {status.updated_replicas} updated replicas are available...",
            "",
        )
    return f'deployment "{deployment.name}" successfully rolled out', "complete"


@command(
    "kubectl rollout pause",
    "Let changes to a Deployment wait until it is resumed.",
    Parameter("target", _DEPLOYMENT),
    flags=(IN_NAMESPACE,),
    examples=("kubectl rollout pause deployment/web",),
)
def pause(call: Call) -> None:
    """Set spec.paused."""
    _set_paused(call, True)


@command(
    "kubectl rollout resume",
    "Go on with a paused rollout.",
    Parameter("target", _DEPLOYMENT),
    flags=(IN_NAMESPACE,),
    examples=("kubectl rollout resume deployment/web",),
)
def resume(call: Call) -> None:
    """Take spec.paused away."""
    _set_paused(call, False)


def _set_paused(call: Call, value: bool) -> None:
    deployment = _deployment(call)
    word = "paused" if value else "resumed"
    if deployment.spec.paused == value:
        raise LabError(f'deployments.apps "{deployment.name}" is {"already paused" if value else "not paused"}')
    call.store.update(replace(deployment, spec=replace(deployment.spec, paused=value)))
    call.say(f"deployment.apps/{deployment.name} {word}")


@command(
    "kubectl rollout undo",
    "Go back to an earlier Pod template.",
    Parameter("target", _DEPLOYMENT),
    flags=(Flag("--to-revision", "which one; 0 is the one before", COUNT), IN_NAMESPACE),
    examples=("kubectl rollout undo deployment/web", "kubectl rollout undo deployment/web --to-revision=2"),
)
def undo(call: Call) -> None:
    """Write the Pod template of an earlier revision's ReplicaSet."""
    deployment = _deployment(call)
    if deployment.spec.paused:
        raise LabError('you cannot rollback a paused deployment; resume it first with "kubectl rollout resume"')
    template = _earlier(call, deployment).spec.template
    labels = {key: value for key, value in template.metadata.labels.items() if key != HASH_LABEL}
    template = replace(template, metadata=replace(template.metadata, labels=labels))
    call.store.update(with_template(deployment, lambda _: template))
    call.say(f"deployment.apps/{deployment.name} rolled back")


def _earlier(call: Call, deployment: Deployment) -> ReplicaSet:
    wanted: int = call.get("to_revision", 0)
    found = replica_sets(deployment, call.context)
    matching = [one for one in found if revision(one) == wanted] if wanted else found[1:]
    if not matching:
        what = f"revision {wanted}" if wanted else "rollout history"
        raise LabError(f'no {what} found for deployment "{deployment.name}"')
    return matching[0]


@command(
    "kubectl rollout history",
    "The revisions of a Deployment that can be gone back to.",
    Parameter("target", _DEPLOYMENT),
    flags=(IN_NAMESPACE,),
    examples=("kubectl rollout history deployment/web",),
)
def history(call: Call) -> None:
    """Print the revisions with their images and change causes."""
    deployment = _deployment(call)
    rows = [_history_row(one) for one in reversed(replica_sets(deployment, call.context))]
    call.say(f"deployment.apps/{deployment.name}", *table(("REVISION", "CHANGE-CAUSE", "IMAGES"), rows))


def _history_row(replica_set: ReplicaSet) -> tuple[str, str, str]:
    cause: Any = replica_set.metadata.annotations.get("kubernetes.io/change-cause", "<none>")
    images = ",".join(one.image for one in replica_set.spec.template.spec.containers)
    return str(revision(replica_set)), cause, images
