"""`kubectl drain`: cordon a node, evict its Pods, and wait until they are gone (k8s.io/kubectl/pkg/drain)."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from lab.cluster.errors import NotFound, StoreError, TooManyRequests
from lab.cluster.eviction import evict
from lab.commands.call import Call
from lab.commands.drainable import Options, Selection, select
from lab.commands.fault import fault
from lab.commands.registry import Flag, Parameter, Place
from lab.commands.resources import NODE
from lab.commands.values import DURATION, SECONDS, SELECTOR
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.selector import matches
from lab.kube.time import go_duration


@fault(
    "kubectl drain",
    "Let no new Pods onto a node and evict those on it, as their disruption budgets allow.",
    Parameter("node", NODE),
    undo="kubectl uncordon",
    places=(
        Place("Node", "Drain: its Pods are evicted, and none may come", words="{name}", options="--ignore-daemonsets"),
    ),
    flags=(
        Flag("--ignore-daemonsets", "leave the Pods of DaemonSets where they are; without it they are an error"),
        Flag("--force", "evict Pods without a controller, which nobody will put back"),
        Flag("--delete-emptydir-data", "evict Pods with emptyDir volumes, whose data is lost"),
        Flag("--grace-period", "seconds between SIGTERM and SIGKILL; the Pods' own when it is left out", SECONDS),
        Flag("--timeout", "give up after this time; never when it is left out", DURATION),
        Flag("--pod-selector", "only Pods with these labels", SELECTOR),
        Flag("--disable-eviction", "delete Pods instead of evicting them: disruption budgets are not asked"),
    ),
    examples=(
        "kubectl drain worker-1 --ignore-daemonsets",
        "kubectl drain worker-1 --ignore-daemonsets --force --timeout=60s",
    ),
)
def drain(call: Call) -> str:
    """Cordon at once; the rest goes on while the clock runs."""
    node = call.values["node"].obj
    assert isinstance(node, Node)
    if node.spec.unschedulable:
        call.say(f"node/{node.name} already cordoned")
    else:
        call.store.update(replace(node, spec=replace(node.spec, unschedulable=True)))
        call.say(f"node/{node.name} cordoned")
    call.running = True
    drainage = Drainage(call, node.name)
    call.engine.clock.spawn(drainage.run(), f"kubectl drain {node.name}")
    return node.name


class Drainage:
    """One `kubectl drain` at work."""

    def __init__(self, call: Call, node: str) -> None:
        self._call = call
        self._node = node
        self._clock = call.engine.clock
        self._settings = call.engine.spec.settings
        self._timeout_s: float | None = call.get("timeout") or None
        self._begun_s = self._clock.time()

    async def run(self) -> None:
        """Evict what is to go; ends the command."""
        selection = self._selection()
        if selection.errors:
            self._give_up(selection.errors)
            return
        if selection.warnings:
            self._call.say(f"Warning: {'; '.join(selection.warnings)}")
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._take(pod)) for pod in selection.pods]
        errors = [error for error in (task.result() for task in tasks) if error]
        if not errors:
            self._call.say(f"node/{self._node} drained")
            self._call.execution.finish()
            return
        self._say_pending(errors)
        self._give_up(errors)

    def _selection(self) -> Selection:
        call = self._call
        chosen = call.get("pod_selector")
        pods = sorted(call.store.pods_on(self._node), key=lambda pod: pod.key)
        asked = [pod for pod in pods if chosen is None or matches(chosen, pod.metadata.labels)]
        allowed = (bool(call.get(name)) for name in Options._fields)
        return select(call.store, asked, Options(*allowed))

    async def _take(self, pod: Pod) -> str:
        """Evict one Pod and wait until it is gone; what went wrong, or nothing."""
        error = await self._evict(pod)
        if error is None:
            return await self._gone(pod)
        return error

    async def _evict(self, pod: Pod) -> str | None:
        """Ask until the eviction is granted; None when it is, and else what went wrong, which may be nothing."""
        where = f'pods/"{pod.name}" -n "{pod.namespace}"'
        while True:
            self._call.say(f"evicting pod {pod.namespace}/{pod.name}")
            if self._timed_out():
                return f"error when evicting {where}: {self._timeout_text()}"
            try:
                self._end(pod)
            except NotFound:
                return ""
            except TooManyRequests as error:
                retry_s = self._settings.drain_retry_s
                self._call.say(f"error when evicting {where} (will retry after {go_duration(retry_s)}): {error}")
                await asyncio.sleep(retry_s)
            except StoreError as error:
                return f"error when evicting {where}: {error}"
            else:
                return None

    def _end(self, pod: Pod) -> None:
        store, grace_s = self._call.store, self._call.get("grace_period")
        if self._call.get("disable_eviction"):
            store.delete(Pod, pod.name, pod.namespace, grace_s)
        else:
            evict(store, self._clock.time(), pod, grace_s)

    async def _gone(self, pod: Pod) -> str:
        while True:
            found = self._call.store.find(Pod, pod.name, pod.namespace)
            if found is None or found.metadata.uid != pod.metadata.uid:
                self._call.say(f"pod/{pod.name} {'deleted' if self._call.get('disable_eviction') else 'evicted'}")
                return ""
            if self._timed_out():
                where = f'pod "{pod.name}" in namespace "{pod.namespace}"'
                return f"error when waiting for {where} to terminate: {self._timeout_text()}"
            await asyncio.sleep(self._settings.drain_poll_s)

    def _timed_out(self) -> bool:
        return self._timeout_s is not None and self._clock.time() >= self._begun_s + self._timeout_s

    def _timeout_text(self) -> str:
        return f"global timeout reached: {go_duration(self._timeout_s or 0.0)}"

    def _say_pending(self, errors: list[str]) -> None:
        pending = self._selection().pods
        if pending:
            said = f'There are pending pods in node "{self._node}" when an error occurred: {_aggregate(errors)}'
            self._call.say(said, *(f"pod/{pod.name}" for pod in pending))

    def _give_up(self, errors: list[str]) -> None:
        said = f'unable to drain node "{self._node}" due to error: {_aggregate(errors)}, continuing command...'
        self._call.say(f"error: {said}", "There are pending nodes to be drained:", f" {self._node}")
        self._call.execution.finish("error: " + "\n".join(errors))


def _aggregate(errors: list[str]) -> str:
    """Several errors as Go prints them together."""
    return errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]"
