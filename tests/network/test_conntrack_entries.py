"""`conntrack -L`: states, timers and tuples of a node's entries."""

from __future__ import annotations

from lab.kube.kinds.pod import Pod
from tests.network.small_cluster import CLIENT, WEB_IP, SmallCluster, endpoint


def lines(cluster: SmallCluster, node: str = "worker-1") -> list[str]:
    return [str(entry) for entry in cluster.network.conntrack(node)]


def states(cluster: SmallCluster, node: str = "worker-1") -> list[tuple[str, int]]:
    return [(entry.state, round(entry.left_s)) for entry in cluster.network.conntrack(node)]


def one_pod() -> SmallCluster:
    cluster = SmallCluster().web()
    cluster.slice("web", endpoint("10.244.1.2", 2, "web-2"))
    return cluster.run()


def test_a_connection_from_its_syn_to_time_wait() -> None:
    cluster = one_pod()
    flow = cluster.connect(cluster.pod("client", 1, "10.244.0.9"))
    assert lines(cluster) == [
        "tcp      6 120 SYN_SENT src=10.244.0.9 dst=10.96.0.12 sport=32768 dport=80 [UNREPLIED] "
        "src=10.244.1.2 dst=10.244.0.9 sport=8080 dport=32768 mark=0 use=1"
    ]
    cluster.run(1)
    assert lines(cluster) == [
        "tcp      6 86399 ESTABLISHED src=10.244.0.9 dst=10.96.0.12 sport=32768 dport=80 "
        "src=10.244.1.2 dst=10.244.0.9 sport=8080 dport=32768 [ASSURED] mark=0 use=1"
    ]
    cluster.network.close(flow)
    assert states(cluster) == [("TIME_WAIT", 120)]
    cluster.run(120)
    assert states(cluster) == []
    assert lines(cluster, "worker-2") == lines(cluster, "nobody") == []


def test_with_masquerade_replies_come_to_the_node() -> None:
    cluster = SmallCluster().web(type="NodePort", ports=[{"port": 80, "nodePort": 30080}])
    cluster.slice("web", endpoint("10.244.1.2", 2, "web-2"))
    cluster.run()
    cluster.connect(CLIENT, "192.0.2.11", 30080)
    (entry,) = cluster.network.conntrack("worker-1")
    assert str(entry.original) == "src=198.51.100.7 dst=172.18.0.11 sport=32768 dport=30080"
    assert str(entry.reply) == "src=10.244.1.2 dst=172.18.0.11 sport=8080 dport=32768"
    assert (entry.service, entry.decision) == ("default/web", 1)


def test_what_is_lost_behind_the_node_waits_and_what_a_rule_refuses_is_not_there() -> None:
    cluster = one_pod()
    client = cluster.pod("client", 1, "10.244.0.9")
    cluster.network.topology.cut("worker-1", "worker-2")
    lost = cluster.connect(client)
    cluster.slice("web")
    cluster.run(5)
    assert cluster.connect(client).verdict == "reject"
    assert states(cluster) == [("SYN_SENT", 118)], "SYNs were sent after 0, 1 and 3 s"
    cluster.run(3)
    assert states(cluster) == [("SYN_SENT", 119)], "and after 7 s"
    cluster.network.close(lost, "timeout")
    cluster.run(10)
    assert states(cluster) == [("SYN_SENT", 109)]


def test_a_server_that_ends_leaves_its_clients_connection_in_close_wait_unless_its_node_is_dead() -> None:
    cluster = one_pod()
    client = cluster.pod("client", 1, "10.244.0.9")
    cluster.connect(client)
    cluster.run(10)
    cluster.network.node_power("worker-2", False)
    cluster.run(10)
    assert states(cluster) == [("ESTABLISHED", 86380)]
    cluster.network.node_power("worker-2", True)
    cluster.store.delete(Pod, "web-2", "default", grace_s=0)
    cluster.run(10)
    assert states(cluster) == [("CLOSE_WAIT", 3590)]


def test_udp_and_sctp_have_their_own_times() -> None:
    cluster = SmallCluster()
    client = cluster.pod("client", 1, "10.244.0.9")
    cluster.pod("web-2", 2, "10.244.1.2")
    cluster.service(ports=[{"name": "u", "port": 53, "protocol": "UDP"}, {"name": "s", "port": 53, "protocol": "SCTP"}])
    cluster.run()
    cluster.connect(client, "10.244.1.2", 53, "SCTP")
    udp = cluster.connect(client, "10.244.1.2", 53, "UDP")
    assert udp.open
    cluster.run(10)
    assert states(cluster) == [("ESTABLISHED", 200), ("", 20)]
    assert "[UNREPLIED]" in lines(cluster)[1]
    assert lines(cluster)[1].startswith("udp      17 20 src=")
    cluster.network.close(udp)
    assert states(cluster)[1] == ("", 30)
    cluster.network.connect(client, "web", "10.244.1.2", 53, "UDP", udp.decision.src_port)
    assert states(cluster)[1] == ("", 120)
    assert "[ASSURED]" in lines(cluster)[1]


def test_a_full_table_drops_also_what_would_be_lost() -> None:
    cluster = SmallCluster(conntrack_max=1).web()
    client = cluster.pod("client", 1, "10.244.0.9")
    cluster.connect(client, WEB_IP)
    assert cluster.connect(client, "10.99.99.99").reason in ("unallocated-cluster-ip", "conntrack-full")
    assert cluster.connect(client, "203.0.113.200").reason == "conntrack-full"
    assert cluster.network.hosts["worker-1"].conntrack.full >= 1
