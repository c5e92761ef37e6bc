"""core/v1 Pod: containers, probes, lifecycle, scheduling wishes and status."""

from __future__ import annotations

import msgspec

from lab.kube.kinds.affinity import Affinity
from lab.kube.meta import Condition, KubeObject, LabelSelector, ObjectMeta
from lab.kube.struct import IntOrString, KubeStruct, Quantity, Timestamp


class ContainerPort(KubeStruct, frozen=True):
    """A port that a container says it listens on; a name can be a Service's targetPort."""

    container_port: int
    name: str = ""
    protocol: str = "TCP"
    host_port: int | None = None
    host_ip: str = msgspec.field(default="", name="hostIP")


class KeySelector(KubeStruct, frozen=True):
    """A key of a ConfigMap or Secret in the Pod's namespace."""

    name: str = ""
    key: str = ""
    optional: bool | None = None


class ObjectFieldSelector(KubeStruct, frozen=True):
    """A field of the Pod itself, such as `metadata.namespace`."""

    field_path: str = ""


class EnvVarSource(KubeStruct, frozen=True):
    """Where a variable's value comes from."""

    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None
    field_ref: ObjectFieldSelector | None = None


class EnvVar(KubeStruct, frozen=True):
    """An environment variable; `value` may refer to earlier ones as `$(NAME)`."""

    name: str
    value: str = ""
    value_from: EnvVarSource | None = None


class ObjectSelector(KubeStruct, frozen=True):
    """A whole ConfigMap or Secret in the Pod's namespace."""

    name: str = ""
    optional: bool | None = None


class EnvFromSource(KubeStruct, frozen=True):
    """A ConfigMap or Secret whose keys all become variables, with a prefix before their names."""

    prefix: str = ""
    config_map_ref: ObjectSelector | None = None
    secret_ref: ObjectSelector | None = None


class HTTPGetAction(KubeStruct, frozen=True):
    """Success is any status from 200 to 399."""

    port: IntOrString
    path: str = "/"
    scheme: str = "HTTP"
    host: str = ""


class TCPSocketAction(KubeStruct, frozen=True):
    """Success is an accepted connection."""

    port: IntOrString
    host: str = ""


class ExecAction(KubeStruct, frozen=True):
    """Success is exit status 0."""

    command: tuple[str, ...] = ()


class GRPCAction(KubeStruct, frozen=True):
    """Success is SERVING from the gRPC health service."""

    port: int
    service: str = ""


class Probe(KubeStruct, frozen=True):
    """How a kubelet finds out whether a container is started, ready or alive; times in seconds."""

    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    exec: ExecAction | None = None
    grpc: GRPCAction | None = None
    initial_delay_seconds: float | None = None
    timeout_seconds: float | None = None
    period_seconds: float | None = None
    success_threshold: int | None = None
    failure_threshold: int | None = None
    termination_grace_period_seconds: float | None = None


class SleepAction(KubeStruct, frozen=True):
    """KEP-3960: wait this many seconds."""

    seconds: float = 0


class LifecycleHandler(KubeStruct, frozen=True):
    """What runs after the start or before the stop of a container."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    sleep: SleepAction | None = None


class Lifecycle(KubeStruct, frozen=True):
    """postStart and preStop hooks."""

    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None


class ResourceRequirements(KubeStruct, frozen=True):
    """Quantities by resource name; the scheduler counts requests."""

    requests: dict[str, Quantity] = {}
    limits: dict[str, Quantity] = {}


class Container(KubeStruct, frozen=True):
    """One container of a Pod."""

    name: str
    image: str = ""
    image_pull_policy: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    env_from: tuple[EnvFromSource, ...] = ()
    env: tuple[EnvVar, ...] = ()
    resources: ResourceRequirements = msgspec.field(default_factory=ResourceRequirements)
    startup_probe: Probe | None = None
    readiness_probe: Probe | None = None
    liveness_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    restart_policy: str | None = None


class Toleration(KubeStruct, frozen=True):
    """Lets a Pod stay with a taint, for `toleration_seconds` when that is set."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""
    toleration_seconds: float | None = None


class TopologySpreadConstraint(KubeStruct, frozen=True):
    """How unevenly Pods of a selector may lie over nodes or zones."""

    max_skew: int = 1
    topology_key: str = ""
    when_unsatisfiable: str = "DoNotSchedule"
    label_selector: LabelSelector | None = None


class PodReadinessGate(KubeStruct, frozen=True):
    """A condition of its own that must be True before the Pod is Ready."""

    condition_type: str


class HostAlias(KubeStruct, frozen=True):
    """A line of the Pod's /etc/hosts, which beats DNS."""

    ip: str
    hostnames: tuple[str, ...] = ()


class PodDNSConfigOption(KubeStruct, frozen=True):
    """A line of `options` in resolv.conf, such as ndots with the value "2"."""

    name: str = ""
    value: str | None = None


class PodDNSConfig(KubeStruct, frozen=True):
    """What the Pod's resolv.conf has beyond its dnsPolicy; with the policy None it is all there is."""

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[PodDNSConfigOption, ...] = ()


class PodSpec(KubeStruct, frozen=True):
    """What is to run, where, and how it may end."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    restart_policy: str = "Always"
    termination_grace_period_seconds: float | None = None
    node_name: str = ""
    node_selector: dict[str, str] = {}
    affinity: Affinity | None = None
    tolerations: tuple[Toleration, ...] = ()
    topology_spread_constraints: tuple[TopologySpreadConstraint, ...] = ()
    readiness_gates: tuple[PodReadinessGate, ...] = ()
    host_network: bool = False
    hostname: str = ""
    subdomain: str = ""
    dns_policy: str = "ClusterFirst"
    dns_config: PodDNSConfig | None = None
    host_aliases: tuple[HostAlias, ...] = ()
    enable_service_links: bool | None = None


class PodTemplateSpec(KubeStruct, frozen=True):
    """What a controller makes Pods from."""

    metadata: ObjectMeta = msgspec.field(default_factory=ObjectMeta)
    spec: PodSpec = msgspec.field(default_factory=PodSpec)


class PodIP(KubeStruct, frozen=True):
    """One address of a Pod."""

    ip: str


class ContainerState(KubeStruct, frozen=True):
    """Exactly one of waiting, running and terminated, told by `state`."""

    state: str = "waiting"
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    started_at: Timestamp | None = None
    finished_at: Timestamp | None = None


class ContainerStatus(KubeStruct, frozen=True):
    """What the kubelet knows of one container."""

    name: str
    image: str = ""
    ready: bool = False
    started: bool = False
    restart_count: int = 0
    state: ContainerState = msgspec.field(default_factory=ContainerState)
    last_state: ContainerState | None = None


class PodStatus(KubeStruct, frozen=True):
    """Pending, Running, Succeeded, Failed or Unknown, and the details."""

    phase: str = "Pending"
    conditions: tuple[Condition, ...] = ()
    reason: str = ""
    message: str = ""
    host_ip: str = msgspec.field(default="", name="hostIP")
    pod_ip: str = msgspec.field(default="", name="podIP")
    pod_ips: tuple[PodIP, ...] = msgspec.field(default=(), name="podIPs")
    start_time: Timestamp | None = None
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()


class Pod(KubeObject, frozen=True):
    """The smallest thing that is scheduled: containers with one address."""

    api_version: str = "v1"
    kind: str = "Pod"
    spec: PodSpec = msgspec.field(default_factory=PodSpec)
    status: PodStatus = msgspec.field(default_factory=PodStatus)

    @property
    def ready(self) -> bool:
        """Whether the Ready condition is True."""
        return any(c.type == "Ready" and c.status == "True" for c in self.status.conditions)

    @property
    def terminating(self) -> bool:
        """Whether it is being deleted."""
        return self.metadata.deletion_timestamp is not None

    @property
    def finished(self) -> bool:
        """Whether it has ended for good."""
        return self.status.phase in ("Succeeded", "Failed")
