"""Probes: startup holds back the others, readiness decides about traffic, liveness restarts (core/v1 Probe)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.cluster.kubelet.containers import ContainerRecord
from lab.cluster.runtime import ProbeResult
from lab.journal import Probed
from lab.kube.kinds.pod import Probe
from lab.settings import Settings

if TYPE_CHECKING:
    from lab.cluster.kubelet.pod_worker import PodWorker

_TITLE = {"startup": "Startup", "readiness": "Readiness", "liveness": "Liveness"}


def begin_probing(worker: PodWorker, record: ContainerRecord) -> None:
    """Start the probes of a container that has just started to run."""
    if record.spec.startup_probe is not None:
        ProbeLoop(worker, record, "startup", record.spec.startup_probe).begin()
    else:
        container_started(worker, record)


def container_started(worker: PodWorker, record: ContainerRecord) -> None:
    """The startup probe has succeeded, or there is none: the other two begin."""
    record.started = True
    if record.spec.readiness_probe is None:
        record.ready = True
    else:
        ProbeLoop(worker, record, "readiness", record.spec.readiness_probe).begin()
    if record.spec.liveness_probe is not None:
        ProbeLoop(worker, record, "liveness", record.spec.liveness_probe).begin()
    worker.changed()


class ProbeLoop:
    """One probe of one run of a container: sent every period, first after the initial delay."""

    __slots__ = ("_busy", "_count", "_kind", "_last", "_probe", "_record", "_run", "_verdict", "_worker")

    def __init__(self, worker: PodWorker, record: ContainerRecord, kind: str, probe: Probe) -> None:
        self._worker = worker
        self._record = record
        self._run = record.run
        self._kind = kind
        self._probe = probe
        self._busy = False
        self._last: bool | None = None
        self._count = 0
        self._verdict = kind == "liveness"

    def begin(self) -> None:
        """Send the first one when the container has run for the initial delay."""
        delay_s = _value(self._probe.initial_delay_seconds, self._settings.probe_initial_delay_s)
        ran_s = self._worker.clock.time() - (self._record.state.started_at or 0.0)
        self._worker.clock.after(delay_s - ran_s, self._send)

    @property
    def _settings(self) -> Settings:
        return self._worker.settings

    def _wanted(self) -> bool:
        record = self._record
        if not self._worker.alive or record.run != self._run or not record.running:
            return False
        # A Pod that is ending still tells whether it is ready; it is no longer restarted.
        return self._kind == "readiness" or not (self._worker.terminating or record.stopping)

    def _send(self) -> None:
        if not self._wanted():
            return
        worker, probe = self._worker, self._probe
        worker.clock.after(_value(probe.period_seconds, self._settings.probe_period_s), self._send)
        if self._busy:
            return
        result = worker.runtime.probe(worker.pod, self._record.spec.name, probe)
        timeout_s = _value(probe.timeout_seconds, self._settings.probe_timeout_s)
        if result.took_s > timeout_s:
            result = ProbeResult(False, f"context deadline exceeded (no answer within {timeout_s:g} s)", timeout_s)
        if result.took_s > 0:
            self._busy = True
            worker.clock.after(result.took_s, self._judge, result)
        else:
            self._judge(result)

    def _judge(self, result: ProbeResult) -> None:
        self._busy = False
        if not self._wanted():
            return
        if not result.success:
            message = f"{_TITLE[self._kind]} probe failed: {result.message}"
            self._worker.note("Unhealthy", message, type="Warning")
        self._count = self._count + 1 if result.success == self._last else 1
        self._last = result.success
        if self._count >= self._threshold(result.success) and (result.success != self._verdict or not result.success):
            self._decide(result)

    def _threshold(self, success: bool) -> int:
        if success:
            return self._probe.success_threshold or self._settings.probe_success_threshold
        return self._probe.failure_threshold or self._settings.probe_failure_threshold

    def _decide(self, result: ProbeResult) -> None:
        worker, record = self._worker, self._record
        if result.success != self._verdict or self._kind != "readiness":
            self._tell(result)
        self._verdict = result.success
        if self._kind == "readiness":
            if record.ready != result.success:
                record.ready = result.success
                worker.changed()
        elif not result.success:
            worker.restart_unhealthy(record, self._kind, self._probe.termination_grace_period_seconds)
        elif self._kind == "startup":
            self._run = -1  # this loop has done its work
            container_started(worker, record)

    def _tell(self, result: ProbeResult) -> None:
        worker = self._worker
        namespace, pod = worker.pod.key
        worker.journal.append(
            Probed(
                time=worker.clock.time(),
                namespace=namespace,
                pod=pod,
                container=self._record.spec.name,
                probe=self._kind,
                success=result.success,
                message=result.message,
            )
        )


def _value(given: float | None, default: float) -> float:
    return default if given is None else given
