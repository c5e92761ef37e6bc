"""metrics-server: what it says of a Pod between two scrapes, and when it says nothing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lab.cluster.metrics_server import ContainerMetrics, PodMetrics
from lab.cluster.runtime import Usage
from lab.kube.errors import LabError
from lab.kube.kinds.pod import Pod
from lab.settings import Settings
from tests.cluster.small_cluster import SmallCluster, app

MEBI = 1024 * 1024


class Scraped(SmallCluster):
    """One node with the Pod `web`. Moments are told as if it were scraped at 10, 25, 40 s and so on, at 100 and 115."""

    def __init__(self, **settings: float) -> None:
        super().__init__(settings=Settings(**settings))  # type: ignore[arg-type]
        self.add_pod()

    def moment(self, told_s: float) -> float:
        return told_s - 10.0 + self.plane.metrics.phase_s

    def until(self, moment: float) -> None:
        super().until(self.moment(moment))

    def use(self, cpu_s: float, requests: int = 0, *, started_s: float = 20.0, container: str = "app") -> None:
        """From now on this is what the container has used since it started."""
        usage = Usage(self.moment(started_s), cpu_s, 64 * MEBI, requests)
        self.runtime.used["default", "web", container] = usage

    @property
    def metrics(self) -> PodMetrics | None:
        return self.plane.metrics.pod(self.pod())


def test_the_rate_is_what_was_used_between_the_last_two_scrapes():
    cluster = Scraped()
    cluster.use(1.0, 10)
    cluster.until(101.0)
    cluster.use(4.0, 40)
    cluster.until(116.0)
    expected = ContainerMetrics(cpu_milli=200, memory_bytes=64 * MEBI, requests_milli=2000)
    assert cluster.metrics == PodMetrics(cluster.moment(115.0), 15.0, {"app": expected})


def test_what_happens_after_a_scrape_is_not_seen_before_the_next():
    cluster = Scraped()
    cluster.use(1.0)
    cluster.until(116.0)
    cluster.use(16.0)
    cluster.until(129.9)
    assert cluster.metrics is not None
    assert cluster.metrics.cpu_milli == 0
    cluster.until(130.1)
    assert cluster.metrics.cpu_milli == 1000


def test_milli_figures_are_rounded_up_as_quantities_are():
    cluster = Scraped()
    cluster.use(0.0)
    cluster.until(101.0)
    cluster.use(0.0000001)
    cluster.until(116.0)
    assert cluster.metrics is not None
    assert cluster.metrics.cpu_milli == 1


@pytest.mark.parametrize(("age_s", "window_s"), [(9.9, None), (10.0, 10.0), (14.0, 14.0), (15.0, 15.0), (16.0, 15.0)])
def test_a_new_container_is_measured_from_its_start_once_it_is_ten_seconds_old(age_s, window_s):
    cluster = Scraped()
    cluster.until(114.0)
    cluster.use(5.0, started_s=115.0 - age_s)
    cluster.until(116.0)
    found = cluster.metrics
    assert (found.window_s if found is not None else None) == (pytest.approx(window_s) if window_s else None)


def test_a_container_that_started_again_since_is_measured_from_its_new_start():
    cluster = Scraped()
    cluster.use(50.0)
    cluster.until(103.0)
    cluster.use(2.4, started_s=103.0)
    cluster.until(116.0)
    assert cluster.metrics is not None
    assert (cluster.metrics.window_s, cluster.metrics.cpu_milli) == (pytest.approx(12.0), 200)


def test_a_pod_has_no_metrics_while_one_of_its_containers_has_none():
    cluster = Scraped()
    cluster.store.delete(Pod, "web", grace_s=0)
    cluster.add_pod(app(), app(name="side"))
    cluster.use(1.0)
    cluster.use(1.0, started_s=110.0, container="side")
    cluster.until(116.0)
    assert cluster.metrics is None
    cluster.until(131.0)
    assert cluster.metrics is not None
    assert (sorted(cluster.metrics.containers), cluster.metrics.memory_bytes) == (["app", "side"], 128 * MEBI)


def test_two_scrapes_of_an_old_container_are_needed():
    cluster = Scraped()
    cluster.use(5.0, started_s=-100.0)
    cluster.until(11.0)
    assert cluster.metrics is None
    cluster.until(26.0)
    assert cluster.metrics is not None


def test_a_node_without_power_has_no_metrics_and_needs_two_scrapes_when_it_is_back():
    cluster = Scraped()
    cluster.use(5.0)
    cluster.until(101.0)
    cluster.lose(1)
    cluster.until(116.0)
    assert cluster.metrics is None
    assert cluster.plane.metrics.node("worker-1") is None
    cluster.plane.kubelets["worker-1"].power_on()
    cluster.until(131.0)
    assert cluster.metrics is None
    cluster.until(146.0)
    assert cluster.metrics is not None


def test_a_node_uses_what_its_pods_use_in_every_namespace():
    cluster = Scraped()
    pod = cluster.pod()
    cluster.store.create(replace(pod, metadata=replace(pod.metadata, namespace="shop")))
    cluster.use(1.0)
    cluster.runtime.used["shop", "web", "app"] = Usage(cluster.moment(20.0), 0.0, MEBI)
    cluster.until(101.0)
    cluster.use(4.0)
    cluster.until(116.0)
    assert cluster.plane.metrics.node("worker-1") == (200, 65 * MEBI)


def test_the_time_between_scrapes_is_a_setting():
    cluster = Scraped(metrics_resolution_s=60.0)
    cluster.use(1.0)
    cluster.until(71.0)
    cluster.use(61.0)
    cluster.until(131.0)
    assert cluster.metrics is not None
    assert (cluster.metrics.window_s, cluster.metrics.cpu_milli) == (60.0, 1000)


def test_a_cluster_without_metrics_server_says_so():
    cluster = Scraped(metrics_server=False)
    cluster.until(116.0)
    with pytest.raises(LabError, match=r"could not find the requested resource \(get pods.metrics.k8s.io\)"):
        assert cluster.metrics
