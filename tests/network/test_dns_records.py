"""What CoreDNS answers to every type of question, and what it makes of its upstream."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from lab.kube.kinds.namespace import Namespace
from lab.kube.meta import ObjectMeta
from lab.network.dns import DnsAnswer
from lab.network.dns_records import reverse_name, reversed_address
from lab.network.flow import Source
from tests.network.small_cluster import DNS_IP, WEB_IP, SmallCluster, endpoint
from tests.network.test_dns import UDP_53, cluster_with_dns

SVC = "default.svc.cluster.local"


def prepared(**settings: Any) -> tuple[SmallCluster, Source]:
    cluster, client = cluster_with_dns(**settings)
    cluster.store.create(Namespace(metadata=ObjectMeta(name="default")))
    cluster.service("db", "None", ports=[{"name": "sql", "port": 5432}])
    cluster.slice("db", endpoint("10.244.0.20", 1, hostname="db-0"), endpoint("10.244.1.20", 2))
    return cluster, client


def ask(cluster: SmallCluster, source: Source, name: str, type: str = "A", wait_s: float = 15.0) -> DnsAnswer:
    answers: list[DnsAnswer] = []
    cluster.network.dns.query(source, name, type, answers.append)
    cluster.run(wait_s)
    assert len(answers) == 1
    return answers[0]


@pytest.mark.parametrize(
    ("name", "type", "data"),
    [
        (f"web.{SVC}.", "A", [WEB_IP]),
        (f"WEB.{SVC}.", "A", [WEB_IP]),
        (f"_._tcp.web.{SVC}.", "SRV", [f"0 100 80 web.{SVC}"]),
        (f"web.{SVC}.", "SRV", [f"0 100 80 web.{SVC}"]),
        (f"db.{SVC}.", "SRV", [f"0 50 8080 db-0.db.{SVC}", f"0 50 8080 10-244-1-20.db.{SVC}"]),
        (f"db-0.db.{SVC}.", "A", ["10.244.0.20"]),
        ("12.0.96.10.in-addr.arpa.", "PTR", [f"web.{SVC}"]),
        ("20.0.244.10.in-addr.arpa.", "PTR", [f"db-0.db.{SVC}"]),
        ("10-244-1-7.default.pod.cluster.local.", "A", ["10.244.1.7"]),
        ("fd00--7.default.pod.cluster.local.", "AAAA", ["fd00::7"]),
    ],
)
def test_every_type_of_record(name: str, type: str, data: list[str]) -> None:
    cluster, client = prepared()
    assert [record.data for record in ask(cluster, client, name, type).records] == data


def test_a_headless_service_without_ports_has_addresses_and_no_srv_records() -> None:
    """CoreDNS gives such endpoints the port -1, and leaves them out of SRV (plugin/backend_lookup.go)."""
    cluster, client = prepared()
    cluster.service("plain", "None", ports=[])
    made = cluster.slice("plain", endpoint("10.244.0.21", 1))
    cluster.store.update(replace(made, ports=()))
    assert ask(cluster, client, f"plain.{SVC}.").addresses == ("10.244.0.21",)
    found = ask(cluster, client, f"plain.{SVC}.", "SRV")
    assert (found.outcome, found.records, found.extra) == ("nodata", (), ())


def test_srv_records_bring_the_addresses_of_their_targets() -> None:
    cluster, client = prepared()
    extra = ask(cluster, client, f"db.{SVC}.", "SRV").extra
    assert [(record.name, record.data) for record in extra] == [
        (f"db-0.db.{SVC}", "10.244.0.20"),
        (f"10-244-1-20.db.{SVC}", "10.244.1.20"),
    ]


@pytest.mark.parametrize(
    ("name", "type", "outcome"),
    [
        (f"web.{SVC}.", "AAAA", "nodata"),
        (f"web.{SVC}.", "CNAME", "nodata"),
        (f"{SVC}.", "A", "nodata"),
        ("svc.cluster.local.", "A", "nodata"),
        ("cluster.local.", "A", "nodata"),
        ("nowhere.svc.cluster.local.", "A", "nxdomain"),
        (f"_http._tcp.web.{SVC}.", "SRV", "nxdomain"),
        (f"10-244-0-20.db.{SVC}.", "A", "nxdomain"),
        (f"a.b.c.web.{SVC}.", "A", "nxdomain"),
        ("10-244-1-7.nowhere.pod.cluster.local.", "A", "nxdomain"),
        ("no-address.default.pod.cluster.local.", "A", "nxdomain"),
        ("1.2.3.4.in-addr.arpa.", "PTR", "nxdomain"),
    ],
)
def test_a_name_without_such_a_record_is_not_the_same_as_no_name(name: str, type: str, outcome: str) -> None:
    cluster, client = prepared()
    assert ask(cluster, client, name, type).outcome == outcome


def test_a_headless_service_without_ready_pods_has_no_name_unless_it_publishes_them() -> None:
    cluster, client = prepared()
    cluster.service("new", "None")
    cluster.slice("new", endpoint("10.244.0.30", 1, hostname="new-0", ready=False))
    assert ask(cluster, client, f"new.{SVC}.").outcome == "nxdomain"
    assert ask(cluster, client, f"new-0.new.{SVC}.").outcome == "nxdomain"
    # publishNotReadyAddresses makes the EndpointSlice controller write them as ready.
    cluster.slice("new", endpoint("10.244.0.30", 1, hostname="new-0", ready=True, serving=False))
    cluster.run(30)
    assert ask(cluster, client, f"new-0.new.{SVC}.").addresses == ("10.244.0.30",)


def test_a_service_of_both_families_has_both_kinds_of_address() -> None:
    cluster, client = prepared()
    cluster.service("both", "10.96.0.20", clusterIPs=["10.96.0.20", "fd00:96::20"])
    assert ask(cluster, client, f"both.{SVC}.").addresses == ("10.96.0.20",)
    assert ask(cluster, client, f"both.{SVC}.", "AAAA").addresses == ("fd00:96::20",)
    pod = cluster.pod("dual", 1, "10.244.0.40")
    assert cluster.resolve(pod, "both").addresses == ("10.96.0.20",)


def test_aliases_that_lead_in_a_circle_end() -> None:
    cluster, client = prepared()
    for name, target in (("a", "b"), ("b", "a")):
        cluster.service(name, "", type="ExternalName", externalName=f"{target}.{SVC}")
    assert ask(cluster, client, f"a.{SVC}.").outcome == "nodata"


@pytest.mark.parametrize("ip", ["10.96.0.12", "fd00:96::a"])
def test_reverse_names_stand_for_their_address(ip: str) -> None:
    assert reversed_address(reverse_name(ip)) == ip


def test_what_is_no_reverse_name_stands_for_nothing() -> None:
    assert reversed_address("a.b.c.d.in-addr.arpa") == ""
    assert reversed_address("1.2.3.in-addr.arpa") == ""
    assert reversed_address("web.default.svc.cluster.local") == ""


# -- caches ------------------------------------------------------------------------------------------------------


def test_each_coredns_pod_remembers_what_it_has_answered() -> None:
    cluster, client = prepared()
    first = ask(cluster, client, "web", wait_s=10)
    again = ask(cluster, client, "web", wait_s=21)
    late = ask(cluster, client, "web")
    assert [answer.asked[0].cached for answer in (first, again, late)] == [False, True, False]
    assert again.ttl_s == pytest.approx(20, abs=0.01)
    assert late.ttl_s == 30


def test_a_denial_outlives_the_creation_of_the_name() -> None:
    cluster, client = prepared()
    assert ask(cluster, client, f"soon.{SVC}.", wait_s=1).outcome == "nxdomain"
    cluster.service("soon", "10.96.0.77")
    assert ask(cluster, client, f"soon.{SVC}.", wait_s=28).outcome == "nxdomain"
    assert ask(cluster, client, f"soon.{SVC}.", wait_s=28).outcome == "nxdomain"
    assert ask(cluster, client, f"soon.{SVC}.").addresses == ("10.96.0.77",)


def test_shorter_denials_and_a_corefile_that_keeps_the_own_zone_out_of_the_cache() -> None:
    for settings, wait_s in (({"dns_cache_denial_s": 5.0}, 5.1), ({"dns_cache_cluster_zone": False}, 0.1)):
        cluster, client = prepared(**settings)
        ask(cluster, client, f"soon.{SVC}.", wait_s=wait_s)
        cluster.service("soon", "10.96.0.77")
        assert ask(cluster, client, f"soon.{SVC}.").addresses == ("10.96.0.77",)


def test_two_replicas_may_give_two_answers() -> None:
    cluster, client = prepared()
    cluster.pod("coredns-2", 1, "10.244.0.5", "kube-system")
    ask(cluster, client, f"soon.{SVC}.", wait_s=1)
    cluster.service("soon", "10.96.0.77")
    cluster.slice(
        "kube-dns",
        endpoint("10.244.1.5", 2),
        endpoint("10.244.0.5", 1),
        namespace="kube-system",
    )
    cluster.run()
    answers = {
        (a.asked[0].server, a.outcome) for a in (ask(cluster, client, f"soon.{SVC}.", wait_s=0.5) for _ in range(9))
    }
    assert answers == {("kube-system/coredns-1", "nxdomain"), ("kube-system/coredns-2", "ok")}


# -- an upstream that is broken --------------------------------------------------------------------------------


def test_an_upstream_that_is_silent_costs_six_seconds_and_then_two_an_attempt() -> None:
    cluster, client = prepared()
    cluster.network.dns.upstream_up = False
    first, second = (ask(cluster, client, "worker-1.", wait_s=20) for _ in range(2))
    assert [asked.result for asked in first.asked] == ["timeout", "SERVFAIL"]
    assert (first.outcome, second.outcome) == ("servfail", "servfail")
    assert first.took_s == pytest.approx(6, abs=0.01)
    assert second.took_s == pytest.approx(4, abs=0.01)
    assert ask(cluster, client, "web").outcome == "ok"
    cluster.network.dns.upstream_up = True
    assert ask(cluster, client, "worker-1.").addresses == ("192.0.2.11",)


def test_an_upstream_that_says_servfail_is_believed_for_five_seconds() -> None:
    cluster, client = prepared(dns_upstream="servfail")
    answer = ask(cluster, client, "worker-1.", wait_s=1)
    assert (answer.outcome, [asked.cached for asked in answer.asked]) == ("servfail", [False, True])
    cluster.network.dns.upstream_up = True
    assert ask(cluster, client, "worker-1.", wait_s=5).outcome == "servfail"
    assert ask(cluster, client, "worker-1.").outcome == "ok"


def test_a_coredns_node_without_the_internet_has_no_upstream_and_neither_has_a_node() -> None:
    cluster, client = prepared()
    cluster.network.topology.cut("worker-2", "internet")
    assert ask(cluster, client, "worker-1.", wait_s=30).outcome == "servfail"
    lonely = Source("node/worker-2", "172.18.0.12", "worker-2")
    answer = cluster.resolve(lonely, "worker-1")
    assert (answer.outcome, answer.took_s, answer.queries) == ("timeout", 10, 2)


# -- resolv.conf -----------------------------------------------------------------------------------------------


def test_dns_config_overrides_the_policy() -> None:
    cluster, _ = prepared()
    config = {"options": [{"name": "ndots", "value": "2"}, {"name": "attempts", "value": "1"}], "searches": ["corp."]}
    client = cluster.pod("tuned", 1, "10.244.0.50", dnsConfig=config)
    assert cluster.network.dns.search_names(client, "a.b.c")[0] == "a.b.c"
    assert cluster.network.dns.search_names(client, "a")[-2:] == ["a.corp", "a"]
    alone = cluster.pod("alone", 1, "10.244.0.51", dnsPolicy="None", dnsConfig={"nameservers": [DNS_IP]})
    assert ask(cluster, alone, f"web.{SVC}").addresses == (WEB_IP,)
    assert ask(cluster, alone, "web").outcome == "nxdomain"
    nobody = cluster.pod("nobody", 1, "10.244.0.52", dnsPolicy="None")
    assert ask(cluster, nobody, "web").outcome == "refused"


def test_the_second_name_server_is_asked_when_the_first_does_not_answer() -> None:
    cluster, _ = prepared()
    config = {"nameservers": ["10.244.9.9", DNS_IP]}
    client = cluster.pod("twice", 1, "10.244.0.53", dnsPolicy="None", dnsConfig=config)
    answer = ask(cluster, client, f"web.{SVC}")
    assert (answer.outcome, [asked.result for asked in answer.asked]) == ("ok", ["timeout", "NOERROR"])
    assert answer.took_s == pytest.approx(5, abs=0.01)


def test_a_pod_knows_its_own_name_from_its_hosts_file() -> None:
    cluster, client = prepared()
    assert cluster.network.dns.hosts_entry(client, "client") == "10.244.0.9"
    assert cluster.network.dns.hosts_entry(client, "web") == ""


def test_a_question_that_is_repeated_stays_on_its_conntrack_entry() -> None:
    cluster, client = prepared()
    cluster.pod("coredns-2", 1, "10.244.0.5", "kube-system")
    cluster.service("dns-2", "10.96.0.99", "kube-system", ports=UDP_53)
    hung = "kube-system/coredns-1"
    cluster.network.dns.serving = lambda pod: pod != hung
    answer = ask(cluster, client, "web")
    assert (answer.outcome, answer.queries) == ("timeout", 2)
    decisions = [event for event in cluster.journal.read().events if getattr(event, "dst_port", 0) == 53]
    assert len(decisions) == 1
