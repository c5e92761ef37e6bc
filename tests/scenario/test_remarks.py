"""What a report says besides its figures."""

import pytest

from lab.scenario.loader import load
from lab.scenario.player import Player
from lab.scenario.report import to_text

SERVICE = (
    "  - {{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: {namespace}}}, spec: {{{spec}}}}}\n"
)
LB = "type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]"


def service(name, spec="selector: {app: web}, ports: [{port: 80}]", namespace="default"):
    return SERVICE.format(name=name, namespace=namespace, spec=spec)


@pytest.fixture
def report(tmp_path):
    def played(text, duration_s=5.0):
        path = tmp_path / "x.yaml"
        path.write_text(f"name: x\nduration: {duration_s}\n{text}", encoding="utf-8")
        player = Player(load(path))
        player.start()
        player.run_until(duration_s)
        player.drain()
        player.engine.close()
        return player.report()

    return played


def part(report, title):
    lines = to_text(report)
    start = lines.index(f"{title}:") + 1
    end = next(index for index in range(start, len(lines)) if not lines[index].startswith("  "))
    return [line.strip() for line in lines[start:end]]


def test_a_service_without_an_address_is_told_with_the_reason(report):
    cloud = report(f"manifests:\n{service('web', LB)}{service('other', LB + ', loadBalancerClass: a.b/c')}")
    assert part(cloud, "EXTERNAL-IP pending") == [
        'other: nobody in this cluster provides the loadBalancerClass "a.b/c"'
    ]
    none = report(f"cluster: {{load_balancer: none}}\nmanifests:\n{service('web', LB, 'shop')}")
    assert [(each.service, each.why) for each in none.pending] == [
        ("shop/web", "nobody in this cluster provides load balancers (load_balancer: none)")
    ]
    command = """kubectl patch service web -p '{"spec": {"type": "LoadBalancer"}}'"""
    late = f"timeline:\n  - at: 5s\n    run: |\n      {command}\n"
    made = report(f"{late}manifests:\n{service('web')}")
    assert part(made, "EXTERNAL-IP pending") == ["web: its load balancer is still being made"]


def test_names_that_never_resolved_are_told_with_what_may_have_been_meant(report):
    manifests = f"manifests:\n{service('web')}{service('catalog', namespace='shop')}"
    clients = (("pod/client", "wbe"), ("pod/client", "catalog"), ("internet", "web"), ("pod/client", "zzz"))
    entries = "".join(
        f"  - {{name: c{i}, from: {source}, to: http://{host}/, rate: 2}}\n" for i, (source, host) in enumerate(clients)
    )
    found = report(f"{manifests}traffic:\n{entries}  - {{name: ok, from: pod/client, to: http://web/, rate: 2}}\n")
    assert part(found, "names that never resolved") == [
        'wbe (asked for by c0), did you mean "web"?',
        'catalog (asked for by c1), did you mean "catalog.shop"?',
        "web (asked for by c2); outside of the cluster it has a name when it has an EXTERNAL-IP",
        "zzz (asked for by c3)",
    ]


def test_a_name_that_comes_later_is_no_remark(report):
    commands = ("kubectl create deployment web --image=nginx --port=80", "kubectl expose deployment web --port=80")
    timeline = "".join(f"  - {{at: 1s, run: {command}}}\n" for command in commands)
    found = report(f"timeline:\n{timeline}traffic: [{{from: pod/client, to: http://web/, rate: 20}}]\n", 20.0)
    assert found.total.outcomes["nxdomain"] > 0
    assert found.unresolved == []


def test_pods_that_were_made_are_named(report):
    found = report("traffic: [{from: pod/shop/client, to: http://web/, rate: 1}]\n")
    assert part(found, "made for the traffic") == ["pod/shop/client"]
    assert report("traffic: [{from: internet, to: http://web/, rate: 1}]\n").made == []


def test_requests_that_failed_are_all_explained(report):
    traffic = """\
traffic:
  - {from: pod/client, to: http://web/, rate: 5}
  - {from: node/worker-1, to: http://10.96.3.3/, rate: 5}
  - {from: internet, to: http://10.96.3.3/, rate: 5, retries: 3}
timeline: [{at: 2s, run: lab fail node/worker-1}]
"""
    found = report(traffic)
    assert {"nxdomain", "unsent", "unfinished"} <= {failure.reason for failure in found.failures}
    assert sum(failure.requests for failure in found.failures) == found.total.requests - found.total.ok
    assert all(failure.meaning.endswith(".") for failure in found.failures)
    table = to_text(found, 80)
    head = next(index for index, line in enumerate(table) if line.startswith("WHY REQUESTS FAILED"))
    rows = table[head : table.index("", head)]
    assert all(len(line) <= 80 for line in rows)
    assert len(rows) > len(found.failures) + 1
