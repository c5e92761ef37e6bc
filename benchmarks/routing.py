"""The router alone, and a whole connection: route, links, conntrack, decision, journal."""

from __future__ import annotations

import random
import statistics
import time

from benchmarks._cluster import settled
from benchmarks.row import Row
from lab.engine import Engine
from lab.kube.kinds.service import Service
from lab.network.packet import Packet
from lab.network.router import route
from lab.traffic.app import AppSpec

PACKETS = 100_000
ROUNDS = 5
_CLIENT = "pod/client"


def _routes_per_s(engine: Engine, cluster_ip: str) -> float:
    source = engine.traffic.sources.find(_CLIENT)
    host = engine.network.hosts[source.node]
    table, facts, draw = host.proxy.table, host.facts, random.Random(1).random
    packet = Packet(source.ip, 40000, cluster_ip, 80)
    began = time.perf_counter()
    for _ in range(PACKETS):
        route(table, facts, packet, draw())
    return PACKETS / (time.perf_counter() - began)


def _connections_per_s(engine: Engine, cluster_ip: str) -> float:
    source, network = engine.traffic.sources.find(_CLIENT), engine.network
    began = time.perf_counter()
    for _ in range(PACKETS):
        network.close(network.connect(source, "web", cluster_ip, 80))
    return PACKETS / (time.perf_counter() - began)


def run() -> list[Row]:
    """Packets and connections a second from a Pod to a cluster IP with three endpoints."""
    engine = settled(AppSpec(image="bench/web"), replicas=3)
    cluster_ip = engine.store.get(Service, "web").spec.cluster_ip
    routes, connections = [], []
    for _ in range(ROUNDS):
        routes.append(_routes_per_s(engine, cluster_ip))
        connections.append(_connections_per_s(engine, cluster_ip))
        engine.run_for(130.0)  # TIME_WAIT is over: each round begins with an empty conntrack table
    return [
        Row("route(packet)", statistics.median(routes), "packets/s", "one node's rules, 3 endpoints"),
        Row("connect() and close()", statistics.median(connections), "flows/s", "route, links, conntrack, journal"),
    ]
