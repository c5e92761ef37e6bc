"""`lab exhaust`: cluster IPs, node ports and conntrack tables that run out."""

from __future__ import annotations

from lab.commands.call import Call
from lab.commands.fault import fault
from lab.commands.machines import MACHINES
from lab.commands.registry import Flag, Parameter, Place, command
from lab.commands.values import COUNT, choice
from lab.faults import exhaustion
from lab.faults.exhaustion import ADDRESSES, CONNTRACK, NODE_PORTS
from lab.kube.errors import LabError

_POOL = choice("POOL", ADDRESSES, NODE_PORTS, CONNTRACK)


def _nodes(call: Call) -> tuple[str, ...]:
    """Whose conntrack tables are meant: all nodes' when none is named. Raises LabError where a node makes no sense."""
    machines: tuple[str, ...] | None = call.get("machines")
    if machines is not None and call.values["pool"] != CONNTRACK:
        raise LabError(f"{call.values['pool']} are the whole cluster's: only conntrack tables belong to a node")
    return machines if machines is not None else tuple(call.engine.machines)


@fault(
    "lab exhaust",
    "Let cluster IPs, node ports or the conntrack tables of nodes run out: all but a few of what is free are taken.",
    Parameter("pool", _POOL),
    Parameter("machines", MACHINES, required=False),
    undo="lab release",
    broken=exhaustion.exhausted,
    places=(
        Place("", "Cluster IPs run out: new Services are refused", "Cluster IPs are free again", ADDRESSES),
        Place("", "Node ports run out: new Services with one are refused", "Node ports are free again", NODE_PORTS),
        Place(
            "Node",
            "Its conntrack table is full: new connections are dropped",
            "Its conntrack table has room again",
            f"{CONNTRACK} node/{{name}}",
        ),
    ),
    flags=(Flag("--leave", "how many stay free; none when it is left out", COUNT),),
    examples=(
        "lab exhaust addresses --leave=2",
        "lab exhaust node-ports --for=1m",
        "lab exhaust conntrack node/worker-1",
    ),
)
def exhaust(call: Call) -> str | list[str]:
    """Take them."""
    pool, leave, nodes = call.values["pool"], call.get("leave", 0), _nodes(call)
    if pool == CONNTRACK:
        return [found for name in nodes for found in _fill(call, name, leave)]
    take = exhaustion.exhaust_addresses if pool == ADDRESSES else exhaustion.exhaust_node_ports
    take(call.engine, leave)
    call.say(f"{pool}: all but {leave} of those that were free are taken")
    return str(pool)


def _fill(call: Call, node: str, leave: int) -> list[str]:
    if not exhaustion.exhaust_conntrack(call.engine, node, leave):
        call.say(f"node/{node} has no power, and no conntrack table")
        return []
    call.say(f"conntrack of node/{node}: room for {leave} more")
    return [f"{CONNTRACK} node/{node}"]


@command(
    "lab release",
    "Let cluster IPs, node ports or conntrack tables have what they had: undo `lab exhaust`.",
    Parameter("pool", _POOL),
    Parameter("machines", MACHINES, required=False),
    examples=("lab release addresses", "lab release conntrack node/worker-1"),
)
def release(call: Call) -> str | list[str]:
    """Give them back."""
    pool, nodes, engine = call.values["pool"], _nodes(call), call.engine
    if pool == CONNTRACK:
        for name in nodes:
            did = exhaustion.release_conntrack(engine, name)
            call.say(f"conntrack of node/{name} {'has room again' if did else 'was not exhausted'}")
        return [f"{CONNTRACK} node/{name}" for name in nodes]
    did = (exhaustion.release_addresses if pool == ADDRESSES else exhaustion.release_node_ports)(engine)
    call.say(f"{pool} {'are free again' if did else 'were not exhausted'}")
    return str(pool)
