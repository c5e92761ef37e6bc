"""`lab rules`: what kube-proxy has programmed on a node, as the tools of its mode would print it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab.commands.call import Call
from lab.commands.flags import IN_NAMESPACE
from lab.commands.machines import MACHINE
from lab.commands.registry import Flag, ValueType, command
from lab.commands.values import choice
from lab.commands.words import CommandError, Word
from lab.kube.kinds.node import Node
from lab.kube.kinds.service import Service
from lab.kube.meta import KubeObject
from lab.network.addresses import IPV4, IPV6
from lab.network.host import Host
from lab.network.node_facts import IPTABLES
from lab.network.program import families, written
from lab.views import format as fmt

_KINDS = ("service/", "services/", "svc/")


def _known(call: Call) -> list[str]:
    """`NAMESPACE/NAME` of every Service that exists, or that some node still has rules for."""
    held = [name for host in call.engine.network.hosts.values() for name in host.proxy.table.services]
    return list(dict.fromkeys((*("/".join(one.key) for one in call.store.list(Service)), *sorted(held))))


def _read_service(words: Sequence[Word], call: Call) -> str:
    """`web`, `shop/web`, `service/web`: as `NAMESPACE/NAME`."""
    word = words[0]
    prefix = next((kind for kind in _KINDS if word.text.startswith(kind)), "")
    text = word.text.removeprefix(prefix)
    name = text if "/" in text else f"{call.namespace}/{text}"
    known = _known(call)
    if name not in known:
        near = [one.removeprefix(f"{call.namespace}/") if "/" not in text else one for one in known]
        part = word.part(len(prefix))
        raise CommandError(f'error: there is no Service "{name}", and no node has rules for one', part, near)
    return name


def _suggest_services(before: Sequence[Word], call: Call) -> Iterable[str]:
    return [name.removeprefix(f"{call.namespace}/") for name in _known(call)]


SERVICE = ValueType("SERVICE", "a Service: web or shop/web", _read_service, _suggest_services)


@command(
    "lab rules",
    "What kube-proxy has programmed on a node now, in the syntax of iptables-save, nft or ipvsadm.",
    flags=(
        Flag("--node", "whose rules", MACHINE, required=True),
        Flag("--service", "only what is there for this Service", SERVICE),
        Flag("--family", "only the rules of one address family", choice("FAMILY", IPV4, IPV6)),
        IN_NAMESPACE,
    ),
    examples=(
        "lab rules --node worker-1",
        "lab rules --node=worker-1 --service=web",
        "lab rules --node worker-2 --service api -n shop",
    ),
)
def rules(call: Call) -> None:
    """The node's own table, however old it is; with a Service, what concerns it."""
    host = call.engine.network.hosts[call.values["node"]]
    service: str = call.get("service", "")
    call.say(*_about(host, call))
    table = host.proxy.table
    if not table.version:
        return
    if service and service not in table.services:
        call.say(f"# Service {service} has no rules here{_why(call, service)}")
        return
    wanted: str = call.get("family", "")
    for family in (wanted,) if wanted else families(table, service):
        if host.facts.mode == IPTABLES:
            call.say(f"# {'iptables-save' if family == IPV4 else 'ip6tables-save'}")
        call.say(*written(table, host.facts, family, service, host.conntrack.flows.values()))


def _about(host: Host, call: Call) -> list[str]:
    """Whose rules these are and how old, as comments that the tools skip."""
    proxy = host.proxy
    version = proxy.table.version
    if not host.powered:
        return [f"# {host.name} has no power, so its kernel holds no rules"]
    if not version:
        return [f"# {host.name}: kube-proxy has not programmed anything yet"]
    since = fmt.stamp(proxy.table_since_s)
    lines = [f"# {host.name}: kube-proxy in {host.facts.mode} mode, table {version}, programmed at {since}"]
    newest = call.engine.network.builder.table.version
    if call.store.find(Node, host.name) is None:
        lines.append("# its Node object was deleted; the machine and its kube-proxy go on")
    if version != newest:
        waits = "it has not synced yet" if proxy.running else "its kube-proxy does not run"
        lines.append(f"# stale: the newest table is {newest}, and {waits}")
    return lines


def _why(call: Call, service: str) -> str:
    """Why a Service that exists has no rules."""
    namespace, _, name = service.partition("/")
    found: KubeObject | None = call.store.find(Service, name, namespace)
    if not isinstance(found, Service):
        return ""
    if found.spec.type == "ExternalName":
        return ": an ExternalName is a matter of DNS alone"
    return ": it is headless, a matter of DNS alone" if found.headless else " yet"
