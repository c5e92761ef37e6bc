"""Connections in a dual-stack cluster: the source speaks the family of what it calls."""

from __future__ import annotations

from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service
from lab.kube.manifest import loads
from lab.network.flow import Source
from lab.settings import Settings

MANIFEST = """\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: app, image: "shop/web:1", ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: app, image: service-lab/client}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ipFamilyPolicy: RequireDualStack, ports: [{port: 80, targetPort: 8080}]}
"""


def test_a_pod_calls_an_ipv6_cluster_ip_from_its_ipv6_address() -> None:
    settings = Settings(pod_cidr="10.244.0.0/16,fd00:10:244::/56", service_cidr="10.96.0.0/12,fd00:10:96::/112")
    engine = Engine(ClusterSpec(nodes=plain_nodes(2), settings=settings))
    engine.boot()
    engine.apply(loads(MANIFEST).objects)
    engine.settle()
    client, web = (engine.store.get(Pod, name) for name in ("client", "web"))
    source = Source("pod/default/client", client.status.pod_ip, node=client.spec.node_name)
    for family, address in enumerate(engine.store.get(Service, "web").spec.cluster_ips):
        flow = engine.network.connect(source, "web", address, 80)
        assert (flow.ip, flow.src_ip) == (web.status.pod_ips[family].ip, client.status.pod_ips[family].ip)
    engine.close()
