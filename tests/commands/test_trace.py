"""`lab trace` on a whole cluster: every hop is told, and nobody notices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.commands.complete import complete
from lab.commands.run import run
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.journal import CommandGiven, Decision
from lab.kube.decode import decode
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service
from lab.network.flow import Source
from lab.settings import Settings
from lab.traffic.request import RequestResult

SETUP = (
    "kubectl create deployment web --image=shop/web:1 --replicas=3 --port=8080",
    "kubectl expose deployment web --port=80 --target-port=8080 --type=LoadBalancer",
    "kubectl expose deployment web --name=wrong --port=80 --target-port=9999",
    "kubectl run client --image=service-lab/client",
)


def service(name: str, **spec: Any) -> dict[str, Any]:
    body = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": body}


def start() -> Engine:
    made = Engine(ClusterSpec(nodes=plain_nodes(4)))
    made.boot()
    for text in SETUP:
        assert not run(made, text).error
    made.apply(
        decode(obj)
        for obj in (
            service("none", selector={"app": "nobody"}),
            service("heads", clusterIP="None", ports=[{"port": 8080}]),
            service("sticky", sessionAffinity="ClientIP"),
            service("local", type="NodePort", externalTrafficPolicy="Local"),
            service("two", ports=[{"name": "http", "port": 80, "targetPort": 8080}, {"name": "other", "port": 81}]),
        )
    )
    assert made.settle() == []
    return made


@pytest.fixture(scope="module")
def shared() -> Iterator[Engine]:
    """For tests that only look."""
    made = start()
    yield made
    made.close()


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = start()
    yield made
    made.close()


def client(engine: Engine) -> Source:
    return engine.traffic.sources.origin("pod/client").all()[0]


def printed(engine: Engine, text: str) -> str:
    execution = run(engine, text)
    assert not execution.error, execution.error
    assert execution.done
    return "\n".join(execution.output)


def traced(engine: Engine, text: str) -> dict[str, Any]:
    found = json.loads(printed(engine, f"lab trace {text} -o json"))
    assert isinstance(found, dict)
    return found


def wrong(engine: Engine, text: str) -> str:
    execution = run(engine, text)
    assert execution.error
    assert "the lab itself failed" not in execution.error
    return execution.error


def test_every_hop_from_a_pod_to_a_service_is_told_in_order(shared: Engine) -> None:
    text = printed(shared, "lab trace --from pod/client --to web:80")
    parts = [
        "pod/default/client → web:80/TCP",
        "web.default.svc.cluster.local.",
        "is a cluster IP of Service default/web",
        "internalTrafficPolicy Cluster, source is a Pod: 3 of 3 endpoints eligible",
        "destination",
        "33.3%",
        "DNAT",
        "rules passed",
        "Links",
        "Conntrack",
        "container web (shop/web:1) listens",
        "The client sees",
        "200 in",
    ]
    place = 0
    for part in parts:
        assert part in text[place:], part
        place = text.index(part, place)


def test_the_probabilities_of_all_ways_add_up_to_one(shared: Engine) -> None:
    for to in ("web:80", "service/web", "http://heads:8080/", "service/local", "none"):
        for source in ("pod/client", "internet", "node/worker-2"):
            found = traced(shared, f"--from {source} --to {to}")
            assert sum(way["probability"] for way in found["ways"]) == pytest.approx(1.0)
            assert sum(each["probability"] for each in found["sees"]) == pytest.approx(1.0)


def test_a_balancer_may_choose_each_healthy_node_and_each_node_every_endpoint(shared: Engine) -> None:
    found = traced(shared, "--from internet --to service/web:80")
    assert {(way["node"], way["endpoint"]) for way in found["ways"]} == {
        (f"worker-{node}", option["address"]) for node in range(1, 5) for option in found["nodes"][0]["candidates"]
    }
    assert len(found["ways"]) == 12
    assert found["balancer"]["healthy"] == ["worker-1", "worker-2", "worker-3", "worker-4"]
    assert found["masquerade"] is True
    assert found["nodes"][0]["after"]["source"].split(":")[0] == found["source_seen"]


def test_a_local_policy_drops_on_nodes_without_an_endpoint(shared: Engine) -> None:
    pods = {option["node"] for option in traced(shared, "--from pod/client --to web")["nodes"][0]["candidates"]}
    empty = next(f"worker-{number}" for number in range(1, 5) if f"worker-{number}" not in pods)
    port = next(each.port for each in shared.network.open_ports() if each.service == "default/local")
    found = traced(shared, f"--to node/{empty}:{port}")
    assert (found["verdict"], found["reason"]) == ("drop", "no-local-endpoints")
    assert found["sees"][0]["text"] == "timeout after 127 s (no-local-endpoints)"
    assert not any(option["probability"] for option in found["nodes"][0]["candidates"])
    assert {option["why"] for option in found["nodes"][0]["candidates"]} == {f"not on {empty}, and the policy is Local"}


@pytest.mark.parametrize(
    ("source", "to", "outcome", "reason"),
    [
        ("pod/client", "web", "ok", "balanced"),
        ("pod/client", "wrong", "refused", "nothing-listens"),
        ("pod/client", "none:80", "refused", "no-endpoints"),
        ("pod/client", "web:81", "refused", "no-such-port"),
        ("pod/client", "nosuch", "nxdomain", "nxdomain"),
        ("pod/client", "heads:8080", "ok", "direct-to-pod"),
        ("internet", "10.96.0.10:53", "timeout", "cluster-ip-from-outside"),
        ("198.51.100.9", "web:80", "ok", "balanced"),
        ("deployment/web", "tcp://10.96.0.10:53", "ok", "balanced"),
        ("node/worker-1", "node/worker-1:10256", "ok", "node-process"),
        ("pod/client", "udp://10.96.0.10:53", "ok", "balanced"),
    ],
)
def test_the_client_sees_what_a_real_request_gets(
    engine: Engine, source: str, to: str, outcome: str, reason: str
) -> None:
    found = traced(engine, f"--from {source} --to {to}")
    assert [(way["outcome"], way["reason"]) for way in found["ways"][:1]] == [(outcome, reason)]
    sources = engine.traffic.sources
    named = source if "/" in source else f"internet/{source}"
    sender = sources.asker if source == "internet" else sources.find(named)
    results: list[RequestResult] = []
    engine.traffic.request(sender, found["to"]["url"], results.append)
    engine.run_for(200.0)
    assert results[0].outcome == outcome
    if outcome != "ok":
        assert results[0].latency_s == pytest.approx(found["ways"][0]["latency_s"], rel=0.5)


def test_nobody_notices_a_trace() -> None:
    """Two runs with the same requests, one of them traced all along, go the same ways."""

    def story(*questions: str) -> list[tuple[object, ...]]:
        engine = start()
        source = engine.traffic.sources.find("pod/client")
        entries = []
        for _ in range(5):
            for question in questions:
                printed(engine, question)
            entries.append([len(host.conntrack) for host in engine.network.hosts.values()])
            for name in ("web", "sticky", "nosuch"):
                engine.traffic.request(source, f"http://{name}/")
            engine.run_for(1.0)
        events = [event for event in engine.journal.read().events if not isinstance(event, CommandGiven)]
        engine.close()
        return [*map(repr, events), *map(tuple, entries)]

    assert story() == story(
        "lab trace --from pod/client --to web",
        "lab trace --from pod/client --to sticky",
        "lab trace --from deployment/web --to nosuch",
        "lab trace --from internet --to service/web -o json",
        "lab reach",
    )


def test_session_affinity_is_a_probability_of_one(engine: Engine) -> None:
    before = traced(engine, "--from pod/client --to sticky")
    assert [option["probability"] for option in before["nodes"][0]["candidates"]] == [pytest.approx(1 / 3)] * 3
    engine.traffic.request(engine.traffic.sources.find("pod/client"), "http://sticky/")
    engine.run_for(1.0)
    made = next(event for event in engine.journal.tail() if isinstance(event, Decision) and event.protocol == "TCP")
    after = traced(engine, "--from pod/client --to sticky")
    assert {option["address"]: option["probability"] for option in after["nodes"][0]["candidates"]}[
        made.endpoint
    ] == 1.0
    assert [way["endpoint"] for way in after["ways"]] == [made.endpoint]


def test_a_hung_pod_and_a_dead_node_are_foreseen(engine: Engine) -> None:
    options = traced(engine, "--from pod/client --to web")["nodes"][0]["candidates"]
    pod = options[0]["pod"].partition("/")[2]
    run(engine, f"lab hang pod/{pod}")
    run(engine, f"lab fail node/{options[1]['node']}")
    if engine.traffic.sources.origin("pod/client").all():
        found = traced(engine, "--from pod/client --to web")
        reasons = {way["endpoint"]: way["reason"] for way in found["ways"]}
        assert reasons[options[0]["address"]] == "no-answer"
        assert reasons[options[1]["address"]] == "node-down"
        assert len(found["sees"]) == 3


def test_a_policy_that_keeps_the_client_out_is_named(engine: Engine) -> None:
    engine.apply(
        [
            decode(
                {
                    "apiVersion": "networking.k8s.io/v1",
                    "kind": "NetworkPolicy",
                    "metadata": {"name": "closed"},
                    "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]},
                }
            )
        ]
    )
    engine.run_for(5.0)
    text = printed(engine, "lab trace --from pod/client --to web")
    assert "NetworkPolicy default/closed" in text
    assert "timeout after 127 s (policy-ingress)" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lab trace", "expected --to"),
        ("lab trace --to service/wbe", 'did you mean "web"?'),
        ("lab trace --from pod/clint --to web", 'did you mean "pod/default/client"?'),
        ("lab trace --from pd/client --to web", 'did you mean "pod"?'),
        ("lab trace --to service/two", "service/two has several ports: expected one of 80 (http), 81 (other)"),
        ("lab trace --to service/two:htp", 'service/two has no port "htp"'),
        ("lab trace --to two:htp", 'service/two has no port "htp": expected one of 80 (http), 81 (other)'),
        ("lab trace --to two:http/UDP", 'service/two has no port "http" for UDP'),
        ("lab trace --to nosuch:http", "the port must be a number; there is no service nosuch in default"),
        ("lab trace --to service/web:80/TPC", '"TPC" is no protocol: expected one of TCP, UDP, SCTP'),
        ("lab trace --to web:99999", "the port must be a number from 1 to 65535"),
        ("lab trace --to node/worker-9:80", 'node "worker-9" not found'),
        ("lab trace --to web -o yaml", "is not one of text, json"),
        ("lab trace --cases x.json", "for the shell"),
    ],
)
def test_what_is_wrong_is_said(shared: Engine, text: str, said: str) -> None:
    assert said in wrong(shared, text)


def test_named_ports_and_other_namespaces(shared: Engine) -> None:
    assert traced(shared, "--from pod/client --to service/two:http")["service"] == "default/two"
    assert (
        traced(shared, "--from pod/client --to service/kube-dns:dns -n kube-system --from pod/default/client")["to"][
            "protocol"
        ]
        == "UDP"
    )
    assert traced(shared, "--from pod/client --to service/kube-system/kube-dns:dns-tcp")["sees"][0]["outcome"] == "ok"


@pytest.mark.parametrize(
    ("to", "protocol", "port"),
    [
        ("kube-dns.kube-system:53/UDP", "UDP", 53),
        ("kube-dns.kube-system:53/TCP", "TCP", 53),
        ("10.96.0.10:53/UDP", "UDP", 53),
        ("10.96.0.10:53/udp", "UDP", 53),
        ("service/kube-system/kube-dns:53/UDP", "UDP", 53),
        ("service/kube-system/kube-dns:53/TCP", "TCP", 53),
        ("kube-dns.kube-system:dns", "UDP", 53),
        ("kube-dns.kube-system.svc.cluster.local:dns-tcp", "TCP", 53),
        ("two:http", "TCP", 80),
        ("two:other/TCP", "TCP", 81),
        ("web:80/SCTP", "SCTP", 80),
        ("service/web:80/SCTP", "SCTP", 80),
        ("node/worker-1:53/UDP", "UDP", 53),
        ("web:80/orders", "TCP", 80),
    ],
)
def test_a_protocol_may_follow_the_port_and_a_name_may_stand_for_it(
    shared: Engine, to: str, protocol: str, port: int
) -> None:
    found = traced(shared, f"--from pod/client --to {to}")["to"]
    assert (found["protocol"], found["port"]) == (protocol, port)


@pytest.mark.parametrize("width", [80, 120])
def test_lines_keep_to_the_width(shared: Engine, width: int) -> None:
    for question in ("--from pod/client --to web", "--to service/web", "--from pod/client --to wrong"):
        execution = run(shared, f"lab trace {question}", width=width)
        assert max(map(len, execution.output)) <= width


def test_completion_offers_sources_and_targets(shared: Engine) -> None:
    assert "pod/client" in complete(shared, "lab trace --from pod/cl")
    assert "service/web:80" in complete(shared, "lab trace --to service/we")


def test_each_address_of_a_headless_name_is_told_with_what_it_leads_to(shared: Engine) -> None:
    """Who is given several addresses of one family connects to the first, and CoreDNS gives them in any order."""
    found = traced(shared, "--from pod/client --to heads:8080")
    pods = {pod.status.pod_ip: f"default/{pod.name}" for pod in shared.store.list(Pod) if pod.name.startswith("web-")}
    leads = found["name"]["leads"]
    assert {lead["address"]: lead["ways"][0]["pod"] for lead in leads} == pods
    assert [lead["probability"] for lead in leads] == [1 / 3] * 3
    assert [lead["followed"] for lead in leads] == [True, False, False]
    text = printed(shared, "lab trace --from pod/client --to heads:8080").splitlines()
    (followed,) = [row for row in text if "▶" in row]
    assert followed.split()[1:5] == [leads[0]["address"], "33.3%", f"pod/{leads[0]['ways'][0]['pod'][8:]}", "on"]
    assert sum("●" in row for row in text) == 2


def test_the_family_that_the_client_does_not_prefer_is_told_too() -> None:
    both = Settings(service_cidr="10.96.0.0/12,fd00:96::/108", pod_cidr="10.244.0.0/16,fd00:10:244::/48")
    engine = Engine(ClusterSpec(nodes=plain_nodes(2), settings=both))
    engine.boot()
    for text in (SETUP[0], SETUP[3]):
        assert not run(engine, text).error
    engine.apply([decode(service("both", ipFamilyPolicy="RequireDualStack"))])
    assert engine.settle() == []
    leads = traced(engine, "--from pod/client --to both:80")["name"]["leads"]
    assert [(":" in lead["address"], lead["probability"], lead["followed"]) for lead in leads] == [
        (False, 1.0, True),
        (True, 0.0, False),
    ]
    assert {way["endpoint"].count(":") > 1 for way in leads[1]["ways"]} == {True}
    text = printed(engine, "lab trace --from pod/client --to both:80")
    rows = [row for row in text.splitlines() if "service/both, 3 endpoints" in row]
    assert [row.split()[0] for row in rows] == ["▶", "○"]
    engine.close()


def test_an_alias_is_told_with_the_name_that_it_stands_for(engine: Engine) -> None:
    spec = {"type": "ExternalName", "externalName": "web.default.svc.cluster.local"}
    engine.apply([decode({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "other"}, "spec": spec})])
    engine.run_for(10.0)
    owner, target = "other.default.svc.cluster.local", "web.default.svc.cluster.local"
    found = traced(engine, "--from pod/client --to other:80")
    assert found["name"]["aliases"] == [{"name": owner, "target": target}]
    assert found["service"] == "default/web"
    assert f"{owner}. is an alias of {target}.   CNAME" in printed(engine, "lab trace --from pod/client --to other:80")


def test_what_a_pod_sends_to_its_loopback_stays_in_the_pod(engine: Engine) -> None:
    """Its network namespace has a loopback device of its own, so no rule of the node ever sees such a packet."""
    for host in ("127.0.0.1", "127.9.9.9", "localhost"):
        found = traced(engine, f"--from deployment/web --to {host}:8080")
        assert (found["verdict"], found["nodes"], found["links"]) == ("pass", [], [])
        assert (found["source_seen"], found["sees"][0]["outcome"]) == ("127.0.0.1", "ok")
        assert found["hops"][0] == found["hops"][-1] == found["from"]["name"]
    assert "it never leaves the Pod" in printed(engine, "lab trace --from deployment/web --to 127.0.0.1:8080")
    number = engine.store.get(Service, "local").spec.ports[0].node_port
    for text in (f"--from pod/client --to 127.0.0.1:{number}", "--from pod/client --to 127.0.0.1:8080"):
        assert [(each["outcome"], each["reason"]) for each in traced(engine, text)["sees"]] == [
            ("refused", "nothing-listens")
        ]
    execution = run(engine, "curl --from deployment/web http://localhost:8080/")
    engine.run_for(5.0)
    assert "200" in "\n".join(execution.output)
    assert engine.network.carries(engine.network.connect(client(engine), "", "127.0.0.1", 8080))
    assert "direct-to-pod" in printed(engine, "lab explain last")


def test_a_node_talks_to_its_loopback_from_its_loopback(engine: Engine) -> None:
    container = {"name": "app", "image": "shop/web:1", "ports": [{"containerPort": 9000}]}
    spec = {"hostNetwork": True, "nodeName": "worker-2", "containers": [container]}
    engine.apply([decode({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "host"}, "spec": spec})])
    engine.run_for(20.0)
    for source, outcome in (("node/worker-2", "ok"), ("pod/host", "ok"), ("node/worker-1", "refused")):
        found = traced(engine, f"--from {source} --to 127.0.0.1:9000")
        assert (found["source_seen"], found["sees"][0]["outcome"]) == ("127.0.0.1", outcome)
    found = traced(engine, "--from node/worker-1 --to 127.0.0.1:10256")
    assert (found["source_seen"], found["sees"][0]["outcome"]) == ("127.0.0.1", "ok")
    assert traced(engine, "--from internet --to 127.0.0.1:10256")["sees"][0]["outcome"] == "timeout"


def test_who_asks_outside_for_a_name_of_the_cluster_is_told_how_to_ask(shared: Engine) -> None:
    assert "write --to service/NAME:PORT" in printed(shared, "lab trace --from internet --to local:80")
    assert "Look at the name again" in printed(shared, "lab trace --from pod/client --to nowhere:80")


def test_a_node_whose_proxy_does_not_run_says_so_and_where_to_look(engine: Engine) -> None:
    assert "kube-proxy does not run" not in printed(engine, "lab trace --from pod/client --to web:80")
    node = client(engine).node
    run(engine, f"lab stop proxy/{node}")
    run(engine, "kubectl rollout restart deployment/web")
    engine.run_until(engine.now + 30.0)
    text = printed(engine, "lab trace --from pod/client --to web:80")
    assert "its kube-proxy does not run: these rules stay as they are" in text
    assert "lab rules --node NODE" in text
    found = traced(engine, "--from pod/client --to web:80")
    assert [leg["proxy_runs"] for leg in found["nodes"]] == [False]
