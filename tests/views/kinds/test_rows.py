"""What a row of each kind says, and how it is doing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lab.kube.kinds import KINDS
from lab.kube.kinds.configmap import ConfigMap
from lab.kube.kinds.controllerrevision import ControllerRevision
from lab.kube.kinds.cronjob import CronJob, CronJobSpec, CronJobStatus
from lab.kube.kinds.daemonset import DaemonSet, DaemonSetStatus
from lab.kube.kinds.deployment import Deployment, DeploymentSpec, DeploymentStatus
from lab.kube.kinds.endpoints import EndpointAddress, Endpoints, EndpointsPort, EndpointSubset
from lab.kube.kinds.endpointslice import (
    SERVICE_NAME_LABEL,
    Endpoint,
    EndpointConditions,
    EndpointPort,
    EndpointSlice,
)
from lab.kube.kinds.job import Job, JobCondition, JobSpec, JobStatus
from lab.kube.kinds.node import Node, NodeAddress, NodeSpec, NodeStatus
from lab.kube.kinds.secret import Secret, encoded
from lab.kube.kinds.service import (
    LoadBalancerIngress,
    LoadBalancerStatus,
    Service,
    ServicePort,
    ServiceSpec,
    ServiceStatus,
)
from lab.kube.meta import Condition, KeptObject, ObjectMeta, OwnerReference
from lab.views.kinds import VIEWS, describe, view_of
from tests.views.kinds.world import READY, RUNNING, context, pod, state, status

META = ObjectMeta(name="web", namespace="default", creation_timestamp=0.0)


def service(**spec: object) -> Service:
    given = ServiceSpec(**{"cluster_ip": "10.96.0.12", "selector": {"app": "web"}, **spec})  # type: ignore[arg-type]
    return Service(metadata=META, spec=given)


def endpoint_slice(*ready: bool) -> EndpointSlice:
    return EndpointSlice(
        metadata=ObjectMeta(name="web-x", namespace="default", labels={SERVICE_NAME_LABEL: "web"}),
        endpoints=tuple(
            Endpoint(addresses=(f"10.244.1.{number}",), conditions=EndpointConditions(ready=one))
            for number, one in enumerate(ready, 1)
        ),
        ports=(EndpointPort(port=8080),),
    )


def test_every_simulated_kind_has_a_view() -> None:
    assert {view.struct for view in VIEWS} == {kind.struct for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_row_has_a_cell_for_each_column_and_nothing_fails_on_an_empty_object(kind) -> None:
    view, obj, seen = view_of(kind.name), kind.struct(), context()
    row = view.row(obj, seen)
    assert len(row) == len(view.columns) + len(view.wide)
    assert view.health(obj, seen) in ("ok", "warn", "bad", "busy", "dim")
    assert len(view.glyph(obj, seen)) == 1
    assert describe(obj, seen)[-1] == "Events:  <none>"


def test_a_kind_without_a_view_has_name_and_age() -> None:
    obj = KeptObject(api_version="networking.k8s.io/v1", kind="Ingress", metadata=META)
    assert view_of("Ingress").row(obj, context(5.0)) == ("web", "5s")


def test_a_secret_shows_how_long_its_values_are_and_never_the_values() -> None:
    secret = Secret(metadata=META, type="Opaque", data={"password": encoded("hunter2")})
    lines = describe(secret, context())
    assert "password:  7 bytes" in lines
    assert not any("hunter2" in line or encoded("hunter2") in line for line in lines)
    assert view_of("Secret").row(secret, context(5.0)) == ("web", "Opaque", "1", "5s")


def test_a_config_map_shows_its_values() -> None:
    config_map = ConfigMap(metadata=META, data={"URL": "http://api"}, binary_data={"key": encoded("12345")})
    lines = describe(config_map, context())
    assert lines[lines.index("URL:") :][:3] == ["URL:", "----", "http://api"]
    assert "key: 5 bytes" in lines
    assert view_of("ConfigMap").row(config_map, context(5.0)) == ("web", "2", "5s")


def test_a_pods_restarts_say_when_the_last_was() -> None:
    row = view_of("Pod").row(pod(status(state("running"), ready=True, restarts=2), ready=True), context(70.0))
    assert row[:5] == ("web-1", "1/1", "Running", "2 (60s ago)", "70s")


def test_a_pods_health() -> None:
    view, seen = view_of("Pod"), context()
    assert view.health(pod(RUNNING, ready=True), seen) == "ok"
    assert view.health(pod(status(state("waiting", "CrashLoopBackOff"))), seen) == "bad"
    assert view.health(pod(phase="Succeeded"), seen) == "dim"


@pytest.mark.parametrize(
    ("subject", "cells"),
    [
        (service(ports=(ServicePort(port=80),)), ("ClusterIP", "10.96.0.12", "<none>", "80/TCP")),
        (
            service(
                type="NodePort", ports=(ServicePort(port=80, node_port=30080), ServicePort(port=53, protocol="UDP"))
            ),
            ("NodePort", "10.96.0.12", "<none>", "80:30080/TCP,53/UDP"),
        ),
        (service(type="LoadBalancer"), ("LoadBalancer", "10.96.0.12", "<pending>", "<none>")),
        (service(external_ips=("192.0.2.99",)), ("ClusterIP", "10.96.0.12", "192.0.2.99", "<none>")),
        (service(cluster_ip="None"), ("ClusterIP", "None", "<none>", "<none>")),
        (
            service(type="ExternalName", cluster_ip="", external_name="db.example.com"),
            ("ExternalName", "<none>", "db.example.com", "<none>"),
        ),
    ],
)
def test_a_services_addresses_and_ports(subject: Service, cells: tuple[str, ...]) -> None:
    assert view_of("Service").row(subject, context())[1:5] == cells


def test_a_balancers_address_takes_the_place_of_pending() -> None:
    balanced = ServiceStatus(load_balancer=LoadBalancerStatus(ingress=(LoadBalancerIngress(ip="203.0.113.10"),)))
    subject = Service(metadata=META, spec=ServiceSpec(type="LoadBalancer"), status=balanced)
    assert view_of("Service").row(subject, context())[3] == "203.0.113.10"


@pytest.mark.parametrize(
    ("ready", "health"), [((True, True), "ok"), ((True, False), "warn"), ((False,), "bad"), ((), "bad")]
)
def test_a_service_is_as_well_as_its_endpoints(ready: tuple[bool, ...], health: str) -> None:
    seen = context()
    seen.store.create(endpoint_slice(*ready))
    assert view_of("Service").health(service(), seen) == health


def test_describing_a_service_lists_the_ready_endpoints_of_each_port() -> None:
    seen = context()
    seen.store.create(endpoint_slice(True, False, True, True, True))
    lines = describe(service(ports=(ServicePort(port=80, target_port=8080),)), seen)
    endpoints = next(line for line in lines if line.startswith("Endpoints:"))
    assert endpoints.split(maxsplit=1)[1] == "10.244.1.1:8080,10.244.1.3:8080,10.244.1.4:8080 + 1 more..."


def test_an_endpointslice_shows_three_addresses_and_how_many_more() -> None:
    row = view_of("EndpointSlice").row(endpoint_slice(*[True] * 5), context())
    assert row[2:4] == ("8080", "10.244.1.1,10.244.1.2,10.244.1.3 + 2 more...")
    assert view_of("EndpointSlice").row(EndpointSlice(metadata=META), context())[2:4] == ("<unset>", "<unset>")


def test_an_endpoints_object_shows_who_is_ready() -> None:
    """formatEndpoints in pkg/printers/internalversion: nothing ready is an empty cell, no subset at all is <none>."""
    one, ports = (EndpointAddress(ip="10.244.1.1"),), (EndpointsPort(port=8080),)
    six = (EndpointAddress(ip="fd00::1"),)
    shown = {
        "<none>": (),
        "": (EndpointSubset(not_ready_addresses=one, ports=ports),),
        "10.244.1.1": (EndpointSubset(addresses=one),),
        "10.244.1.1:8080,[fd00::1]:8080": (EndpointSubset(addresses=one + six, ports=ports),),
    }
    for text, subsets in shown.items():
        assert view_of("Endpoints").row(Endpoints(metadata=META, subsets=subsets), context())[1] == text


def test_a_node() -> None:
    addresses = (NodeAddress(type="InternalIP", address="172.18.0.11"),)
    up = NodeStatus(conditions=READY, addresses=addresses, extra={"nodeInfo": {"kubeletVersion": "v1.37.0"}})
    view, seen = view_of("Node"), context()
    ready = Node(metadata=META, status=up)
    assert view.row(ready, seen)[1:7] == ("Ready", "<none>", "0s", "v1.37.0", "172.18.0.11", "<none>")
    cordoned = Node(metadata=META, spec=NodeSpec(unschedulable=True), status=up)
    assert (view.row(cordoned, seen)[1], view.health(cordoned, seen)) == ("Ready,SchedulingDisabled", "warn")
    silent = Node(metadata=META, status=NodeStatus(conditions=(Condition(type="Ready", status="Unknown"),)))
    assert (view.row(silent, seen)[1], view.health(silent, seen)) == ("NotReady", "bad")


@pytest.mark.parametrize(
    ("wanted", "available", "updated", "health"),
    [(3, 3, 3, "ok"), (3, 3, 1, "busy"), (3, 2, 3, "warn"), (3, 0, 3, "bad"), (0, 0, 0, "dim")],
)
def test_a_deployment(wanted: int, available: int, updated: int, health: str) -> None:
    subject = Deployment(
        metadata=META,
        spec=DeploymentSpec(replicas=wanted),
        status=DeploymentStatus(ready_replicas=available, available_replicas=available, updated_replicas=updated),
    )
    view = view_of("Deployment")
    assert view.row(subject, context())[1:4] == (f"{available}/{wanted}", str(updated), str(available))
    assert view.health(subject, context()) == health


def test_equal_events_are_counted_together() -> None:
    seen = context(30.0)
    made = seen.store.create(pod(RUNNING, ready=True))
    for _ in range(3):
        seen.store.note(made, "Unhealthy", "Readiness probe failed", type="Warning", component="kubelet")
    *_, last = describe(made, seen)
    assert " ".join(last.split()) == "Warning Unhealthy 30s (x3 over 30s) kubelet Readiness probe failed"


# -- Jobs and their like ----------------------------------------------------------------------------------------------


def job(*conditions: str, succeeded: int = 0, **spec: object) -> Job:
    found = tuple(JobCondition(type=one, status="True") for one in conditions)
    status = JobStatus(conditions=found, succeeded=succeeded, start_time=0.0)
    return Job(metadata=META, spec=JobSpec(**spec), status=status)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("conditions", "word", "health"),
    [
        ((), "Running", "busy"),
        (("Suspended",), "Suspended", "dim"),
        (("SuccessCriteriaMet",), "SuccessCriteriaMet", "busy"),
        (("SuccessCriteriaMet", "Complete"), "Complete", "dim"),
        (("FailureTarget",), "FailureTarget", "bad"),
        (("FailureTarget", "Failed"), "Failed", "bad"),
    ],
)
def test_a_jobs_status(conditions: tuple[str, ...], word: str, health: str) -> None:
    view, subject = view_of("Job"), job(*conditions, completions=1)
    assert view.row(subject, context())[1] == word
    assert view.health(subject, context()) == health


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"completions": 5, "parallelism": 2}, "2/5"),
        ({"parallelism": 1}, "2/1"),
        ({"parallelism": 3}, "2/1 of 3"),
    ],
)
def test_a_jobs_completions(spec: dict[str, int], text: str) -> None:
    assert view_of("Job").row(job(succeeded=2, **spec), context())[2] == text


def test_a_jobs_duration_stops_when_it_is_complete() -> None:
    running = job()
    assert view_of("Job").row(running, context(90.0))[3] == "90s"
    done = replace(running, status=replace(running.status, completion_time=30.0))
    assert view_of("Job").row(done, context(90.0))[3] == "30s"
    waiting = replace(running, status=replace(running.status, start_time=None))
    assert view_of("Job").row(waiting, context(90.0))[3] == ""


def test_a_cron_job() -> None:
    spec = CronJobSpec(schedule="@hourly", time_zone="Europe/Berlin", suspend=True)
    subject = CronJob(metadata=META, spec=spec, status=CronJobStatus(last_schedule_time=60.0))
    view = view_of("CronJob")
    assert view.row(subject, context(90.0))[1:6] == ("@hourly", "Europe/Berlin", "True", "0", "30s")
    assert view.health(subject, context()) == "dim"
    assert view.row(CronJob(metadata=META), context())[5] == "<none>"


@pytest.mark.parametrize(
    ("desired", "available", "updated", "health"),
    [(3, 3, 3, "ok"), (3, 3, 1, "busy"), (3, 1, 3, "warn"), (3, 0, 3, "bad"), (0, 0, 0, "dim")],
)
def test_a_daemon_set(desired: int, available: int, updated: int, health: str) -> None:
    status = DaemonSetStatus(
        desired_number_scheduled=desired,
        current_number_scheduled=desired,
        number_ready=available,
        number_available=available,
        updated_number_scheduled=updated,
    )
    view, subject = view_of("DaemonSet"), DaemonSet(metadata=META, status=status)
    assert view.row(subject, context())[1:6] == tuple(map(str, (desired, desired, available, updated, available)))
    assert view.health(subject, context()) == health


def test_a_controller_revision_says_whose_it_is() -> None:
    owner = OwnerReference(api_version="apps/v1", kind="DaemonSet", name="agent", controller=True)
    subject = ControllerRevision(metadata=replace(META, owner_references=(owner,)), revision=4)
    assert view_of("ControllerRevision").row(subject, context())[1:3] == ("daemonset.apps/agent", "4")
