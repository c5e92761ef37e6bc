"""How containers end: preStop inside the grace period, SIGTERM, and SIGKILL for what is still there (pod-lifecycle)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from lab.cluster.kubelet.containers import ContainerRecord
from lab.cluster.kubelet.hooks import hook_result

if TYPE_CHECKING:
    from lab.cluster.kubelet.pod_worker import PodWorker


async def terminate(worker: PodWorker) -> None:
    """End a Pod: its containers side by side, and its sidecars one by one, last one first (KEP-753).

    Every preStop hook begins at once; a sidecar's SIGTERM waits for those before it (kuberuntime, killContainer).
    """
    worker.terminating = True
    order = [worker.containers, *([record] for record in reversed(worker.inits))]
    for record in (record for records in order for record in records if record.running):
        worker.note("Killing", f"Stopping container {record.spec.name}")
    grace_s, before = worker.grace_s, tuple[asyncio.Task[None], ...]()
    async with asyncio.TaskGroup() as group:
        for records in order:
            before += tuple([group.create_task(_stop(worker, record, grace_s, before)) for record in records])
    await asyncio.sleep(worker.settings.kubelet_status_latency_s)
    worker.ended()


async def stop_containers(worker: PodWorker, records: Sequence[ContainerRecord], grace_s: float) -> None:
    """Stop what runs of `records`, all at the same time."""
    running = [record for record in records if record.running]
    for record in running:
        worker.note("Killing", f"Stopping container {record.spec.name}")
    async with asyncio.TaskGroup() as group:
        for record in running:
            group.create_task(_stop(worker, record, grace_s))


async def restart_container(worker: PodWorker, record: ContainerRecord, grace_s: float) -> None:
    """Stop one container of a Pod that goes on."""
    await _stop(worker, record, grace_s)


async def _stop(
    worker: PodWorker, record: ContainerRecord, grace_s: float, before: Collection[asyncio.Task[None]] = ()
) -> None:
    """Stop one container, once those `before` it have ended or the grace is over."""
    deadline = worker.clock.time() + grace_s
    if not record.running:
        return
    if record.is_init and not record.sidecar:
        record.end(worker.clock.time(), 137, "Error")  # the kubelet itself ran it
        return
    record.ended = ended = worker.clock.create_future()
    await _pre_stop(worker, record, ended, grace_s)
    waiting = [task for task in before if not task.done()]
    if waiting and not ended.done():
        await asyncio.wait(waiting, timeout=max(deadline - worker.clock.time(), 0.0))
    if ended.done():
        return
    left_s = max(deadline - worker.clock.time(), worker.settings.sigkill_extension_s)
    worker.runtime.stop(worker.pod, record.spec.name)
    try:
        async with asyncio.timeout(left_s):
            await ended
    except TimeoutError:
        worker.runtime.kill(worker.pod, record.spec.name)


async def _pre_stop(worker: PodWorker, record: ContainerRecord, ended: asyncio.Future[None], grace_s: float) -> None:
    lifecycle = record.spec.lifecycle
    if lifecycle is None or lifecycle.pre_stop is None or grace_s <= 0:
        return
    result = hook_result(worker.runtime, worker.pod, record.spec.name, lifecycle.pre_stop)
    if not result.success or result.took_s > grace_s:
        why = result.message or f"still running after {grace_s:g} s"
        worker.note("FailedPreStopHook", f"PreStopHook failed: {why}", type="Warning")
    if result.took_s > 0:
        await asyncio.wait([ended], timeout=min(result.took_s, grace_s))
