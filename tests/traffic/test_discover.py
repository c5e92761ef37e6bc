"""Calls found in environment and arguments, and ports that an app must be listening on."""

from __future__ import annotations

import pytest

from lab.kube.kinds.pod import Container, ContainerPort, EnvVar, HTTPGetAction, Pod, PodSpec, Probe
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import ObjectMeta
from lab.traffic.discover import Meant, Mention, call_url, listening, meanings, mentions


def container(*values: str, args: tuple[str, ...] = (), command: tuple[str, ...] = ()) -> Container:
    env = tuple(EnvVar(name=f"E{i}", value=value) for i, value in enumerate(values))
    return Container(name="main", env=env, args=args, command=command)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("cart:7070", Mention("cart", 7070)),
        ("http://api.shop.svc.cluster.local/v1", Mention("api.shop.svc.cluster.local", 0, "http")),
        ("postgres://user:secret@db:5432/shop", Mention("db", 5432, "postgres")),
        ("root:pw@tcp(mysql:3306)/shop", Mention("mysql", 3306)),
        ("wordpress-mysql", Mention("wordpress-mysql")),
    ],
)
def test_hosts_in_environment_values(value: str, expected: Mention) -> None:
    assert expected in mentions(container(value))


@pytest.mark.parametrize(
    "value", ["-Xms64m -Djava.security.egd=file:/dev/urandom", "PLAINTEXT://:9092", "12:30:59", "Hello, World", ""]
)
def test_what_only_looks_like_a_host(value: str) -> None:
    assert mentions(container(value)) == ()


def test_hosts_in_arguments_and_shell_scripts() -> None:
    script = "while true; do locust --host http://front-end.sock-shop.svc.cluster.local -f x.py; done"
    assert mentions(container(args=("-c", script)))[0].host == "front-end.sock-shop.svc.cluster.local"
    assert Mention("ldap") in mentions(container(args=("-server", "ldap")))
    assert Mention("api", 8080) in mentions(container(command=("run", "--upstream=api:8080")))
    assert Mention("api") in mentions(container(command=("run", "--upstream=api")))


def test_the_program_itself_is_no_host() -> None:
    assert mentions(container(command=("frontend",))) == ()


def test_a_list_of_hosts_is_known_for_one() -> None:
    found = mentions(container("mongodb://m-0.m:27017,m-1.m:27017/shop", "m-1.m:27017", "a:1,a:2"))
    assert [(each.host, each.after) for each in found] == [("m-0.m", ""), ("m-1.m", ""), ("a", "")]
    assert mentions(container("k-0.k:9092,k-1.k:9092"))[1] == Mention("k-1.k", 9092, after="k-0.k")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("db", [Meant("shop", "db")]),
        ("db.data", [Meant("data", "db"), Meant("shop", "data", "db")]),
        ("db.data.svc", [Meant("data", "db")]),
        ("db.data.svc.cluster.local.", [Meant("data", "db")]),
        ("pg-0.pg", [Meant("pg", "pg-0"), Meant("shop", "pg", "pg-0")]),
        ("pg-0.pg.data", [Meant("data", "pg", "pg-0")]),
        ("pg-0.pg.data.svc", [Meant("data", "pg", "pg-0")]),
        ("pg-0.pg.data.svc.cluster.local", [Meant("data", "pg", "pg-0")]),
        ("one.two.three.example.com", []),
        ("", []),
    ],
)
def test_which_service_a_host_may_mean(host: str, expected: list[Meant]) -> None:
    assert list(meanings(host, "shop", "cluster.local")) == expected


@pytest.mark.parametrize(
    ("mention", "port", "expected"),
    [
        (Mention("web"), ServicePort(port=8080), "http://web:8080"),
        (Mention("db"), ServicePort(port=5432), "tcp://db:5432"),
        (Mention("dns"), ServicePort(port=1812, protocol="UDP"), "udp://dns:1812"),
        (Mention("web", 9000), ServicePort(port=80), "http://web:9000"),
        (Mention("web", 0, "grpc"), ServicePort(port=80), "grpc://web:80"),
        (Mention("db", 5432, "postgres"), ServicePort(port=5432), "tcp://db:5432"),
    ],
)
def test_how_a_service_is_called(mention: Mention, port: ServicePort, expected: str) -> None:
    assert call_url(mention, Service(spec=ServiceSpec(ports=(port,)))) == expected


def listens(*containers: Container, services: tuple[Service, ...] = ()) -> list[tuple[str, int]]:
    pod = Pod(metadata=ObjectMeta(name="p"), spec=PodSpec(containers=containers))
    return list(listening(pod, containers[0], lambda: iter(services)))


def service(port: int, target: int | str | None = None, protocol: str = "TCP") -> Service:
    return Service(spec=ServiceSpec(ports=(ServicePort(port=port, target_port=target, protocol=protocol),)))


def test_an_app_listens_on_its_container_ports() -> None:
    ports = (ContainerPort(container_port=80), ContainerPort(container_port=53, protocol="UDP"))
    assert listens(Container(name="a", ports=ports)) == [("TCP", 80), ("UDP", 53)]


def test_an_app_that_declares_nothing_listens_where_its_services_point() -> None:
    assert listens(Container(name="a"), services=(service(80, 8080), service(443, "https"))) == [("TCP", 8080)]
    assert listens(Container(name="a"), services=(service(9000),)) == [("TCP", 9000)]


def test_a_wrong_target_port_stays_wrong() -> None:
    declared = Container(name="a", ports=(ContainerPort(container_port=8080),))
    assert listens(declared, services=(service(80, 9090),)) == [("TCP", 8080)]


def test_a_declared_port_is_also_served_under_the_protocol_of_a_service() -> None:
    declared = Container(name="a", ports=(ContainerPort(container_port=1812),))
    assert ("UDP", 1812) in listens(declared, services=(service(1812, 1812, "UDP"),))


def test_a_sidecar_without_ports_does_not_take_those_of_the_services() -> None:
    sidecar, main = Container(name="sidecar"), Container(name="a", ports=(ContainerPort(container_port=80),))
    assert listens(sidecar, main, services=(service(80, 8080),)) == []


def test_a_port_that_is_probed_is_listened_on_where_none_is_declared() -> None:
    probe = Probe(http_get=HTTPGetAction(port=8181))
    assert listens(Container(name="a", readiness_probe=probe)) == [("TCP", 8181)]


def test_a_probe_of_another_port_than_the_declared_one_stays_wrong() -> None:
    wrong = Probe(http_get=HTTPGetAction(port=9999))
    web = Container(name="web", ports=(ContainerPort(container_port=80),), readiness_probe=wrong)
    assert listens(web) == [("TCP", 80)]
