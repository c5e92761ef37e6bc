"""Connections in clusters with IPv6: everybody speaks the family of whom it calls, on every kind of address."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.commands.run import run
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.journal import HealthChecked
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service
from lab.kube.manifest import loads
from lab.network.addresses import family
from lab.network.flow import Flow, Source
from lab.network.outside import asker, families_of, host_at, internet_host
from lab.settings import Settings

DUAL = Settings(pod_cidr="10.244.0.0/16,fd00:10:244::/56", service_cidr="10.96.0.0/12,fd00:10:96::/112")
IPV6_ONLY = Settings(pod_cidr="fd00:10:244::/56", service_cidr="fd00:10:96::/112", cluster_dns_ip="fd00:10:96::a")
V4_BALANCER, V6_BALANCER = "203.0.113.10", "2001:db8:113::10"

MANIFEST = """\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {nodeName: worker-2, containers: [{name: app, image: "shop/web:1", ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {nodeName: worker-1, containers: [{name: app, image: service-lab/client}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  selector: {app: web}
  ipFamilyPolicy: PreferDualStack
  externalTrafficPolicy: Local
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
"""


def booted(settings: Settings) -> Engine:
    engine = Engine(ClusterSpec(nodes=plain_nodes(2), settings=settings))
    engine.boot()
    engine.apply(loads(MANIFEST).objects)
    engine.settle()
    engine.run_for(30.0)
    return engine


@pytest.fixture(scope="module")
def dual() -> Iterator[Engine]:
    engine = booted(DUAL)
    yield engine
    engine.close()


def call(engine: Engine, source: str, ip: str, port: int = 80) -> Flow:
    sources = engine.traffic.sources
    sender = sources.asker if source == "internet" else sources.find(source)
    return engine.network.connect(sender, ip, ip, port)


def pod(engine: Engine, name: str) -> dict[str, str]:
    """The addresses of a Pod by family."""
    return {family(each.ip): each.ip for each in engine.store.get(Pod, name).status.pod_ips}


def test_a_pod_calls_each_cluster_ip_from_its_address_of_that_family(dual: Engine) -> None:
    for address in dual.store.get(Service, "web").spec.cluster_ips:
        flow = call(dual, "pod/default/client", address)
        assert (flow.ip, flow.src_ip) == (pod(dual, "web")[family(address)], pod(dual, "client")[family(address)])


@pytest.mark.parametrize(("balancer", "client"), [(V4_BALANCER, "198.51.100.250"), (V6_BALANCER, "2001:db8:100::fa")])
def test_the_internet_reaches_each_address_of_a_balancer_from_its_own(dual: Engine, balancer: str, client: str) -> None:
    flow = call(dual, "internet", balancer)
    assert (flow.open, flow.src_ip, flow.via) == (True, client, "worker-2")
    assert flow.hops == ("internet/198.51.100.250", f"lb/{balancer}", "node/worker-2", "pod/default/web")


@pytest.mark.parametrize(("node", "inside"), [("192.0.2.12", "172.18.0.12"), ("2001:db8:2::12", "fd00:172:18::12")])
def test_a_node_port_is_open_on_each_external_ip(dual: Engine, node: str, inside: str) -> None:
    flow = call(dual, "internet", node, 30080)
    assert (flow.open, family(flow.ip)) == (True, family(node))
    entry = next(each for each in dual.network.conntrack("worker-2") if each.decision == flow.decision.id)
    assert entry.original.dst_ip == inside


def test_health_checks_go_to_each_family_of_a_node(dual: Engine) -> None:
    balancers = dual.network.balancers.by_ip
    assert {ip: balancer.healthy for ip, balancer in balancers.items()} == dict.fromkeys(
        [V4_BALANCER, V6_BALANCER], ("worker-2",)
    )
    checked = [event.balancer for event in dual.journal.tail() if isinstance(event, HealthChecked)]
    assert set(checked) == {V4_BALANCER, V6_BALANCER}


def test_a_balancer_cannot_check_a_node_without_an_address_of_its_family(dual: Engine) -> None:
    balancer, host = dual.network.balancers.by_ip[V6_BALANCER], dual.network.hosts["worker-2"]
    assert dual.network.balancers._probe(balancer, "worker-2")[0]
    addresses, host._first_of_family = host._first_of_family, {"IPv4": host.internal_ip}
    try:
        assert dual.network.balancers._probe(balancer, "worker-2")[:2] == (False, "timeout")
    finally:
        host._first_of_family = addresses


def test_masquerade_hides_the_source_behind_the_nodes_address_of_that_family(dual: Engine) -> None:
    for address in dual.store.get(Service, "web").spec.cluster_ips:
        flow = call(dual, "node/worker-1", address)
        own = dual.network.hosts["worker-1"].ip_towards(address)
        assert (flow.decision.masquerade, flow.src_ip) == (True, own)
        explanation = dual.network.explain(flow.decision.id)
        assert explanation is not None
        assert f"becomes {own}" in dict(explanation.steps)["masquerade"]


def test_what_is_open_to_the_outside_is_open_in_both_families(dual: Engine) -> None:
    found = {(each.kind, each.address) for each in dual.network.open_ports()}
    assert found == {
        *(("load balancer", ip) for ip in (V4_BALANCER, V6_BALANCER)),
        *(
            (kind, f"{net}{n}")
            for kind in ("node port", "health check")
            for net in ("192.0.2.", "2001:db8:2::")
            for n in (11, 12)
        ),
    }


def test_names_outside_have_addresses_of_both(dual: Engine) -> None:
    answers = dual.network.dns.server.public
    assert answers.lookup("web") == (V4_BALANCER, V6_BALANCER)
    assert answers.lookup("worker-1") == ("192.0.2.11", "2001:db8:2::11")


def test_a_trace_takes_the_address_of_the_family(dual: Engine) -> None:
    text = "\n".join(run(dual, f"lab trace --from pod/client --to [{V6_BALANCER}]:80").output)
    assert pod(dual, "client")["IPv6"] in text
    assert "short-circuit-pod" in text


def test_without_an_address_of_the_family_nothing_is_sent(dual: Engine) -> None:
    flow = call(dual, "internet/203.0.113.200", V6_BALANCER)
    assert (flow.verdict, flow.reason, flow.via) == ("reject", "no-address-of-the-family", "")
    done = run(dual, f"curl http://[{V6_BALANCER}]/ --from internet/203.0.113.200")
    dual.run_for(1.0)
    assert "Network is unreachable" in done.output[0]


# -- IPv6 alone -----------------------------------------------------------------------------------------------------


def test_a_cluster_of_ipv6_alone_serves_everybody() -> None:
    engine = booted(IPV6_ONLY)
    service = engine.store.get(Service, "web")
    assert [each.ip for each in service.status.load_balancer.ingress] == [V6_BALANCER]
    for source, ip, port in (
        ("pod/default/client", service.spec.cluster_ip, 80),
        ("internet", V6_BALANCER, 80),
        ("internet", "2001:db8:2::12", 30080),
    ):
        assert call(engine, source, ip, port).open
    done = run(engine, "curl http://web/ --from pod/client")
    engine.run_for(1.0)
    assert done.output[0].startswith("HTTP/1.1 200 OK")
    assert call(engine, "pod/default/client", "10.0.0.1").reason == "no-address-of-the-family"
    engine.close()


# -- hosts outside --------------------------------------------------------------------------------------------------


def test_hosts_outside_have_the_families_of_the_cluster() -> None:
    both = families_of(DUAL.pod_cidr)
    assert internet_host(0) == Source("internet/198.51.100.1", "198.51.100.1")
    assert internet_host(9, both).other_ip == "2001:db8:100::a"
    assert asker(families_of(IPV6_ONLY.pod_cidr)).ip == "2001:db8:100::fa"


def test_a_host_named_by_its_address_is_the_same_host() -> None:
    both = families_of(DUAL.pod_cidr)
    assert host_at("198.51.100.10", both) == internet_host(9, both)
    assert host_at("2001:db8:100::a", both).other_ip == "198.51.100.10"
    assert host_at("203.0.113.200", both).other_ip == ""


def resolved(engine: Engine, source: Source, host: str) -> tuple[str, ...]:
    answers: list[tuple[str, ...]] = []
    engine.network.resolve(source, host, lambda answer: answers.append(answer.addresses))
    engine.run_for(1.0)
    return answers[0]


def test_a_cached_answer_changes_the_order_of_its_addresses_and_not_of_their_families() -> None:
    """getaddrinfo(3) sorts by family first (RFC 6724), so who has IPv4 first stays with it for all its connections."""
    engine = booted(DUAL)
    client = engine.traffic.sources.origin("pod/client").all()[0]
    assert not run(engine, "kubectl create deployment more --image=shop/web:1 --replicas=2 --port=8080").error
    body = "{clusterIP: None, ipFamilyPolicy: RequireDualStack, selector: {app: more}, ports: [{port: 8080}]}"
    engine.apply(loads(f"apiVersion: v1\nkind: Service\nmetadata: {{name: more}}\nspec: {body}\n").objects)
    engine.run_for(30.0)
    for host, addresses in (("web", 1), ("more", 2)):
        orders = [resolved(engine, client, host) for _ in range(4)]
        assert [[family(ip) for ip in order] for order in orders] == [["IPv4"] * addresses + ["IPv6"] * addresses] * 4
        assert len({order[0] for order in orders}) == addresses
    engine.close()
