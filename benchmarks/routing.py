"""The router alone, among few and many Services, and a whole connection: links, conntrack, decision, journal."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from itertools import cycle, islice

from benchmarks._cluster import settled
from benchmarks.row import Row
from lab.engine import Engine
from lab.kube.kinds.service import Service
from lab.network.addresses import join
from lab.network.endpoints import EndpointInfo
from lab.network.node_facts import NodeFacts
from lab.network.packet import Packet
from lab.network.router import route
from lab.network.rule_table import RuleTable
from lab.network.service_rules import ServicePortRule
from lab.traffic.app import AppSpec

PACKETS = 100_000
FEW, MANY = 10, 10_000
ROUNDS = 7
_CLIENT = "pod/client"


def _routes_per_s(table: RuleTable, facts: NodeFacts, destinations: Sequence[str]) -> float:
    draw = random.Random(1).random
    packets = [Packet("10.244.0.9", 40000 + number, ip, 80) for number, ip in enumerate(destinations)]
    began = time.perf_counter()
    for packet in islice(cycle(packets), PACKETS):
        route(table, facts, packet, draw())
    return PACKETS / (time.perf_counter() - began)


def _table(services: int) -> tuple[RuleTable, list[str]]:
    """The rules of so many Services with three endpoints each, and their cluster IPs in no order."""
    table, ips = RuleTable(), []
    for number in range(services):
        ips.append(f"10.{100 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}")
        pods = [f"10.244.{node}.{number % 250 + 2}" for node in range(3)]
        endpoints = tuple(EndpointInfo(join(pod, 8080), pod, 8080) for pod in pods)
        rule = ServicePortRule(f"default/web-{number}", "", "TCP", 80, ips[-1], endpoints=endpoints)
        table = table.with_service(rule.service, (rule,))
    random.Random(1).shuffle(ips)
    return table, ips


def _connections_per_s(engine: Engine, cluster_ip: str) -> float:
    source, network = engine.traffic.sources.find(_CLIENT), engine.network
    began = time.perf_counter()
    for _ in range(PACKETS):
        network.close(network.connect(source, "web", cluster_ip, 80))
    return PACKETS / (time.perf_counter() - began)


def run() -> list[Row]:
    """Packets and connections a second from a Pod to cluster IPs with three endpoints, each in its best round."""
    engine = settled(AppSpec(image="bench/web"), replicas=3)
    cluster_ip = engine.store.get(Service, "web").spec.cluster_ip
    host = engine.network.hosts["worker-1"]
    few, many = _table(FEW), _table(MANY)
    alone, among_few, among_many, all_of_many, connections = [], [], [], [], []
    for _ in range(ROUNDS):
        alone.append(_routes_per_s(host.proxy.table, host.facts, [cluster_ip]))
        among_few.append(_routes_per_s(few[0], host.facts, few[1]))
        among_many.append(_routes_per_s(many[0], host.facts, many[1][:FEW]))
        all_of_many.append(_routes_per_s(many[0], host.facts, many[1]))
        connections.append(_connections_per_s(engine, cluster_ip))
        engine.run_for(130.0)  # TIME_WAIT is over: each round begins with an empty conntrack table
    # The best round: what else runs on the machine only takes away.
    return [
        Row("route(packet)", max(alone), "packets/s", "one node's rules, 3 endpoints"),
        Row(f"route(packet) among {FEW:,} Services", max(among_few), "packets/s", "all of them in turn"),
        Row(f"route(packet) among {MANY:,} Services", max(among_many), "packets/s", f"{FEW} of them in turn: flat"),
        Row(f"route(packet) to {MANY:,} Services", max(all_of_many), "packets/s", "all in turn: the CPU's caches miss"),
        Row("connect() and close()", max(connections), "flows/s", "route, links, conntrack, journal"),
    ]
