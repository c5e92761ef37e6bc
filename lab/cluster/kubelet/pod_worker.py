"""One Pod on its node: sandbox, init containers, containers, restarts, and what the API hears of it.

Tasks exist only while something is being started or stopped; a Pod that just runs costs a few callbacks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lab.cluster.kubelet.backoff import BackOff
from lab.cluster.kubelet.containers import ContainerRecord, records_of
from lab.cluster.kubelet.hooks import hook_result
from lab.cluster.kubelet.pod_ips import NoAddressError
from lab.cluster.kubelet.probes import begin_probing
from lab.cluster.kubelet.status import final_phase, pod_phase, pod_status
from lab.cluster.kubelet.termination import restart_container, stop_containers, terminate
from lab.kube.kinds.pod import Pod, PodIP, PodStatus
from lab.kube.time import go_duration

if TYPE_CHECKING:
    from lab.cluster.kubelet.kubelet import Kubelet


class PodWorker:
    """Brings one Pod up, keeps it running and takes it down."""

    __slots__ = (
        "_adopted",
        "_flushing",
        "_holds_address",
        "_kubelet",
        "_tasks",
        "alive",
        "clock",
        "containers",
        "initialized",
        "inits",
        "ips",
        "journal",
        "pod",
        "runtime",
        "settings",
        "start_time",
        "terminating",
    )

    def __init__(self, kubelet: Kubelet, pod: Pod) -> None:
        self._kubelet = kubelet
        self.clock = kubelet.clock
        self.journal = kubelet.journal
        self.runtime = kubelet.runtime
        self.settings = kubelet.settings
        self.pod = pod
        self.inits, self.containers = records_of(pod)
        self.ips: tuple[str, ...] = ()
        """One address of each family; none before there is a sandbox."""
        self.start_time = self.clock.time() if pod.status.start_time is None else pod.status.start_time
        self.initialized = False
        self.terminating = False
        self.alive = True
        self._adopted = bool(pod.status.pod_ip)
        self._flushing = False
        self._holds_address = False
        self._tasks: list[asyncio.Task[Any]] = []

    # -- from the kubelet --------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start the Pod, or, after the node was down, what is left of it."""
        if self.pod.terminating:
            self.spawn(terminate(self))
            return
        if self._adopted:
            self._adopt()
        self.spawn(self._bring_up())

    def update(self, pod: Pod) -> None:
        """The API has a newer version of the Pod."""
        gates = pod.spec.readiness_gates and pod.status.conditions != self.pod.status.conditions
        sooner = self._deadline_moved(pod)
        self.pod = self._with_address(pod)
        if pod.terminating and not self.terminating:
            self._end()
        elif sooner is not None:
            self.clock.at(sooner, self._kill_everything)
        elif gates:
            self.changed()
        if not self.terminating:
            self._take_images(pod)

    def _take_images(self, pod: Pod) -> None:
        """What runs with another image than it now should is restarted; what waits is started with the new one."""
        for record, spec in zip(self.containers, pod.spec.containers, strict=True):
            if record.spec.image == spec.image:
                continue
            record.spec = spec
            if record.running and not record.stopping:
                record.stopping = True
                self.note("Killing", f"Container {spec.name} definition changed, will be restarted")
                self.spawn(restart_container(self, record, self.grace_s))

    def removed(self) -> None:
        """The Pod was deleted without grace: its object is gone, its containers have a second."""
        if not self.terminating:
            self._end()
        self.clock.after(1.0, self._kill_everything)

    def abandon(self) -> None:
        """The node has lost power: everything stops here, in the middle of whatever it was."""
        self.alive = False
        self._cancel_tasks()
        self._release_address()

    def _cancel_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    def _with_address(self, pod: Pod) -> Pod:
        """What the runtime is shown: the API may not have heard of the address yet."""
        if not self.ips or pod.status.pod_ip == self.ips[0]:
            return pod
        pod_ips = tuple(PodIP(ip=ip) for ip in self.ips)
        return replace(pod, status=replace(pod.status, pod_ip=self.ips[0], pod_ips=pod_ips))

    # -- coming up ---------------------------------------------------------------------------------------------

    async def _bring_up(self) -> None:
        self.changed()
        await self._make_sandbox()
        for record in self.inits:
            if not await self._run_init(record):
                await self._finish()
                return
        self.initialized = True
        for record in self.containers:
            if record.state.state == "waiting":
                record.wait("ContainerCreating")
        self.changed()
        for record in self.containers:
            if not (record.state.state == "terminated" and not self._restarts(record)):
                await self._start_or_retry(record, record.run)

    def _adopt(self) -> None:
        now = self.clock.time()
        status = self.pod.status
        known = {entry.name: entry for entry in (*status.init_container_statuses, *status.container_statuses)}
        for record in (*self.inits, *self.containers):
            if record.spec.name in known:
                record.adopt(known[record.spec.name], now)
        self.note("SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")

    async def _make_sandbox(self) -> None:
        await asyncio.sleep(self.settings.sandbox_start_s)
        while not self.ips:
            try:
                self.ips = self._kubelet.take_addresses(self.pod)
            except NoAddressError as error:
                self.note("FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}", type="Warning")
                await asyncio.sleep(self.settings.crash_backoff_initial_s)
        self._holds_address = True
        self.pod = self._with_address(self.pod)
        self.changed()

    async def _run_init(self, record: ContainerRecord) -> bool:
        """An init container runs to its end; one that stays (a sidecar) only has to have started.

        False when it has failed, and the Pod with it.
        """
        while record.sidecar or not record.succeeded:
            while not await self._start(record):
                await asyncio.sleep(self._pull_failed(record))
            if record.sidecar:
                while not record.started:
                    await asyncio.sleep(self.settings.kubelet_status_latency_s)
                return True
            if not await self._initialize(record):
                return False
        return True

    async def _initialize(self, record: ContainerRecord) -> bool:
        """Wait for the end of an init container, and after a failure until it may be started again."""
        runs_s, exit_code = self.runtime.initializes(self.pod, record.spec)
        await asyncio.sleep(self.settings.init_container_run_s if runs_s is None else runs_s)
        now = self.clock.time()
        record.end(now, exit_code, "Error" if exit_code else "Completed")
        may_go_on = not exit_code or self.pod.spec.restart_policy != "Never"
        delay_s = self._back_off(record, now) if exit_code and may_go_on else 0.0
        self.changed()
        await asyncio.sleep(delay_s)
        return may_go_on

    async def _start_or_retry(self, record: ContainerRecord, run: int) -> None:
        if not await self._start(record):
            self.clock.after(self._pull_failed(record), self._retry, record, run)

    def _retry(self, record: ContainerRecord, run: int) -> None:
        if self.alive and not self.terminating and record.run == run and not record.running:
            self.spawn(self._start_or_retry(record, run))

    async def _start(self, record: ContainerRecord) -> bool:
        """Pull, create and start one container; False when its image cannot be had."""
        spec = record.spec
        if self._kubelet.images.needs_pull(spec):
            self.note("Pulling", f'Pulling image "{spec.image}"')
        pulled = await self._kubelet.images.pull(spec)
        if not pulled.ok:
            self.note(pulled.event, pulled.message, type="Warning")
            self.note("Failed", f"Error: {pulled.reason}", type="Warning")
            record.wait(pulled.reason, pulled.message)
            self.changed()
            return False
        record.pulls = None
        self.note("Pulled", pulled.message)
        await asyncio.sleep(self.settings.container_start_s)
        self.note("Created", f"Created container: {spec.name}")
        await self._run(record)
        return True

    async def _run(self, record: ContainerRecord) -> None:
        spec = record.spec
        run = record.begin(self.clock.time())
        self.note("Started", f"Started container {spec.name}")
        if not record.is_init or record.sidecar:
            self.pod = replace(self.pod, status=self._status(self.pod, self.phase))
            exited = self.clock.through(partial(self._exited, record, run))
            self.runtime.start(self.pod, spec, exited)
        self.changed()
        if spec.lifecycle is not None and spec.lifecycle.post_start is not None:
            result = hook_result(self.runtime, self.pod, spec.name, spec.lifecycle.post_start)
            await asyncio.sleep(result.took_s)
            if not result.success:
                self.note("FailedPostStartHook", f"PostStartHook failed: {result.message}", type="Warning")
                self.runtime.kill(self.pod, spec.name)
        if record.running and record.run == run and (not record.is_init or record.sidecar):
            begin_probing(self, record)

    # -- going wrong -------------------------------------------------------------------------------------------

    def _pull_failed(self, record: ContainerRecord) -> float:
        """The delay before the next attempt to pull, in seconds."""
        if record.pulls is None:
            record.pulls = BackOff()
        settings = self.settings
        delay_s = record.pulls.next(self.clock.time(), settings.pull_backoff_initial_s, settings.pull_backoff_max_s)
        if record.state.reason == "ErrImagePull":
            self.clock.after(settings.kubelet_status_latency_s * 2, self._back_off_pulling, record, record.run)
        return delay_s

    def _back_off_pulling(self, record: ContainerRecord, run: int) -> None:
        if not self.alive or record.run != run or record.state.reason != "ErrImagePull":
            return
        message = f'Back-off pulling image "{record.spec.image}"'
        record.wait("ImagePullBackOff", message)
        self.note("BackOff", message)
        self.note("Failed", "Error: ImagePullBackOff", type="Warning")
        self.changed()

    def _exited(self, record: ContainerRecord, run: int, exit_code: int, reason: str) -> None:
        if not self.alive or record.run != run or not record.running:
            return
        now = self.clock.time()
        record.end(now, exit_code, reason or ("Completed" if exit_code == 0 else "Error"))
        if not self.terminating:
            if self._restarts(record):
                self._restart(record, now)
            elif self.phase in ("Succeeded", "Failed"):
                self.spawn(self._finish())
        self.changed()

    def _restarts(self, record: ContainerRecord) -> bool:
        policy = "Always" if record.sidecar else self.pod.spec.restart_policy
        return policy == "Always" or (policy == "OnFailure" and not record.succeeded)

    def _restart(self, record: ContainerRecord, now: float) -> None:
        self.clock.after(self._back_off(record, now), self._retry, record, record.run)

    def _back_off(self, record: ContainerRecord, now: float) -> float:
        """How long a container that has failed waits for its next start, in seconds; says so when it has to."""
        if record.crashes is None:
            record.crashes = BackOff()
        settings = self.settings
        delay_s = record.crashes.after_crash(
            now, settings.crash_backoff_initial_s, settings.crash_backoff_max_s, settings.crash_backoff_reset_s
        )
        if delay_s:
            name, pod = record.spec.name, self.pod.metadata
            where = f"pod={pod.name}_{pod.namespace}({pod.uid})"
            message = f"back-off {go_duration(delay_s)} restarting failed container={name} {where}"
            record.wait("CrashLoopBackOff", message)
            self.note(
                "BackOff",
                f"Back-off restarting failed container {name} in pod {where.removeprefix('pod=')}",
                type="Warning",
            )
        return delay_s

    def restart_unhealthy(self, record: ContainerRecord, probe: str, grace_s: float | None) -> None:
        """A startup or liveness probe has given up on a container: stop it; the restart policy does the rest."""
        record.stopping = True
        self.note("Killing", f"Container {record.spec.name} failed {probe} probe, will be restarted")
        self.spawn(restart_container(self, record, self.grace_s if grace_s is None else grace_s))

    async def _finish(self) -> None:
        """Every container has ended for good: sidecars go, and so does the address."""
        await stop_containers(self, [record for record in self.inits if record.sidecar], self.grace_s)
        self._release_address()
        self.changed()

    # -- coming down -------------------------------------------------------------------------------------------

    @property
    def grace_s(self) -> float:
        """How long the Pod may take to end, in seconds."""
        meta, own = self.pod.metadata, self.pod.spec.termination_grace_period_seconds
        if meta.deletion_grace_period_seconds is not None:
            return meta.deletion_grace_period_seconds
        return self.settings.termination_grace_period_s if own is None else own

    def _end(self) -> None:
        self._cancel_tasks()
        self.terminating = True
        self.spawn(terminate(self))

    def _deadline_moved(self, pod: Pod) -> float | None:
        old, new = self.pod.metadata.deletion_timestamp, pod.metadata.deletion_timestamp
        return new if self.terminating and old is not None and new is not None and new < old else None

    def _kill_everything(self) -> None:
        if not self.alive:
            return
        for record in (*self.containers, *self.inits):
            if record.running:
                self.runtime.kill(self.pod, record.spec.name)

    def ended(self) -> None:
        """The last container is gone: say so, then let go of the address and the object."""
        self._write(final_phase(self.containers))
        self.alive = False
        self._release_address()
        self._kubelet.forget(self)

    def _release_address(self) -> None:
        if self._holds_address:
            self._holds_address = False
            self._kubelet.give_back_addresses(self.pod, self.ips)

    # -- telling -----------------------------------------------------------------------------------------------

    @property
    def phase(self) -> str:
        """The Pod's phase as its containers now are."""
        return pod_phase(self.pod, self.initialized, self.containers, self.inits)

    def changed(self) -> None:
        """Write the status to the API a little later, together with what else changes until then."""
        if not self._flushing:
            self._flushing = True
            self.clock.after(self.settings.kubelet_status_latency_s, self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self.alive:
            self._write(self.phase)

    def _write(self, phase: str) -> None:
        namespace, name = self.pod.key
        self._kubelet.write(
            partial(self._kubelet.store.mutate, Pod, name, namespace, partial(self._with_status, phase))
        )

    def _with_status(self, phase: str, pod: Pod) -> Pod:
        if pod.metadata.uid != self.pod.metadata.uid:
            return pod
        return replace(pod, status=self._status(pod, phase))

    def _status(self, pod: Pod, phase: str) -> PodStatus:
        return pod_status(
            pod,
            self.clock.time(),
            phase=phase,
            ips=self.ips,
            host_ip=self._kubelet.host_ip,
            start_time=self.start_time,
            initialized=self.initialized,
            inits=self.inits,
            containers=self.containers,
        )

    def note(self, reason: str, message: str, *, type: str = "Normal") -> None:
        """An event about this Pod."""
        note = partial(self._kubelet.store.note, self.pod, reason, message, type=type, component="kubelet")
        self._kubelet.write(note)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a task that ends with this worker at the latest."""
        namespace, name = self.pod.key
        task = self.clock.spawn(coroutine, f"kubelet pod {namespace}/{name}")
        self._tasks.append(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        if task in self._tasks:
            self._tasks.remove(task)
