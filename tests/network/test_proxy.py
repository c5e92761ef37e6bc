"""kube-proxy of a node: when it takes a newer table, and what a dead one leaves behind."""

from __future__ import annotations

import pytest

from lab.journal import ProxySynced
from tests.network.small_cluster import SmallCluster, endpoint


def syncs(cluster: SmallCluster, node: str) -> list[ProxySynced]:
    return [event for event in cluster.events(ProxySynced) if event.node == node]


def test_a_first_change_is_programmed_at_once_after_watch_and_sync() -> None:
    cluster = SmallCluster().run(5)
    cluster.service()
    cluster.run(3)
    event = syncs(cluster, "worker-1")[-1]
    assert 5 + 0.01 + 0.025 <= event.time <= 5 + 0.01 + 0.075
    assert event.changed == ("default/web",)


def test_further_changes_wait_for_the_minimum_sync_period() -> None:
    cluster = SmallCluster().run(5)
    cluster.service()
    cluster.run(0.2)
    for number in range(5):
        cluster.slice("web", *(endpoint(f"10.244.0.{ip}", 1) for ip in range(2, 4 + number)))
        cluster.run(0.1)
    cluster.run(3)
    times = [event.time for event in syncs(cluster, "worker-1") if event.time > 5]
    assert len(times) == 2
    assert times[1] - times[0] == pytest.approx(1.0, abs=0.06)
    rule = cluster.network.proxies["worker-1"].table.services["default/web"][0]
    assert len(rule.endpoints) == 6


def test_nodes_take_differently_long() -> None:
    cluster = SmallCluster(4).run(5)
    cluster.service()
    cluster.run()
    assert len({event.time for event in cluster.events(ProxySynced) if event.time > 5}) == 4


def test_all_nodes_share_one_table() -> None:
    cluster = SmallCluster(3).web()
    assert len({id(proxy.table) for proxy in cluster.network.proxies.values()}) == 1


def test_a_change_that_changes_no_rule_is_not_programmed() -> None:
    cluster = SmallCluster().web()
    before = len(cluster.events(ProxySynced))
    cluster.slice("web", endpoint("10.244.0.2", 1, "web-1"), endpoint("10.244.1.2", 2, "web-2"))
    cluster.slice("gone", endpoint("10.244.1.3", 2))
    cluster.run()
    assert len(cluster.events(ProxySynced)) == before


def test_a_dead_kube_proxy_keeps_its_rules_and_catches_up_when_it_starts() -> None:
    cluster = SmallCluster().web()
    proxy = cluster.network.proxies["worker-1"]
    table = proxy.table
    proxy.stop()
    cluster.slice("web", endpoint("10.244.0.2", 1, "web-1"))
    cluster.run(100)
    assert proxy.table is table
    assert cluster.network.proxies["worker-2"].table is not table
    proxy.start()
    cluster.run(0.2)
    assert proxy.table is cluster.network.proxies["worker-2"].table


def test_a_run_that_a_stop_interrupts_programs_nothing() -> None:
    cluster = SmallCluster().run(5)
    proxy = cluster.network.proxies["worker-1"]
    cluster.service()
    cluster.run(0.011)
    proxy.stop()
    cluster.run()
    assert proxy.table.version == 0


def test_health_needs_a_running_proxy() -> None:
    cluster = SmallCluster().run(100)
    proxy = cluster.network.proxies["worker-1"]
    assert proxy.healthy(cluster.clock.time())
    assert 70 < proxy.last_sync_s <= 100
    proxy.stop()
    assert not proxy.healthy(cluster.clock.time())
    assert proxy.healthz() is None
    assert proxy.last_sync_s <= 100


def test_the_past_tables_are_known() -> None:
    cluster = SmallCluster().web()
    proxy = cluster.network.proxies["worker-1"]
    since = proxy.table_since_s
    assert proxy.table_at(since).table is proxy.table
    assert proxy.table_at(since - 0.001).table is not proxy.table
    assert proxy.table_at(since - 0.001).since_s < since


def test_kube_proxy_does_not_start_without_power() -> None:
    cluster = SmallCluster().web()
    proxy = cluster.network.proxies["worker-1"]
    cluster.network.node_power("worker-1", False)
    proxy.start()
    assert not proxy.running
    cluster.network.node_power("worker-1", True)
    assert proxy.running


def test_it_is_healthy_for_two_sync_periods_after_its_last_run() -> None:
    cluster = SmallCluster().run(5)
    proxy = cluster.network.proxies["worker-1"]
    last_s = proxy.last_sync_s
    assert proxy.healthy(last_s + 60.0)
    assert not proxy.healthy(last_s + 60.1)
    cluster.run(300)
    assert cluster.clock.time() - proxy.last_sync_s < 30.0
    assert proxy.healthy(cluster.clock.time())
