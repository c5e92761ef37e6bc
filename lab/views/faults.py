"""What can be broken, or mended, about an object: each with the command that does it."""

from __future__ import annotations

from typing import NamedTuple

from lab.views.page import Subject


class Fault(NamedTuple):
    """A row of the fault menu."""

    label: str
    command: str


def faults(
    subject: Subject, *, powered: bool = True, proxy_running: bool = True, cordoned: bool = False
) -> list[Fault]:
    """The menu for an object; what makes no sense in its present state is left out."""
    if subject.kind == "Node":
        return _node(subject.name, powered, proxy_running, cordoned)
    flag = f" -n {subject.namespace}" if subject.namespace not in ("", "default") else ""
    if subject.kind == "Pod":
        return [
            Fault("Crash: its processes exit, the kubelet starts them again", f"lab crash pod/{subject.name}{flag}"),
            Fault("Hang: it accepts connections and never answers", f"lab hang pod/{subject.name}{flag}"),
            Fault("Delete: graceful, its controller makes another one", f"kubectl delete pod/{subject.name}{flag}"),
        ]
    if subject.kind == "Service":
        return [Fault("Delete the Service: its addresses are gone", f"kubectl delete service/{subject.name}{flag}")]
    return []


def _node(name: str, powered: bool, proxy_running: bool, cordoned: bool) -> list[Fault]:
    power = (
        Fault("Power off: silent at once, the cluster has to notice", f"lab fail node/{name}")
        if powered
        else Fault("Power on: it boots, its containers start anew", f"lab recover node/{name}")
    )
    proxy = (
        Fault("Stop kube-proxy: the node keeps the rules it has", f"lab stop proxy/{name}")
        if proxy_running
        else Fault("Start kube-proxy: it catches up with one sync", f"lab start proxy/{name}")
    )
    schedule = (
        Fault("Uncordon: Pods may be placed here again", f"kubectl uncordon {name}")
        if cordoned
        else Fault("Cordon: no new Pods here", f"kubectl cordon {name}")
    )
    return [
        power,
        proxy,
        Fault("Cut its link to the internet", f"lab cut link internet {name}"),
        Fault("Heal its link to the internet", f"lab heal link internet {name}"),
        schedule,
    ]
