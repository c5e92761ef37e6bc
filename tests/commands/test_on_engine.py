"""Commands on a whole cluster: what is typed is what happens."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from lab.commands.complete import complete
from lab.commands.execution import Execution
from lab.commands.run import run
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.kube.kinds.pod import Pod
from lab.settings import Settings

SETUP = (
    "kubectl create deployment web --image=shop/web:1 --replicas=3 --port=8080",
    "kubectl expose deployment web --port=80 --target-port=8080 --type=LoadBalancer",
    "kubectl run client --image=service-lab/client",
)


def start(seed: int = 1) -> Engine:
    spec = ClusterSpec(nodes=plain_nodes(3, ("zone-a", "zone-b")), settings=Settings(node_monitor_grace_s=20.0))
    engine = Engine(spec, seed=seed)
    engine.boot()
    for text in SETUP:
        assert not run(engine, text).error
    assert engine.settle() == []
    return engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = start()
    yield made
    made.close()


def give(engine: Engine, text: str, seconds: float = 0.0) -> Execution:
    execution = run(engine, text)
    assert "the lab itself failed" not in execution.error
    engine.run_for(seconds)
    return execution


def ok(engine: Engine, text: str, seconds: float = 0.0) -> list[str]:
    execution = give(engine, text, seconds)
    assert not execution.error
    assert execution.done
    return execution.output


def node_port(engine: Engine) -> str:
    found = re.search(r"80:(\d+)/TCP", "\n".join(ok(engine, "kubectl get service web")))
    assert found is not None
    return found[1]


def test_curl_from_a_pod_ends_later_on_the_clock(engine: Engine) -> None:
    execution = give(engine, "curl http://web/ --from pod/client")
    assert not execution.done
    engine.run_for(1.0)
    assert execution.done
    headline, meaning, decision = execution.output
    assert re.fullmatch(
        r"HTTP/1\.1 200 OK  from web-\S+ \(10\.244\.\d+\.\d+:8080\) via worker-\d in [\d.]+ ms", headline
    )
    assert meaning.startswith("  One of the ready endpoints")
    assert re.fullmatch(r"  decision (\d+): lab explain \1", decision)


def test_curl_from_the_internet_and_from_a_node(engine: Engine) -> None:
    assert ok(engine, "curl http://web/", 1.0)[0].startswith("HTTP/1.1 200 OK")
    assert ok(engine, f"curl http://192.0.2.11:{node_port(engine)}/", 1.0)[0].startswith("HTTP/1.1 200 OK")
    assert ok(engine, "curl http://web --from node/worker-1", 1.0)[0].startswith("HTTP/1.1 200 OK")


def test_a_cluster_ip_is_not_reachable_from_outside(engine: Engine) -> None:
    headline, meaning, *_ = ok(engine, "curl http://10.96.0.10/ -m 5", 6.0)
    assert headline == "curl: (28) Connection timed out after 5000 milliseconds"
    assert meaning.startswith("  A cluster IP exists only in the rules")


def test_failures_look_as_curl_has_them(engine: Engine) -> None:
    assert ok(engine, "curl http://nowhere/ --from pod/client", 20.0) == ["curl: (6) Could not resolve host: nowhere"]
    ok(engine, "kubectl scale deployment/web --replicas=0", 60.0)
    headline = ok(engine, "curl http://web/ --from pod/client", 1.0)[0]
    assert re.fullmatch(r"curl: \(7\) Failed to connect to web port 80 after \d+ ms: Connection refused", headline)


def test_many_requests_are_summed_up_by_pod(engine: Engine) -> None:
    output = ok(engine, "curl http://web/ --from pod/client --count 6", 5.0)
    assert len(output) == 7
    assert output[-1].startswith("6 requests: web-")
    assert sum(int(count) for count in re.findall(r"(?<= )\d+(?=,|$)", output[-1])) == 6


def test_dig_shows_the_search_path(engine: Engine) -> None:
    found = ok(engine, "dig web --from pod/client", 1.0)
    assert ";; status: NOERROR, ANSWER: 1" in found
    assert found[-1] == ";; Names tried: web.default.svc.cluster.local."
    answers = ["\n".join(ok(engine, "dig web --from pod/client", 1.0)) for _ in range(5)]
    assert any("SERVER: kube-system/coredns-" in one and "from its cache" in one for one in answers)
    ok(engine, "curl http://web/ --from pod/client", 1.0)
    assert "pod/default/client itself still remembers: 10." in ok(engine, "dig web --from pod/client", 1.0)[-1]
    cluster_ip = answers[0].split("IN   A   ")[1].split()[0]
    assert "PTR   web.default.svc.cluster.local." in "\n".join(
        ok(engine, f"dig -x {cluster_ip} --from pod/client", 1.0)
    )
    lost = ok(engine, "dig nowhere --from pod/client", 20.0)
    assert ";; status: NXDOMAIN, ANSWER: 0" in lost
    assert lost[-1].count("nowhere.") == 4
    assert "nowhere." in ok(engine, "dig nowhere +nosearch --from pod/client", 20.0)[-1]


def test_a_decision_can_be_explained(engine: Engine) -> None:
    last = ok(engine, "curl http://web/ --from pod/client", 1.0)[-1]
    lines = ok(engine, last.partition(": ")[2])
    assert any("is a cluster IP of Service default/web" in line for line in lines)
    assert any("masquerade" in line for line in lines)
    error = give(engine, "lab explain 999").error
    assert error.startswith("error: there is no decision 999: they are numbered from 1 to")


def test_what_is_open_to_the_outside_is_listed(engine: Engine) -> None:
    text = "\n".join(ok(engine, "lab expose"))
    port = node_port(engine)
    assert all(f"192.0.2.1{number}:{port}/TCP" in text for number in (1, 2, 3))
    assert "203.0.113.10:80/TCP" in text


def test_a_rollout_is_told_until_it_is_over(engine: Engine) -> None:
    ok(engine, "kubectl set image deployment/web web=shop/web:2")
    execution = give(engine, "kubectl rollout status deployment/web", 60.0)
    assert execution.done
    assert execution.output[0].startswith("Waiting for deployment")
    assert execution.output[-1] == 'deployment "web" successfully rolled out'
    assert [line.split()[0] for line in ok(engine, "kubectl rollout history deployment/web")[2:]] == ["1", "2"]
    ok(engine, "kubectl rollout undo deployment/web", 60.0)
    assert "shop/web:1" in ok(engine, "kubectl get deployment web -o wide")[1]


def test_a_node_fails_and_the_cluster_notices(engine: Engine) -> None:
    ok(engine, "lab fail node/worker-2", 60.0)
    states = {line.split()[0]: line.split()[1] for line in ok(engine, "kubectl get nodes")[1:]}
    assert states == {"worker-1": "Ready", "worker-2": "NotReady", "worker-3": "Ready"}
    ok(engine, "lab recover node/worker-2", 60.0)
    assert ok(engine, "kubectl get nodes")[2].split()[1] == "Ready"


def test_a_crashed_pod_is_restarted(engine: Engine) -> None:
    name = next(pod.name for pod in engine.store.list(Pod, "default", {"app": "web"}))
    ok(engine, f"lab crash pod/{name}", 30.0)
    row = next(line for line in ok(engine, "kubectl get pods") if line.startswith(name))
    assert row.split()[1:4] == ["1/1", "Running", "1"]
    assert re.search(r"1 \(\d+s ago\)", row)


def test_a_workload_stands_for_its_oldest_ready_pod(engine: Engine) -> None:
    first, second, _ = (pod.name for pod in engine.store.list(Pod, "default", {"app": "web"}))
    assert ok(engine, "lab crash deployment/web", 0.1) == [f"pod/{first} crashed"]
    assert ok(engine, "lab hang service web") == [f"pod/{second} hangs"]


def test_a_workload_without_a_ready_pod_has_none_to_crash(engine: Engine) -> None:
    ok(engine, "kubectl scale deployment/web --replicas=0", 60.0)
    assert "deployment.apps/web has no Ready Pod" in give(engine, "lab crash deployment/web").error


def test_faults_of_the_network(engine: Engine) -> None:
    ok(engine, "lab stop proxy/worker-1")
    assert not engine.network.proxies["worker-1"].running
    ok(engine, "lab start proxy/worker-1")
    assert engine.network.proxies["worker-1"].running
    ok(engine, "lab cut link internet zone-a")
    assert engine.network.topology.down()
    ok(engine, "lab heal link internet zone-a")
    assert not engine.network.topology.down()


def test_the_api_servers_refusals_are_passed_on(engine: Engine) -> None:
    error = give(engine, """kubectl patch svc web -p '{"spec":{"ports":[{"port":80,"nodePort":80}]}}'""").error
    assert error.startswith('Error from server (Invalid): Service "web" is invalid: spec.ports[0].nodePort')


def test_sources_and_urls_are_completed(engine: Engine) -> None:
    assert complete(engine, "curl http://w") == ["http://web/"]
    assert complete(engine, "curl http://web/ --from pod/c") == ["pod/client"]
    error = give(engine, "curl http://web/ --from pod/clinet").error
    assert error.splitlines()[0].endswith('did you mean "pod/default/client"?')


def test_the_same_commands_give_the_same_journal() -> None:
    digests = []
    for _ in range(2):
        engine = start(seed=3)
        for text in ("curl http://web/ --count 3", "kubectl rollout restart deployment/web", "lab fail worker-1"):
            give(engine, text, 20.0)
        digests.append(engine.journal.digest)
        engine.close()
    assert digests[0] == digests[1]
