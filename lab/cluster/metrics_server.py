"""metrics-server: asks every kubelet in turn what its containers use, and tells the rates between the last two times.

It also stands for an adapter that offers one custom metric of Pods, the requests a second that they answer, from
the same scrapes. https://github.com/kubernetes-sigs/metrics-server (pkg/storage, --metric-resolution)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import NamedTuple

from lab.clock import Clock
from lab.cluster.kubelet.kubelet import Kubelet
from lab.cluster.runtime import Usage
from lab.cluster.store import Store
from lab.kube.errors import LabError
from lab.kube.kinds.pod import Pod
from lab.settings import Settings

REQUESTS_PER_SECOND = "http_requests_per_second"
"""The custom metric of Pods that every cluster of the lab offers."""
_NANO = 1_000_000_000


class ContainerMetrics(NamedTuple):
    """What one container used of late."""

    cpu_milli: int
    """Thousandths of a core, rounded up as a quantity is."""
    memory_bytes: int
    requests_milli: int
    """Thousandths of a request a second."""


class PodMetrics(NamedTuple):
    """metrics.k8s.io/v1beta1 PodMetrics."""

    timestamp_s: float
    """When it was scraped, in virtual seconds."""
    window_s: float
    """The time before, over which CPU and requests are averaged."""
    containers: dict[str, ContainerMetrics]

    @property
    def cpu_milli(self) -> int:
        """Thousandths of a core, all containers together."""
        return sum(each.cpu_milli for each in self.containers.values())

    @property
    def memory_bytes(self) -> int:
        """All containers together."""
        return sum(each.memory_bytes for each in self.containers.values())

    @property
    def requests_milli(self) -> int:
        """Thousandths of a request a second, all containers together."""
        return sum(each.requests_milli for each in self.containers.values())


class MetricsServer:
    """The newest metrics of every Pod. Costs only for containers that have ever worked, however large the cluster."""

    def __init__(
        self, clock: Clock, settings: Settings, seed: int, store: Store, kubelets: Mapping[str, Kubelet]
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._store = store
        self._kubelets = kubelets
        self.phase_s = Random(f"{seed}/metrics-server").uniform(0.0, settings.metrics_resolution_s)
        """When the first scrape is, after the start."""
        self._nodes: dict[str, NodeScrapes] = {}

    def start(self) -> None:
        """Scrape from now on, first at a moment that the seed chooses."""
        if self._settings.metrics_server:
            self._clock.after(self.phase_s, self._tick)

    def pod(self, pod: Pod) -> PodMetrics | None:
        """The metrics of a Pod; None while there are none. Raises LabError in a cluster without metrics-server."""
        if not self._settings.metrics_server:
            raise LabError("the server could not find the requested resource (get pods.metrics.k8s.io)")
        kubelet, node = self._kubelets.get(pod.spec.node_name), self._nodes.get(pod.spec.node_name)
        if kubelet is None or node is None:
            return None
        return node.metrics(pod.metadata.uid, kubelet.usage(pod))

    def pods(self, pods: Iterable[Pod]) -> dict[str, PodMetrics]:
        """The metrics of those Pods of one namespace that have any, by name. Raises LabError as `pod` does."""
        found = {pod.name: self.pod(pod) for pod in pods}
        return {name: metrics for name, metrics in found.items() if metrics is not None}

    def node(self, name: str) -> tuple[int, int] | None:
        """Thousandths of a core and bytes that a node's Pods use; None while it cannot be scraped."""
        if name not in self._nodes:
            return None
        metrics = [found for pod in self._store.pods_on(name) if (found := self.pod(pod)) is not None]
        return sum(each.cpu_milli for each in metrics), sum(each.memory_bytes for each in metrics)

    def _tick(self) -> None:
        now = self._clock.time()
        for name, kubelet in self._kubelets.items():
            if kubelet.answers:
                node = self._nodes.setdefault(name, NodeScrapes(self._settings))
                node.scraped(now, {pod.metadata.uid: kubelet.usage(pod) for pod in kubelet.worked()})
            else:
                self._nodes.pop(name, None)
        self._clock.after(self._settings.metrics_resolution_s, self._tick)


class NodeScrapes:
    """The last two scrapes of one node. What they do not name had used nothing by then."""

    __slots__ = ("_before", "_before_s", "_last", "_last_s", "_settings")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._last: Mapping[str, Mapping[str, Usage]] = {}
        self._before: Mapping[str, Mapping[str, Usage]] = {}
        """By the Pod's uid, then by container."""
        self._last_s = self._before_s = float("-inf")

    def scraped(self, now: float, found: Mapping[str, Mapping[str, Usage]]) -> None:
        """The kubelet has answered."""
        self._before, self._before_s = self._last, self._last_s
        self._last, self._last_s = found, now

    def metrics(self, uid: str, running: Mapping[str, Usage]) -> PodMetrics | None:
        """The rates of a Pod whose containers use `running` by now; None when one has not been scraped twice."""
        last = self._last.get(uid)
        if last is None:
            last = {name: _idle(usage) for name, usage in running.items() if usage.started_s <= self._last_s}
        before = self._before.get(uid, {})
        windows = {name: self._window(usage, before.get(name)) for name, usage in last.items()}
        if not windows:
            return None
        found = {}
        for name, window in windows.items():
            if window is None:
                return None
            found[name] = _rates(window, last[name], self._last_s)
        return PodMetrics(self._last_s, self._last_s - max(w[0] for w in windows.values() if w is not None), found)

    def _window(self, usage: Usage, before: Usage | None) -> tuple[float, Usage] | None:
        """From when, and from what, a container is measured: the scrape before, or its start if that was lately."""
        if usage.started_s <= self._before_s:
            return self._before_s, before if before is not None else _idle(usage)
        settings, age_s = self._settings, self._last_s - usage.started_s
        if settings.metrics_fresh_container_s <= age_s < settings.metrics_resolution_s:
            return usage.started_s, _idle(usage)
        return None


def _idle(usage: Usage) -> Usage:
    """A container before it did anything."""
    return usage._replace(cpu_s=0.0, requests=0)


def _rates(window: tuple[float, Usage], last: Usage, now: float) -> ContainerMetrics:
    since_s, before = window
    took_s = now - since_s
    cores = round((last.cpu_s - before.cpu_s) / took_s * _NANO)
    requests = round((last.requests - before.requests) / took_s * _NANO)
    return ContainerMetrics(_milli(cores), last.memory_bytes, _milli(requests))


def _milli(nano: int) -> int:
    """Thousandths of what is given in billionths, rounded up (resource.Quantity.MilliValue)."""
    return -(-nano // 1_000_000)
