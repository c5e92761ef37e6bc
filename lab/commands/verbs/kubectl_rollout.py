"""`kubectl rollout`: restart, status, pause, resume, undo, history."""

from __future__ import annotations

import msgspec

from lab.cluster.store import Change
from lab.commands.call import Call
from lab.commands.flags import IN_NAMESPACE
from lab.commands.registry import Flag, Parameter, command
from lab.commands.resources import Target, target_of
from lab.commands.rollouts import Revision, history_of
from lab.commands.values import COUNT, DURATION
from lab.commands.verbs.kubectl_change import with_template
from lab.kube.errors import LabError
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.pod import PodTemplateSpec
from lab.kube.time import to_rfc3339
from lab.views.rollout import Rolling, progress
from lab.views.table import table

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"

replace = msgspec.structs.replace
_DEPLOYMENT = target_of("Deployment")
_ROLLING = target_of("Deployment", "DaemonSet", "StatefulSet")


def _rolling(call: Call) -> Rolling:
    found = call.values["target"].obj
    assert isinstance(found, Rolling)
    return found


def _deployment(call: Call) -> Deployment:
    found = call.values["target"].obj
    assert isinstance(found, Deployment)
    return found


@command(
    "kubectl rollout restart",
    "Replace all Pods of a workload, as a rollout.",
    Parameter("target", _ROLLING),
    flags=(IN_NAMESPACE,),
    examples=("kubectl rollout restart deployment/web", "kubectl rollout restart daemonset/agent"),
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
    Parameter("target", _ROLLING),
    flags=(Flag("--timeout", "give up after this time", DURATION), IN_NAMESPACE),
    examples=("kubectl rollout status deployment/web", "kubectl rollout status daemonset/agent"),
)
def status(call: Call) -> None:
    """Print each new stage; ends when the rollout does."""
    target: Target = call.values["target"]
    wanted = _rolling(call)
    execution = call.execution
    call.running = True

    def look(workload: Rolling) -> None:
        now = progress(workload)
        if now.end != "failed" and now.text not in execution.output:
            call.say(now.text)
        if now.end:
            execution.finish("" if now.end == "complete" else f"error: {now.text}")

    def changed(change: Change) -> None:
        if change.object.metadata.uid != wanted.metadata.uid or execution.done:
            return
        if change.new is None:
            kind = target.resource.kind.lower()
            execution.finish(f'error: {kind} "{wanted.name}" was deleted while it rolled out')
        elif isinstance(change.new, Rolling):
            look(change.new)

    stop = call.store.subscribe(changed, type(wanted))
    execution.on_done.append(lambda _: stop())
    look(wanted)
    if call.get("timeout") is not None:
        call.engine.clock.after(call.get("timeout"), execution.finish, "error: timed out waiting for the condition")


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
    Parameter("target", _ROLLING),
    flags=(Flag("--to-revision", "which one; 0 is the one before", COUNT), IN_NAMESPACE),
    examples=("kubectl rollout undo deployment/web", "kubectl rollout undo deployment/web --to-revision=2"),
)
def undo(call: Call) -> None:
    """Write the Pod template of an earlier revision."""
    target: Target = call.values["target"]
    workload = _rolling(call)
    if isinstance(workload, Deployment) and workload.spec.paused:
        raise LabError('you cannot rollback a paused deployment; resume it first with "kubectl rollout resume"')
    earlier = _earlier(call, target, workload)
    if earlier.template == workload.spec.template:
        call.say(f"{target.name} skipped rollback (current template already matches revision {earlier.number})")
        return
    call.store.update(with_template(workload, lambda _: earlier.template))
    call.say(f"{target.name} rolled back")


def _earlier(call: Call, target: Target, workload: Rolling) -> Revision:
    wanted: int = call.get("to_revision", 0)
    found = history_of(workload, call.context)
    matching = [one for one in found if one.number == wanted] if wanted else found[1:]
    if not matching:
        what = f"revision {wanted}" if wanted else "rollout history"
        raise LabError(f'no {what} found for {target.resource.kind.lower()} "{workload.name}"')
    return matching[0]


@command(
    "kubectl rollout history",
    "The revisions of a workload that can be gone back to.",
    Parameter("target", _ROLLING),
    flags=(IN_NAMESPACE,),
    examples=("kubectl rollout history deployment/web",),
)
def history(call: Call) -> None:
    """Print the revisions with their images and change causes."""
    target: Target = call.values["target"]
    rows = [_history_row(one) for one in reversed(history_of(_rolling(call), call.context))]
    call.say(target.name, *table(("REVISION", "CHANGE-CAUSE", "IMAGES"), rows))


def _history_row(one: Revision) -> tuple[str, str, str]:
    images = ",".join(container.image for container in one.template.spec.containers)
    return str(one.number), one.cause, images
