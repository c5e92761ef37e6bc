"""How an app answers a kubelet's probe."""

from __future__ import annotations

from lab.cluster.runtime import ProbeResult
from lab.kube.kinds.pod import Probe
from lab.traffic.server import RUNNING, Server

_ROUND_TRIP_S = 0.0002
_DEFAULT_TIMEOUT_S = 1.0


def judge(server: Server | None, probe: Probe) -> ProbeResult:
    """The verdict on an app: a port must listen, the app must answer, and within the probe's timeout."""
    timeout_s = _DEFAULT_TIMEOUT_S if probe.timeout_seconds is None else probe.timeout_seconds
    if server is None:
        return ProbeResult(False, "container is not running", 0.0)
    if probe.exec is not None:
        return _timed_out("command timed out", timeout_s) if server.hung else ProbeResult(True, "", _ROUND_TRIP_S)
    port = probe_port(server, probe)
    address = f"{server.source.ip}:{port}"
    if server.state != RUNNING or ("TCP", port) not in server.ports:
        return ProbeResult(False, f"dial tcp {address}: connect: connection refused", _ROUND_TRIP_S)
    if probe.tcp_socket is not None:
        return ProbeResult(True, "", _ROUND_TRIP_S)
    took_s = _ROUND_TRIP_S + server.expected_wait_s + max(server.slower_s, 0.0)
    if server.hung or took_s > timeout_s:
        return _timed_out(f"{address}: context deadline exceeded", timeout_s)
    if probe.http_get is None:
        return ProbeResult(True, "", took_s)
    if server.spec.health == "calls" and not _calls_well(server):
        return ProbeResult(False, "HTTP probe failed with statuscode: 503", took_s)
    return ProbeResult(True, "HTTP probe succeeded with 200", took_s)


def _calls_well(server: Server) -> bool:
    """Whether each app that it calls would answer more often than not."""
    foresight = server.parent.foresight
    return all(foresight.request(server.source, target).succeeds > 0.5 for target in server.calls)


def probe_port(server: Server, probe: Probe) -> int:
    """The port number that a probe means; 0 for a name that the container does not have."""
    action = probe.http_get or probe.tcp_socket or probe.grpc
    if action is None:
        return 0
    if isinstance(action.port, int):
        return action.port
    return next((p.container_port for p in server.container.ports if p.name == action.port), 0)


def _timed_out(message: str, timeout_s: float) -> ProbeResult:
    return ProbeResult(False, message, timeout_s)
