"""A small ipvs beside the small netfilter: it reads what `ipvsadm -Sn`, `ipset save` and `iptables-save` would print.

It knows nothing of Services. A packet goes through nat PREROUTING; when its destination is an address of the node or of
kube-ipvs0 it goes through filter INPUT, and there a virtual server takes it if there is one for its address and port.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from lab.network.packet import Packet
from tests.network.program import walk_iptables
from tests.network.program.walk_iptables import End, State, within

_PROTOCOLS = {"-t": "TCP", "-u": "UDP", "--sctp-service": "SCTP"}


class Walker(walk_iptables.Walker):
    """The rules of one family on a node with these addresses."""

    def __init__(self, text: list[str], node_ips: list[str]) -> None:
        self.sets: dict[str, list[str]] = {}
        self.servers: dict[tuple[str, int, str], list[str]] = {}
        for line in text:
            words = line.split()
            if line.startswith("create "):
                self.sets[words[1]] = []
            elif line.startswith("add "):
                self.sets[words[1]].append(words[2])
            elif words[0] in ("-A", "-a") and words[1] in _PROTOCOLS:
                ip, _, port = words[2].rpartition(":")
                servers = self.servers.setdefault((ip.strip("[]"), int(port), _PROTOCOLS[words[1]]), [])
                if words[0] == "-a" and words[-1] != "0":
                    servers.append(words[4])
        rules = [line for line in text if not line.startswith(("-a", *(f"-A {flag} " for flag in _PROTOCOLS)))]
        super().__init__([_plain(line) for line in rules], node_ips)
        virtual = next((ips for name, ips in self.sets.items() if name.endswith("IPVS-IPS")), [])
        self.node_ips = [*node_ips, *virtual]

    def walk(self, packet: Packet) -> list[End]:
        ends: list[End] = []
        for way, _ in self.run("nat", "PREROUTING", State(packet)):
            here = self.is_local(packet.dst_ip)
            for end, verdict in self.run("filter", "INPUT" if here else "FORWARD", way):
                ends += self.serve(end, {"DROP": "drop", "REJECT": "reject"}.get(verdict, ""), here)
        return ends

    def serve(self, way: State, refused: str, here: bool) -> Iterator[End]:
        packet = way.packet
        servers = self.servers.get((packet.dst_ip, packet.dst_port, packet.protocol)) if here else None
        if refused or servers is None:
            yield End(refused or "pass", "", False, way.rules, way.probability)
        elif not servers:
            yield End("reject", "", False, way.rules, way.probability)
        for server in servers or () if not refused else ():
            ip, _, port = server.rpartition(":")
            there = Packet(packet.src_ip, packet.src_port, ip.strip("[]"), int(port), packet.protocol)
            after, last = self.run("nat", "POSTROUTING", way._replace(packet=there))[0]
            probability = way.probability / len(servers or ())
            yield End("deliver", server, last == "MASQUERADE", after.rules, probability)

    def holds(self, word: str, value: str, way: State) -> bool:
        if word != "--match-set":
            return super().holds(word, value, way)
        name, _, what = value.partition("|")
        return any(self.is_member(member, what.split(","), way.packet) for member in self.sets[name])

    def is_member(self, member: str, what: list[str], packet: Packet) -> bool:
        """Whether a packet is in the set as `what` (dst,dst,src) looks for it."""
        if member.isdecimal():
            return packet.dst_port == int(member)
        parts = member.split(",")
        ip = packet.dst_ip if what[0] == "dst" else packet.src_ip
        if ipaddress.ip_address(parts[0]) != ipaddress.ip_address(ip):
            return False
        if len(parts) > 1 and parts[1] != f"{packet.protocol.lower()}:{packet.dst_port}":
            return False
        return len(parts) < 3 or within(packet.src_ip, parts[2])


def _plain(line: str) -> str:
    """A set and what is looked up in it as one word; packets of a bridge are like all others here."""
    words = line.replace("-m physdev ! --physdev-is-in ", "").split(" ")
    for index, word in enumerate(words):
        if word == "--match-set":
            words[index + 1 : index + 3] = [f"{words[index + 1]}|{words[index + 2]}"]
    return " ".join(words)
