"""Pools that run out: the cluster's addresses and node ports, and the conntrack tables of nodes.

All but a few of what is free is taken, as if by somebody whom nobody sees. Who gives back what it has makes room.
"""

from __future__ import annotations

from lab.engine import Engine
from lab.faults.nodes import kubelet_of

ADDRESSES, NODE_PORTS, CONNTRACK = "addresses", "node-ports", "conntrack"


def exhaust_addresses(engine: Engine, leave: int) -> None:
    """Leave so many cluster IPs of each family: Services beyond them are refused until another ServiceCIDR is there."""
    engine.say(ADDRESSES, f"all but {leave} taken")
    engine.control_plane.admission.addresses.ips.leave(leave)


def release_addresses(engine: Engine) -> bool:
    """Undo `exhaust_addresses`."""
    ips = engine.control_plane.admission.addresses.ips
    if not ips.withheld:
        return False
    engine.say(ADDRESSES, "free")
    ips.give_back()
    return True


def exhaust_node_ports(engine: Engine, leave: int) -> None:
    """Leave so many node ports, those for health checks among them."""
    engine.say(NODE_PORTS, f"all but {leave} taken")
    engine.control_plane.admission.addresses.node_ports.leave(leave)


def release_node_ports(engine: Engine) -> bool:
    """Undo `exhaust_node_ports`."""
    pool = engine.control_plane.admission.addresses.node_ports
    if not pool.withheld:
        return False
    engine.say(NODE_PORTS, "free")
    pool.withheld = 0
    return True


def exhaust_conntrack(engine: Engine, node: str, leave: int) -> bool:
    """Leave so many entries of a node's table: the kernel drops the first packet of every connection beyond them.

    Connections that have an entry go on. False when the node has no power, and so no table.
    https://docs.kernel.org/networking/nf_conntrack-sysctl.html (nf_conntrack_max)
    """
    host = engine.network.hosts.get(node)
    if not kubelet_of(engine, node).powered or host is None:
        return False
    engine.say(f"{CONNTRACK}/{node}", f"all but {leave} taken")
    host.conntrack.leave(leave)
    return True


def release_conntrack(engine: Engine, node: str) -> bool:
    """Undo `exhaust_conntrack`."""
    host = engine.network.hosts.get(node)
    if host is None or not host.conntrack.withheld:
        return False
    engine.say(f"{CONNTRACK}/{node}", "free")
    host.conntrack.give_back()
    return True


def exhausted(engine: Engine) -> list[str]:
    """What has run out, as the words of a command: `addresses`, `node-ports`, `conntrack node/NAME`."""
    pools = engine.control_plane.admission.addresses
    found = [ADDRESSES] if pools.ips.withheld else []
    found += [NODE_PORTS] if pools.node_ports.withheld else []
    return found + [
        f"{CONNTRACK} node/{name}" for name, host in engine.network.hosts.items() if host.conntrack.withheld
    ]
