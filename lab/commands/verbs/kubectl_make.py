"""What makes objects, and what takes them away: apply, create, run, expose, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.cluster.apply import find_live, in_namespace, resource_name
from lab.cluster.review.errors import errors_in, refuse
from lab.commands.call import Call
from lab.commands.fault import fault
from lab.commands.flags import EVERYWHERE, FROM_FILE, IN_NAMESPACE, WITH_LABELS
from lab.commands.registry import Flag, Parameter, Place, command
from lab.commands.resources import ANY, Target, resource_of, target_of
from lab.commands.values import COUNT, DURATION, IMAGE, INT, LABELS, NAME, TEXT, choice
from lab.commands.verbs.kubectl_read import gather
from lab.kube.documents import Documents
from lab.kube.errors import LabError
from lab.kube.kinds.deployment import Deployment, DeploymentSpec
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.pod import Container, ContainerPort, Pod, PodSpec, PodTemplateSpec
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import KeptObject, KubeObject, LabelSelector, ObjectMeta


def _from_file(call: Call) -> Documents:
    if call.files is None:
        raise LabError("reading files is not offered here")
    return call.files(call.values["filename"])


@command(
    "kubectl apply",
    "Create or change what a manifest says: all of it, or nothing when any of it is refused.",
    flags=(Flag("--filename", FROM_FILE.about, FROM_FILE.type, "-f", required=True),),
    examples=("kubectl apply -f web.yaml",),
)
def apply(call: Call) -> None:
    """Apply every object of a file or folder, or none of them when any is refused."""
    documents = _from_file(call)
    refuse(errors_in(documents, call.engine.trial), "nothing was applied")
    if not documents.found:
        raise LabError("no objects passed to apply")
    call.say(*_unknown_fields(documents), *call.engine.apply(documents.objects))


def _unknown_fields(documents: Documents) -> list[str]:
    """Fields that look like misspelt ones: the API server warns of what it does not know (KEP-2885)."""
    return [
        f'Warning: {document.file}:{typo.line}: unknown field "{typo.path}", did you mean "{typo.meant}"?'
        for document in documents.found
        for typo in document.typos
    ]


@command(
    "kubectl create deployment",
    "Make a Deployment of one container.",
    Parameter("name", NAME),
    flags=(
        Flag("--image", "what to run", IMAGE, required=True),
        Flag("--replicas", "how many; 1 when it is left out", COUNT),
        Flag("--port", "the port that the container listens on", INT),
        IN_NAMESPACE,
    ),
    examples=("kubectl create deployment web --image=nginx --replicas=3 --port=80",),
    makes="Deployment",
)
def create_deployment(call: Call) -> None:
    """Labels and container name are what kubectl would make them."""
    name: str = call.values["name"]
    labels = {"app": name}
    template = PodTemplateSpec(metadata=ObjectMeta(labels=labels), spec=PodSpec(containers=(_container(call),)))
    spec = DeploymentSpec(
        replicas=call.get("replicas", 1), selector=LabelSelector(match_labels=labels), template=template
    )
    meta = ObjectMeta(name=name, namespace=call.namespace, labels=labels)
    _create(call, Deployment(metadata=meta, spec=spec))


@command(
    "kubectl create namespace",
    "Make a Namespace.",
    Parameter("name", NAME),
    examples=("kubectl create namespace shop",),
    makes="Namespace",
)
def create_namespace(call: Call) -> None:
    """An empty one."""
    _create(call, Namespace(metadata=ObjectMeta(name=call.values["name"])))


@command(
    "kubectl run",
    "Make one Pod.",
    Parameter("name", NAME),
    flags=(
        Flag("--image", "what to run", IMAGE, required=True),
        Flag("--port", "the port that the container listens on", INT),
        Flag("--labels", "labels of the Pod instead of run=NAME", LABELS, "-l"),
        IN_NAMESPACE,
    ),
    examples=("kubectl run client --image=service-lab/client",),
    makes="Pod",
)
def run_pod(call: Call) -> None:
    """A Pod with the label `run`, as kubectl makes it."""
    name: str = call.values["name"]
    labels: dict[str, str] = call.get("labels", {"run": name})
    meta = ObjectMeta(name=name, namespace=call.namespace, labels=labels)
    container = _container(call, name)
    _create(call, Pod(metadata=meta, spec=PodSpec(containers=(container,))))


def _container(call: Call, name: str = "") -> Container:
    image: str = call.values["image"]
    port = call.get("port")
    plain = image.rsplit("/", 1)[-1].partition("@")[0].partition(":")[0]
    return Container(
        name=name or plain.replace("_", "-").lower(),
        image=image,
        ports=(ContainerPort(container_port=port),) if port is not None else (),
    )


def _create(call: Call, obj: KubeObject) -> None:
    call.say(f"{resource_name(call.store.create(obj))} created")


@command(
    "kubectl expose",
    "Make a Service for the Pods of a workload, a Pod or another Service.",
    Parameter("target", target_of("Deployment", "ReplicaSet", "StatefulSet", "Pod", "Service")),
    flags=(
        Flag("--port", "the Service's port; the containers' ports when it is left out", INT),
        Flag("--target-port", "the port of the Pods, a number or a name", TEXT),
        Flag("--type", "how it can be reached", choice("TYPE", "ClusterIP", "NodePort", "LoadBalancer")),
        Flag("--protocol", "TCP when it is left out", choice("PROTOCOL", "TCP", "UDP", "SCTP")),
        Flag("--name", "the Service's name; the workload's when it is left out", NAME),
        Flag("--cluster-ip", "a cluster IP of one's own, or None for a headless Service", TEXT),
        IN_NAMESPACE,
    ),
    examples=("kubectl expose deployment web --port=80 --target-port=8080 --type=NodePort",),
)
def expose(call: Call) -> None:
    """The selector comes from the workload, the ports from the flags or the containers."""
    target: Target = call.values["target"]
    obj: Any = target.obj
    selector = _selector_of(obj)
    if not selector:
        raise LabError(f"{target.name} has no labels that a Service could select")
    name: str = call.get("name", obj.name)
    spec = ServiceSpec(
        type=call.get("type", "ClusterIP"),
        selector=dict(selector),
        ports=_service_ports(call, obj),
        cluster_ip=call.get("cluster_ip", ""),
    )
    meta = ObjectMeta(name=name, namespace=obj.namespace, labels=dict(obj.metadata.labels))
    call.store.create(Service(metadata=meta, spec=spec))
    call.say(f"service/{name} exposed")


def _selector_of(obj: Any) -> Mapping[str, str]:
    if isinstance(obj, Pod):
        return obj.metadata.labels
    if isinstance(obj, Service):
        return obj.spec.selector
    selector: LabelSelector = obj.spec.selector
    if selector.match_expressions:
        raise LabError("couldn't convert expressions to a map: the selector has matchExpressions")
    return selector.match_labels


def _service_ports(call: Call, obj: Any) -> tuple[ServicePort, ...]:
    protocol, target = call.get("protocol"), call.get("target_port")
    chosen = int(target) if target is not None and target.isdigit() else target
    if call.get("port") is not None:
        return (ServicePort(port=call.get("port"), protocol=protocol or "TCP", target_port=chosen),)
    found = _ports_of(obj)
    if not found:
        raise LabError("couldn't find port via --port flag or introspection")
    return tuple(
        ServicePort(
            port=number,
            name=f"port-{index + 1}" if len(found) > 1 else "",
            protocol=protocol or known,
            target_port=chosen if chosen is not None else number,
        )
        for index, (number, known) in enumerate(found)
    )


def _ports_of(obj: Any) -> list[tuple[int, str]]:
    if isinstance(obj, Service):
        return [(port.port, port.protocol) for port in obj.spec.ports]
    spec: PodSpec = obj.spec if isinstance(obj, Pod) else obj.spec.template.spec
    return [(port.container_port, port.protocol) for one in spec.containers for port in one.ports]


@fault(
    "kubectl delete",
    "Delete objects; Pods get their grace period.",
    Parameter("resources", ANY, required=False),
    flags=(
        FROM_FILE,
        WITH_LABELS,
        Flag("--all", "all objects of the resource"),
        Flag("--grace-period", "seconds between SIGTERM and SIGKILL", DURATION),
        Flag("--force", "at once, without waiting for the node"),
        Flag("--now", "a grace period of one second"),
        IN_NAMESPACE,
        EVERYWHERE,
    ),
    examples=(
        "kubectl delete pod web-1",
        "kubectl delete deployment,service web",
        "kubectl delete pod web-1 --grace-period=0 --force",
        "kubectl delete pods -l app=web",
    ),
    places=(
        Place("Pod", "Delete: graceful, its controller makes another one"),
        Place("Service", "Delete the Service: its addresses are gone"),
    ),
)
def delete(call: Call) -> None:
    """Delete what is named; what it owned follows."""
    forced = bool(call.get("force"))
    grace_s = 0.0 if forced else 1.0 if call.get("now") else call.get("grace_period")
    if grace_s == 0 and not forced:
        grace_s = 1.0  # kubectl asks the node to hurry, and only --force goes behind its back
    found = _condemned(call)
    if forced and found:
        call.say(
            "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. "
            "The resource may continue to run on the cluster indefinitely."
        )
    # A kind that is only kept is known as long as there is an object of it, so names come before the deed.
    named = [(resource_of(obj, call.store).singular, obj) for obj in found]
    for kind, obj in named:
        _delete(call, obj, grace_s)
        call.say(f'{kind} "{obj.name}" {"force deleted" if forced else "deleted"}')
    if not found:
        call.say("No resources found")


def _condemned(call: Call) -> list[KubeObject]:
    if call.get("filename") is not None:
        live = [find_live(call.store, in_namespace(obj)) for obj in _from_file(call).objects]
        return [obj for obj in live if obj is not None]
    targets: list[Target] = call.get("resources", [])
    if not targets:
        raise LabError("you must name resources, such as pod/web, or give -f FILE")
    chosen = call.get("all") or call.get("selector")
    if not chosen and any(target.obj is None for target in targets):
        raise LabError("resource(s) were provided, but no name was specified")
    return [obj for _, some in gather(call, targets) for obj in some]


def _delete(call: Call, obj: KubeObject, grace_s: float | None) -> None:
    if isinstance(obj, KeptObject):
        call.store.delete_kept(obj)
    else:
        call.store.delete(type(obj), obj.name, obj.namespace, grace_s)
