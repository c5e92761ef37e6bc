"""Cluster IPs, node ports and families over create, update and delete: service_allocation.json."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.addresses import AddressPool, PoolError, band, node_port_pool
from lab.cluster.admission import Admission
from lab.cluster.ip_addresses import AddressKeeper
from lab.cluster.store import Invalid, Store
from lab.journal import Journal
from lab.kube.defaults import apply
from lab.kube.encode import encode
from lab.kube.ip import family_of
from lab.kube.kinds.ipaddress import IPAddress
from lab.kube.kinds.service import Service
from lab.settings import Settings
from tests.conformance.services import Case, features_for, service
from tests.conformance.test_service_defaults import value_at
from tests.conformance.vectors import FOLDER, cases

RANGES = {"IPv4": "10.0.0.0/16", "IPv6": "2000::/108"}
NUMBERS = ("spec.clusterIPs[0]", "spec.clusterIPs[1]", "spec.healthCheckNodePort")


class Cluster:
    """An empty cluster of the case's families, and the last stored Service."""

    def __init__(self, case: Case) -> None:
        settings = Settings(service_cidr=",".join(RANGES[family] for family in case["cluster"]["families"]))
        self.store = Store(Clock(), Journal(), settings)
        self.chain = Admission(settings, features=features_for(case))
        self.store.admission.append(self.chain.admit)
        self.store.released.append(self.chain.release)
        AddressKeeper(self.store, self.chain.addresses)
        self.last: Case = {}
        self.refused: list[str] = []
        """The fields for which the last step was refused."""

    def run(self, step: Case) -> Case | None:
        """The result of a step; None when it was refused."""
        self.refused = []
        try:
            return self._write(step)
        except Invalid as refused:
            self.refused = [error.path for error in refused.errors]
            return None

    def _write(self, step: Case) -> Case:
        found = service(step["object"])
        old = self.store.find(Service, found.name, found.namespace)
        if step["op"] == "delete":
            self.store.delete(Service, found.name, found.namespace)
            return {}
        if step["op"] == "create":
            if step.get("dry_run"):
                return encode(self.chain.admit(found, None, dry_run=True))
            return encode(self.store.create(found))
        assert old is not None
        meta = replace(found.metadata, **{name: getattr(old.metadata, name) for name in KEPT})
        found = replace(found, metadata=meta)
        if step.get("dry_run"):
            return encode(self.chain.admit(found, old, dry_run=True))
        return encode(self.store.update(found))

    def in_use(self, value: Any) -> bool:
        addresses = self.chain.addresses
        return addresses.ips.in_use(value) if isinstance(value, str) else addresses.node_ports.in_use(value)

    def account(self) -> Any:
        """Everything that is taken."""
        addresses = self.chain.addresses
        numbers = [number for number in range(30000, 32768) if addresses.node_ports.in_use(number)]
        return sorted(each.name for each in self.store.list(IPAddress)), len(addresses.ips), numbers


KEPT = ("uid", "resource_version", "creation_timestamp", "deletion_timestamp", "deletion_grace_period_seconds")


def numbers_of(result: Case) -> dict[str, Any]:
    """The allocated values of a result by path."""
    ports = (result.get("spec") or {}).get("ports") or []
    paths = [*NUMBERS, *(f"spec.ports[{index}].nodePort" for index in range(len(ports)))]
    found = {path: value_at(result, path) for path in paths}
    return {path: value for path, value in found.items() if value not in (None, "None")}


def check_field(path: str, wanted: Any, result: Case, before: Case, taken_before: Any) -> None:
    value = value_at(result, path)
    if not isinstance(wanted, dict):
        assert value == wanted, path
    elif wanted["$"] == "same-as":
        assert value == value_at(result, wanted["path"]), path
    elif wanted["$"] == "same-as-previous":
        assert value is not None, path
        assert value == value_at(before, wanted["path"]), path
    elif wanted["$"] == "allocated-ip":
        assert family_of(value) == wanted["family"], path
        assert value not in taken_before[0], path
        assert value in AddressPool(RANGES[wanted["family"]], random.Random(1)), path
    else:
        assert wanted["$"] == "allocated-node-port", path
        assert value in range(30000, 32768), path
        assert value not in taken_before[2], path


def given(step: Case, path: str) -> bool:
    """Whether the v1 defaults give the object of a step a field that it lacks, so that a client misses no error."""
    return value_at(step["object"], path) is None and value_at(encode(apply(service(step["object"]))), path) is not None


@pytest.mark.parametrize("case", cases("service_allocation.json"))
def test_a_sequence_of_writes(case: Case) -> None:
    cluster = Cluster(case)
    for step in case["steps"]:
        expect = {**step["expect"], **step.get("via_api", {})}
        before, account = cluster.last, cluster.account()
        result = cluster.run(step)
        assert (result is not None) == expect["ok"]
        if result is None and "error_fields" in expect:
            assert sorted(cluster.refused) == sorted(path for path in expect["error_fields"] if not given(step, path))
        for path, wanted in (expect.get("fields") or {}).items() if result is not None else ():
            check_field(path, wanted, result or {}, before, account)
        if result is None or expect.get("allocator_unchanged"):
            assert cluster.account() == account
        if "ip_family_count" in expect:
            assert len(value_at(result, "spec.ipFamilies") or ()) == expect["ip_family_count"]
        if "released" in expect:
            free = [path for path, value in numbers_of(before).items() if not cluster.in_use(value)]
            assert sorted(free) == sorted(expect["released"])
        if "object_removed" in expect:
            meta = step["object"]["metadata"]
            gone = cluster.store.find(Service, meta["name"], meta["namespace"]) is None
            assert gone == expect["object_removed"]
        if result and not step.get("dry_run"):
            cluster.last = result


def facts(*path: str) -> list[Any]:
    """A list of facts that stand beside the cases."""
    file = FOLDER / "service_allocation.json"
    if not file.is_file():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no vectors at {file}; set LAB_VECTORS"))]
    found = json.loads(file.read_text())["bands"]
    for name in path:
        found = found.get(name, [])
    return [pytest.param(fact, id=str(next(iter(fact.values())))) for fact in found]


@pytest.mark.parametrize("fact", facts("cluster_ip"))
def test_the_static_band_of_cluster_ips(fact: Case) -> None:
    assert band(fact["addresses"], divisor=16, most=256) == fact["static_band"]


@pytest.mark.parametrize("fact", facts("node_port"))
def test_the_static_band_of_node_ports(fact: Case) -> None:
    assert band(fact["range_size"], divisor=32, most=128) == fact["static_band"]
    if "range" in fact:
        pool = node_port_pool(fact["range"], random.Random(1))
        size = fact["range_size"]
        picks = [pool.pick() or 0 for _ in range(size)]
        edge = pool.first + fact["static_band"]
        assert all(number >= edge for number in picks[: size - fact["static_band"]])
        assert sorted(picks) == list(range(pool.first, pool.last + 1))
        if "static" in fact:
            assert fact["static"] == f"{pool.first}-{edge - 1}"


@pytest.mark.parametrize("fact", facts("ip_range_facts"))
def test_the_addresses_of_a_range(fact: Case) -> None:
    if "cidr" not in fact:
        pytest.skip("a rule in words")
    pool = AddressPool(fact["cidr"], random.Random(1))
    assert pool.free == fact["free"]
    for address in fact.get("rejected", []):
        with pytest.raises(PoolError):
            pool.take(address)
    if "dynamic_first" in fact:
        picks = [pool.pick() for _ in range(fact["free"])]
        lowest, highest = fact["static_last"]
        late = picks[fact["dynamic_first"] :]
        assert {lowest, highest} <= set(late)
        assert len(set(picks)) == len(picks) == fact["free"]


@pytest.mark.parametrize("fact", facts("port_range_facts"))
def test_the_ports_of_a_range(fact: Case) -> None:
    pool = node_port_pool(fact["range"], random.Random(1))
    assert pool.free == fact["free"]
    assert not any(number in pool for number in fact["rejected"])
