"""How a Pod is shown."""

from __future__ import annotations

from lab.kube.kinds.pod import Container, ContainerState, ContainerStatus, Pod, Probe, Toleration
from lab.kube.time import age as duration
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, moment, pair_lines
from lab.views.kinds.pod_status import summarize
from lab.views.states import State, pod_state
from lab.views.table import fields, table


def _row(pod: Pod, context: Context) -> tuple[str, ...]:
    found = summarize(pod)
    restarts = str(found.restarts)
    if found.last_restart_s is not None:
        restarts += f" ({age(found.last_restart_s, context.now)} ago)"
    gates = [gate.condition_type for gate in pod.spec.readiness_gates]
    passed = sum(c.status == "True" for c in pod.status.conditions if c.type in gates)
    return (
        pod.name,
        f"{found.ready}/{found.containers}",
        found.status,
        restarts,
        age(pod.metadata.creation_timestamp, context.now),
        pod.status.pod_ip or "<none>",
        pod.spec.node_name or "<none>",
        "<none>",
        f"{passed}/{len(gates)}" if gates else "<none>",
    )


def _pod_state(pod: Pod, context: Context) -> State:
    return pod_state(pod)


def _describe(pod: Pod, context: Context) -> list[str]:
    controller = pod.metadata.controller
    lines = fields(
        (
            ("Name", pod.name),
            ("Namespace", pod.namespace),
            ("Node", f"{pod.spec.node_name}/{pod.status.host_ip}" if pod.spec.node_name else "<none>"),
            ("Start Time", moment(pod.status.start_time)),
            ("Labels", pair_lines(pod.metadata.labels)),
            ("Annotations", annotation_lines(pod.metadata.annotations)),
            ("Status", _status(pod, context)),
            ("IP", pod.status.pod_ip),
            ("IPs", [one.ip for one in pod.status.pod_ips]),
            ("Controlled By", f"{controller.kind}/{controller.name}" if controller else "<none>"),
        )
    )
    if pod.spec.init_containers:
        lines += ["Init Containers:", *_containers(pod.spec.init_containers, pod.status.init_container_statuses)]
    lines += ["Containers:", *_containers(pod.spec.containers, pod.status.container_statuses)]
    return lines + _gates(pod) + _conditions(pod) + _placement(pod)


def _status(pod: Pod, context: Context) -> str:
    grace_s, ends_s = pod.metadata.deletion_grace_period_seconds, pod.metadata.deletion_timestamp
    if ends_s is None:
        return pod.status.phase
    # deletionTimestamp is when the grace ends, so the deletion began that much earlier.
    return f"Terminating (lasts {duration(context.now - ends_s + (grace_s or 0))})"


def _containers(containers: tuple[Container, ...], statuses: tuple[ContainerStatus, ...]) -> list[str]:
    known = {status.name: status for status in statuses}
    lines: list[str] = []
    for one in containers:
        lines.append(f"  {one.name}:")
        lines += fields(_container(one, known.get(one.name)), indent=4)
    return lines


def _container(one: Container, status: ContainerStatus | None) -> list[tuple[str, str | list[str]]]:
    ports = [f"{port.container_port}/{port.protocol}" for port in one.ports]
    pairs: list[tuple[str, str | list[str]]] = [("Image", one.image), ("Port", ", ".join(ports) or "<none>")]
    if one.command:
        pairs.append(("Command", list(one.command)))
    if one.args:
        pairs.append(("Args", list(one.args)))
    if status is not None:
        pairs += _state("State", status.state)
        if status.last_state is not None:
            pairs += _state("Last State", status.last_state)
        pairs += [("Ready", str(status.ready)), ("Restart Count", str(status.restart_count))]
    for title, amounts in (("Limits", one.resources.limits), ("Requests", one.resources.requests)):
        if amounts:
            pairs.append((title, [f"{name}: {amount}" for name, amount in sorted(amounts.items())]))
    for title, probe in (
        ("Liveness", one.liveness_probe),
        ("Readiness", one.readiness_probe),
        ("Startup", one.startup_probe),
    ):
        if probe is not None:
            pairs.append((title, _probe(probe)))
    pairs.append(("Environment", [f"{variable.name}: {variable.value}" for variable in one.env]))
    return pairs


def _state(title: str, state: ContainerState) -> list[tuple[str, str | list[str]]]:
    pairs: list[tuple[str, str | list[str]]] = [(title, state.state.capitalize())]
    if state.reason:
        pairs.append(("  Reason", state.reason))
    if state.message:
        pairs.append(("  Message", state.message))
    if state.exit_code is not None:
        pairs.append(("  Exit Code", str(state.exit_code)))
    if state.started_at is not None:
        pairs.append(("  Started", moment(state.started_at)))
    if state.finished_at is not None:
        pairs.append(("  Finished", moment(state.finished_at)))
    return pairs


def _probe(probe: Probe) -> str:
    return (
        f"{_handler(probe)} delay={probe.initial_delay_seconds or 0:g}s timeout={_or(probe.timeout_seconds, 1):g}s "
        f"period={_or(probe.period_seconds, 10):g}s #success={_or(probe.success_threshold, 1):g} "
        f"#failure={_or(probe.failure_threshold, 3):g}"
    )


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _handler(probe: Probe) -> str:
    if probe.http_get is not None:
        get = probe.http_get
        return f"http-get {get.scheme.lower()}://{get.host}:{get.port}{get.path}"
    if probe.tcp_socket is not None:
        return f"tcp-socket {probe.tcp_socket.host}:{probe.tcp_socket.port}"
    if probe.grpc is not None:
        return f"grpc <pod>:{probe.grpc.port} {probe.grpc.service}".rstrip()
    return f"exec [{' '.join(probe.exec.command)}]" if probe.exec is not None else "unknown"


def _gates(pod: Pod) -> list[str]:
    if not pod.spec.readiness_gates:
        return []
    met = {condition.type: condition.status for condition in pod.status.conditions}
    types = [gate.condition_type for gate in pod.spec.readiness_gates]
    return [
        "Readiness Gates:",
        *table(("  Type", "Status"), [(f"  {each}", met.get(each, "<none>")) for each in types]),
    ]


def _conditions(pod: Pod) -> list[str]:
    if not pod.status.conditions:
        return []
    rows = [(f"  {one.type}", one.status) for one in pod.status.conditions]
    return ["Conditions:", *table(("  Type", "Status"), rows)]


def _placement(pod: Pod) -> list[str]:
    return fields(
        (
            ("Node-Selectors", pair_lines(pod.spec.node_selector)),
            ("Tolerations", [_toleration(one) for one in pod.spec.tolerations]),
        )
    )


def _toleration(one: Toleration) -> str:
    text = one.key + (f"={one.value}" if one.value else "") + (f":{one.effect}" if one.effect else "")
    text += " op=Exists" if one.operator == "Exists" else ""
    return text if one.toleration_seconds is None else f"{text} for {one.toleration_seconds:g}s"


VIEW = KindView(
    struct=Pod,
    columns=("NAME", "READY", "STATUS", "RESTARTS", "AGE"),
    wide=("IP", "NODE", "NOMINATED NODE", "READINESS GATES"),
    row=_row,
    state=_pod_state,
    describe=_describe,
)
