"""A small cluster made by hand: a store without controllers, and a Network over it."""

from __future__ import annotations

from typing import Any

import msgspec

from lab.clock import Clock
from lab.cluster.store import Store
from lab.journal import Event, Journal
from lab.kube.decode import decode
from lab.kube.kinds.endpointslice import Endpoint, EndpointConditions, EndpointSlice
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service
from lab.kube.versions import settings_of
from lab.network.dns import DnsAnswer
from lab.network.explanation import Explanation
from lab.network.flow import Flow, Source
from lab.network.network import Network

CLIENT = Source("internet/198.51.100.7", "198.51.100.7")
WEB_IP = "10.96.0.12"
LB_IP = "203.0.113.10"
DNS_IP = "10.96.0.10"


class SmallCluster:
    """Nodes, Pods, Services and slices put into the store one by one; time moves with `run`."""

    def __init__(
        self, nodes: int = 2, *, mode: str = "nftables", seed: int = 1, zones: tuple[str, ...] = (), **settings: Any
    ):
        self.clock = Clock()
        self.journal = Journal()
        self.settings = settings_of(settings)
        self.store = Store(self.clock, self.journal, self.settings, seed)
        self.network = Network(self.clock, self.journal, self.settings, seed, self.store, proxy_mode=mode)
        for number in range(1, nodes + 1):
            self.node(number, zones[(number - 1) % len(zones)] if zones else "")
        self.network.start()

    def run(self, seconds: float = 3.0) -> SmallCluster:
        self.clock.run_until(self.clock.time() + seconds)
        return self

    def node(self, number: int, zone: str = "") -> Node:
        labels = {"topology.kubernetes.io/zone": zone} if zone else {}
        addresses = [
            {"type": "InternalIP", "address": f"172.18.0.{10 + number}"},
            {"type": "ExternalIP", "address": f"192.0.2.{10 + number}"},
        ]
        meta = {"name": f"worker-{number}", "labels": labels}
        made = decode({"apiVersion": "v1", "kind": "Node", "metadata": meta, "status": {"addresses": addresses}})
        assert isinstance(made, Node)
        return self.store.create(made)

    def pod(self, name: str, node: int, ip: str, namespace: str = "default", **spec: Any) -> Source:
        """A running Pod with an address; returns it as a source of traffic."""
        body = {"nodeName": f"worker-{node}", "containers": [{"name": "app", "image": "app"}], **spec}
        status = {"phase": "Running", "podIP": ip}
        meta = {"name": name, "namespace": namespace}
        made = decode({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": body, "status": status})
        assert isinstance(made, Pod)
        self.store.create(made)
        return Source(f"pod/{namespace}/{name}", ip, f"worker-{node}", namespace=namespace)

    def service(self, name: str = "web", ip: str = WEB_IP, namespace: str = "default", **spec: Any) -> Service:
        ingress = [{"ip": address} for address in spec.pop("ingress", ())]
        annotations = spec.pop("annotations", {})
        body = {"clusterIP": ip, "clusterIPs": [ip], "ports": [{"port": 80}], **spec}
        status = {"loadBalancer": {"ingress": ingress}}
        meta = {"name": name, "namespace": namespace, "annotations": annotations}
        made = decode({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": body, "status": status})
        assert isinstance(made, Service)
        return self.store.create(made)

    def slice(
        self,
        service: str = "web",
        *endpoints: Endpoint,
        namespace: str = "default",
        port: int = 8080,
        protocol: str = "TCP",
    ) -> EndpointSlice:
        """Put these endpoints in place of the Service's one slice."""
        made = decode(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": f"{service}-1",
                    "namespace": namespace,
                    "labels": {"kubernetes.io/service-name": service},
                },
                "addressType": "IPv4",
                "ports": [{"name": "", "port": port, "protocol": protocol}],
            }
        )
        assert isinstance(made, EndpointSlice)
        made = msgspec.structs.replace(made, endpoints=endpoints)
        if self.store.find(EndpointSlice, made.name, namespace) is None:
            return self.store.create(made)
        written = self.store.mutate(
            EndpointSlice, made.name, namespace, lambda old: msgspec.structs.replace(old, endpoints=endpoints)
        )
        assert written is not None
        return written

    def web(self, **spec: Any) -> SmallCluster:
        """Service `web` with a Pod on each of the first two nodes, programmed everywhere."""
        self.pod("web-1", 1, "10.244.0.2")
        self.pod("web-2", 2, "10.244.1.2")
        self.service(**spec)
        self.slice("web", endpoint("10.244.0.2", 1, "web-1"), endpoint("10.244.1.2", 2, "web-2"))
        return self.run()

    def events(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.journal.read().events if isinstance(event, kind)]

    def connect(self, source: Source, ip: str = WEB_IP, port: int = 80, protocol: str = "TCP", host: str = "") -> Flow:
        return self.network.connect(source, host or ip, ip, port, protocol)

    def explain(self, flow: Flow) -> Explanation:
        found = self.network.explain(flow.decision.id)
        assert found is not None
        return found

    def resolve(self, source: Source, host: str, wait_s: float = 30.0) -> DnsAnswer:
        """Look a name up and wait for the answer."""
        answers: list[DnsAnswer] = []
        self.network.resolve(source, host, answers.append)
        self.run(wait_s)
        assert len(answers) == 1
        return answers[0]


def endpoint(
    ip: str,
    node: int = 0,
    pod: str = "",
    *,
    ready: bool = True,
    serving: bool | None = None,
    terminating: bool = False,
    **more: Any,
) -> Endpoint:
    """An endpoint on `worker-NODE` (0: on no known node)."""
    from lab.kube.kinds.endpointslice import ObjectReference

    return Endpoint(
        addresses=(ip,),
        node_name=f"worker-{node}" if node else "",
        conditions=EndpointConditions(
            ready=ready, serving=ready if serving is None else serving, terminating=terminating
        ),
        target_ref=ObjectReference(kind="Pod", namespace="default", name=pod) if pod else None,
        **more,
    )
