"""Names: search path, caches, CoreDNS behind its own Service, and the public resolver."""

from __future__ import annotations

from typing import Any

import pytest

from lab.journal import Decision
from lab.kube.kinds.pod import Pod
from lab.network.dns import DnsAnswer
from lab.network.flow import Source
from lab.network.public_dns import outside_address
from tests.network.small_cluster import CLIENT, DNS_IP, LB_IP, WEB_IP, SmallCluster, endpoint

UDP_53 = [{"port": 53, "protocol": "UDP"}]


def cluster_with_dns(**settings: Any) -> tuple[SmallCluster, Source]:
    cluster = SmallCluster(**settings)
    cluster.pod("coredns-1", 2, "10.244.1.5", "kube-system")
    cluster.service("kube-dns", DNS_IP, "kube-system", ports=UDP_53)
    cluster.slice("kube-dns", endpoint("10.244.1.5", 2), namespace="kube-system", protocol="UDP", port=53)
    cluster.web()
    return cluster, cluster.pod("client", 1, "10.244.0.9")


def test_a_short_name_is_found_through_the_search_path() -> None:
    cluster, client = cluster_with_dns()
    answer = cluster.resolve(client, "web")
    assert (answer.outcome, answer.addresses) == ("ok", (WEB_IP,))
    assert answer.name == "web.default.svc.cluster.local"
    assert answer.queries == 1
    assert answer.took_s == pytest.approx(2 * (2 * 0.00002 + 2 * 0.0001) + 0.0003)


@pytest.mark.parametrize(
    ("host", "queries"), [("web.default", 2), ("web.default.svc", 3), ("web.default.svc.cluster.local", 4)]
)
def test_longer_names_go_through_more_of_the_search_path(host: str, queries: int) -> None:
    cluster, client = cluster_with_dns()
    answer = cluster.resolve(client, host)
    assert (answer.addresses, answer.queries) == ((WEB_IP,), queries)


def test_a_dot_at_the_end_or_a_lower_ndots_asks_directly() -> None:
    cluster, client = cluster_with_dns(dns_ndots=2)
    assert cluster.resolve(client, "web.default.svc.cluster.local.").queries == 1
    assert cluster.resolve(client, "web.default.svc.cluster.local").queries == 1


def test_a_short_name_of_another_namespace_is_not_found() -> None:
    cluster, _ = cluster_with_dns()
    other = cluster.pod("client", 1, "10.244.0.10", "shop")
    answer = cluster.resolve(other, "web")
    assert (answer.outcome, answer.addresses, answer.queries) == ("nxdomain", (), 4)
    assert cluster.resolve(other, "web.default").addresses == (WEB_IP,)


def test_queries_are_packets_to_the_dns_service() -> None:
    cluster, client = cluster_with_dns()
    cluster.resolve(client, "web")
    decision = cluster.events(Decision)[-1]
    assert (decision.dst_ip, decision.dst_port, decision.protocol) == (DNS_IP, 53, "UDP")
    assert (decision.service, decision.pod) == ("kube-system/kube-dns", "kube-system/coredns-1")


def test_answers_are_cached_for_their_ttl_and_then_come_at_once() -> None:
    cluster, client = cluster_with_dns()
    answers: list[DnsAnswer] = []
    cluster.resolve(client, "web", 10)
    cluster.network.resolve(client, "web", answers.append)
    assert [(answer.queries, answer.took_s) for answer in answers] == [(0, 0.0)]
    cluster.run(25)
    assert cluster.resolve(client, "web").queries == 1


def test_a_missing_name_is_remembered_for_a_shorter_time() -> None:
    cluster, client = cluster_with_dns()
    assert cluster.resolve(client, "wbe", 1).outcome == "nxdomain"
    assert cluster.resolve(client, "wbe", 6).queries == 0
    assert cluster.resolve(client, "wbe").queries == 4


def test_whoever_asks_for_the_same_name_meanwhile_shares_the_query() -> None:
    cluster, client = cluster_with_dns()
    answers: list[DnsAnswer] = []
    for _ in range(3):
        cluster.network.resolve(client, "web", answers.append)
    cluster.run(1)
    assert len(answers) == 3
    assert sum(decision.dst_port == 53 for decision in cluster.events(Decision)) == 1


def test_without_endpoints_the_node_refuses_every_query_at_once() -> None:
    cluster, client = cluster_with_dns()
    cluster.slice("kube-dns", namespace="kube-system", protocol="UDP")
    cluster.run()
    answer = cluster.resolve(client, "web")
    assert (answer.outcome, answer.queries, answer.ttl_s) == ("refused", 2, 0)
    assert answer.took_s < 0.001
    assert [asked.result for asked in answer.asked] == ["refused", "refused"]


def test_no_way_to_coredns_means_two_attempts_of_five_seconds() -> None:
    cluster, client = cluster_with_dns()
    cluster.network.topology.cut("worker-1", "worker-2")
    answer = cluster.resolve(client, "web")
    assert (answer.outcome, answer.took_s, answer.queries) == ("timeout", 10.0, 2)
    assert answer.ttl_s == 0


def test_a_coredns_pod_that_hangs_does_not_answer() -> None:
    cluster, client = cluster_with_dns()
    cluster.network.dns.serving = lambda pod: False
    assert cluster.resolve(client, "web").outcome == "timeout"


def test_a_second_attempt_can_succeed() -> None:
    cluster, client = cluster_with_dns()
    cluster.network.topology.cut("worker-1", "worker-2")
    answers: list[DnsAnswer] = []
    cluster.network.resolve(client, "web", answers.append)
    cluster.run(1)
    cluster.network.topology.heal("worker-1", "worker-2")
    cluster.run(10)
    assert [(answer.outcome, answer.queries) for answer in answers] == [("ok", 2)]
    assert answers[0].took_s > 5


def test_a_headless_service_is_its_ready_pods_in_turn() -> None:
    cluster, client = cluster_with_dns()
    cluster.service("db", "None")
    ready = [endpoint("10.244.0.20", 1), endpoint("10.244.1.20", 2, hostname="db-1")]
    cluster.slice("db", *ready, endpoint("10.244.1.21", 2, ready=False))
    firsts = [cluster.resolve(client, "db", 0.1).addresses for _ in range(4)]
    assert {frozenset(answer) for answer in firsts} == {frozenset(("10.244.0.20", "10.244.1.20"))}
    assert len({answer[0] for answer in firsts}) == 2
    assert cluster.resolve(client, "db-1.db").addresses == ("10.244.1.20",)
    assert cluster.resolve(client, "10-244-0-20.db").addresses == ("10.244.0.20",)


def test_an_external_name_is_another_name() -> None:
    cluster, client = cluster_with_dns()
    cluster.service("alias", "", type="ExternalName", externalName="web.default.svc.cluster.local")
    answer = cluster.resolve(client, "alias")
    assert (answer.addresses, answer.name) == ((WEB_IP,), "alias.default.svc.cluster.local")
    assert [record.type for record in answer.records] == ["CNAME", "A"]


def test_an_external_name_outside_is_asked_of_the_upstream() -> None:
    cluster, client = cluster_with_dns()
    cluster.service("away", "", type="ExternalName", externalName="db.example.com")
    answer = cluster.resolve(client, "away")
    assert (answer.outcome, answer.addresses) == ("ok", (outside_address("db.example.com"),))
    assert answer.records[0] == ("away.default.svc.cluster.local", "CNAME", "db.example.com", 30.0)
    assert answer.took_s > 2 * cluster.settings.link_internet_s
    assert cluster.resolve(client, "db.example.com").addresses == answer.addresses
    assert cluster.resolve(client, "other.example.com").outcome == "nxdomain"


@pytest.mark.parametrize(
    ("host", "address"), [("10.96.0.12", WEB_IP), ("localhost", "127.0.0.1"), ("legacy", "192.0.2.99")]
)
def test_addresses_and_the_hosts_file_need_no_query(host: str, address: str) -> None:
    cluster, _ = cluster_with_dns()
    client = cluster.pod("old", 1, "10.244.0.11", hostAliases=[{"ip": "192.0.2.99", "hostnames": ["legacy"]}])
    answers: list[DnsAnswer] = []
    cluster.network.resolve(client, host, answers.append)
    assert [(answer.addresses, answer.queries) for answer in answers] == [((address,), 0)]


def test_the_internet_knows_load_balancers_and_nodes_by_name() -> None:
    cluster, _ = cluster_with_dns()
    assert cluster.resolve(CLIENT, "web").outcome == "nxdomain"
    cluster.service("shop", "10.96.0.50", type="LoadBalancer", ingress=[LB_IP])
    cluster.service("pending", "10.96.0.51", type="LoadBalancer")
    assert cluster.resolve(CLIENT, "shop").addresses == (LB_IP,)
    assert cluster.resolve(CLIENT, "shop.default").addresses == (LB_IP,)
    assert cluster.resolve(CLIENT, "pending").outcome == "nxdomain"
    assert cluster.resolve(CLIENT, "worker-2").addresses == ("192.0.2.12",)
    firsts = [cluster.resolve(CLIENT, "nodes", 1).addresses[0] for _ in range(4)]
    assert sorted(set(firsts)) == ["192.0.2.11", "192.0.2.12"]


def test_a_node_does_not_use_the_clusters_dns() -> None:
    cluster, _ = cluster_with_dns()
    node = Source("node/worker-1", "172.18.0.11", "worker-1")
    assert cluster.resolve(node, "web.default.svc.cluster.local").outcome == "nxdomain"
    assert cluster.resolve(node, "worker-2").addresses == ("192.0.2.12",)


@pytest.mark.parametrize(
    ("spec", "uses"), [({}, True), ({"dnsPolicy": "Default"}, False), ({"hostNetwork": True}, False)]
)
def test_dns_policy_chooses_the_resolver(spec: dict[str, Any], uses: bool) -> None:
    cluster, _ = cluster_with_dns()
    source = cluster.pod("special", 1, "10.244.0.12", **spec)
    assert cluster.network.dns.uses_cluster_dns(source) is uses
    assert cluster.store.find(Pod, "special") is not None
