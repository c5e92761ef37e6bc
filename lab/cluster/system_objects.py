"""What stands in `kube-system` before anybody applies anything: namespaces and the cluster's DNS."""

from __future__ import annotations

from lab.kube.kinds.deployment import Deployment, DeploymentSpec
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.pod import (
    Container,
    ContainerPort,
    HTTPGetAction,
    PodSpec,
    PodTemplateSpec,
    Probe,
    ResourceRequirements,
    Toleration,
    TopologySpreadConstraint,
)
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.kinds.servicecidr import DEFAULT_SERVICE_CIDR, ServiceCIDR, ServiceCIDRSpec
from lab.kube.meta import KubeObject, LabelSelector, ObjectMeta
from lab.kube.struct import IntOrString
from lab.kube.versions import features_of
from lab.settings import Settings

SYSTEM_NAMESPACE = "kube-system"
NAMESPACES = ("default", SYSTEM_NAMESPACE, "kube-public", "kube-node-lease")
DNS_LABELS = {"k8s-app": "kube-dns"}
DNS_IMAGE = "registry.k8s.io/coredns/coredns:v1.12.0"


def system_objects(settings: Settings) -> list[KubeObject]:
    """Namespaces, then CoreDNS as kubeadm sets it up: two replicas behind the Service `kube-dns`."""
    found: list[KubeObject] = [Namespace(metadata=ObjectMeta(name=name)) for name in NAMESPACES]
    if features_of(settings.kubernetes).multi_cidr_service_allocator:
        found.append(default_service_cidr(settings))
    return [*found, _dns_deployment(), _dns_service(settings)]


def default_service_cidr(settings: Settings) -> ServiceCIDR:
    """The ServiceCIDR that the API server makes of its own settings (KEP-1880)."""
    cidrs = tuple(cidr.strip() for cidr in settings.service_cidr.split(","))
    return ServiceCIDR(metadata=ObjectMeta(name=DEFAULT_SERVICE_CIDR), spec=ServiceCIDRSpec(cidrs=cidrs))


def _dns_deployment() -> Deployment:
    selector = LabelSelector(match_labels=DNS_LABELS)
    requests: dict[str, IntOrString | float] = {"cpu": "100m", "memory": "70Mi"}
    container = Container(
        name="coredns",
        image=DNS_IMAGE,
        ports=(
            ContainerPort(name="dns", container_port=53, protocol="UDP"),
            ContainerPort(name="dns-tcp", container_port=53),
            ContainerPort(name="health", container_port=8080),
            ContainerPort(name="ready", container_port=8181),
        ),
        readiness_probe=Probe(http_get=HTTPGetAction(path="/ready", port=8181)),
        resources=ResourceRequirements(requests=requests),
    )
    spread = TopologySpreadConstraint(
        topology_key="kubernetes.io/hostname", when_unsatisfiable="ScheduleAnyway", label_selector=selector
    )
    return Deployment(
        metadata=ObjectMeta(name="coredns", namespace=SYSTEM_NAMESPACE, labels=DNS_LABELS),
        spec=DeploymentSpec(
            replicas=2,
            selector=selector,
            template=PodTemplateSpec(
                metadata=ObjectMeta(labels=DNS_LABELS),
                spec=PodSpec(
                    containers=(container,),
                    tolerations=(Toleration(key="CriticalAddonsOnly", operator="Exists"),),
                    topology_spread_constraints=(spread,),
                ),
            ),
        ),
    )


def _dns_service(settings: Settings) -> Service:
    return Service(
        metadata=ObjectMeta(name="kube-dns", namespace=SYSTEM_NAMESPACE, labels=DNS_LABELS),
        spec=ServiceSpec(
            selector=DNS_LABELS,
            cluster_ip=settings.cluster_dns_ip,
            ports=(
                ServicePort(name="dns", port=53, protocol="UDP", target_port=53),
                ServicePort(name="dns-tcp", port=53, target_port=53),
            ),
        ),
    )
