"""A small nftables that reads `table ip kube-proxy { ... }`: what does it do with the first packet of a connection?

It knows nothing of Services. The hooks come in the order of the kernel: prerouting by priority, then input for an
address of the node and forward for others, then postrouting. What the node itself sends meets output instead of
prerouting, and comes in at the node again when it is for one of its addresses.
"""

from __future__ import annotations

import ipaddress
import re

from lab.network.addresses import join
from lab.network.packet import Packet
from tests.network.program.walk_iptables import End, State, within

HOOK = re.compile(r"type (\w+) hook (\w+) priority (-?\d+)")
VERDICTS = ("accept", "drop", "reject")


class Walker:
    """The rules of one family on a node with these addresses; `remembered` are the affinity sets."""

    def __init__(self, text: list[str], node_ips: list[str], remembered: dict[str, str] | None = None) -> None:
        self.node_ips = node_ips
        self.remembered = remembered or {}
        self.chains: dict[str, list[str]] = {}
        self.hooks: dict[str, list[tuple[int, str]]] = {}
        self.elements: dict[str, dict[str, str]] = {}
        blocks = re.findall(r"^\t(chain|set|map) (\S+) \{\n(.*?)^\t\}$", "\n".join(text), re.S | re.M)
        for kind, name, body in blocks:
            if kind == "chain":
                self.chain(name, [line.strip() for line in body.splitlines()])
            else:
                self.elements[name] = self.read_elements(body)

    def chain(self, name: str, lines: list[str]) -> None:
        hook = HOOK.match(lines[0]) if lines else None
        if hook:
            self.hooks.setdefault(hook[2], []).append((int(hook[3]), name))
        self.chains[name] = [line for line in lines if not line.startswith(("type ", "comment "))]

    def read_elements(self, body: str) -> dict[str, str]:
        found = re.search(r"elements = \{ (.*) \}", body, re.S)
        items = re.split(r",\s+", found[1]) if found else []
        return {re.sub(r' comment "[^"]*"', "", item).partition(" : ")[0]: item for item in items}

    def walk(self, packet: Packet) -> list[End]:
        ends: list[End] = []
        own = self.is_local(packet.src_ip)
        for way, verdict in self.hook("output" if own else "prerouting", State(packet)):
            if verdict:
                ends.append(End(verdict, "", False, way.rules, way.probability))
                continue
            here = self.is_local(way.packet.dst_ip)
            passing = [(way, "")] if own and not here else self.hook("input" if here else "forward", way)
            ends += [self.end(last, stopped) for last, stopped in passing]
        return ends

    def end(self, last: State, stopped: str) -> End:
        """What becomes of a packet after the last filter."""
        outcome = stopped or ("deliver" if last.endpoint else "pass")
        leaving = self.hook("postrouting", last) if outcome == "deliver" else []
        masqueraded = [way for way, result in leaving if result == "masquerade"]
        rules = masqueraded[0].rules if masqueraded else last.rules
        return End(outcome, last.endpoint, bool(masqueraded), rules, last.probability)

    def hook(self, name: str, state: State) -> list[tuple[State, str]]:
        """All base chains of a hook; an accept ends only the chain it is in."""
        ways = [(state, "")]
        for _, chain in sorted(self.hooks[name]):
            after: list[tuple[State, str]] = []
            for way, verdict in ways:
                results = self.run(chain, way) if not verdict else [(way, verdict)]
                after += [(each, "" if result == "accept" else result) for each, result in results]
            ways = after
        return ways

    def run(self, chain: str, state: State, depth: int = 0) -> list[tuple[State, str]]:
        """Every way through a chain: the packet after it and the verdict, empty when it returns."""
        assert depth < 8
        ways, done = [state], []
        for line in self.chains[chain]:
            still_open: list[State] = []
            for way in ways:
                for after, verdict in self.rule(chain, line, way, depth):
                    if verdict == "next":
                        still_open.append(after)
                    else:
                        done.append((after, "" if verdict == "return" else verdict))
            ways = still_open
        return [*done, *((way, "") for way in ways)]

    def rule(self, chain: str, line: str, way: State, depth: int) -> list[tuple[State, str]]:
        text = re.sub(r' comment "[^"]*"$', "", line)
        words = re.sub(r"\{ .*? \}", lambda found: found[0].replace(" ", "\x00"), text).split()
        while words:
            if words[0] in VERDICTS or words[0] in ("return", "goto", "jump"):
                passed = way._replace(rules=(*way.rules, f"chain {chain} {{ {line} }}"))
                return self.verdict(" ".join(words), passed, depth)
            holds, used = self.match(words, way)
            if holds is None:
                return self.statement(chain, line, text, way, depth)
            if not holds:
                return [(way, "next")]
            words = words[used:]
        raise AssertionError(line)

    def verdict(self, text: str, way: State, depth: int) -> list[tuple[State, str]]:
        word, _, target = text.partition(" ")
        if word not in ("goto", "jump"):
            return [(way, word)]
        results = self.run(target, way, depth + 1)
        if word == "goto":
            return [(each, result or "return") for each, result in results]
        return [(each, result or "next") for each, result in results]

    def match(self, words: list[str], way: State) -> tuple[bool | None, int]:
        """Whether the first words match, and how many they are; None when they are no match."""
        packet = way.packet
        if words[0] in ("ip", "ip6") and words[1] in ("saddr", "daddr") and words[2] != ".":
            ip = packet.src_ip if words[1] == "saddr" else packet.dst_ip
            negated = words[2] == "!="
            return self.among(ip, words[2 + negated]) != negated, 3 + negated
        if words[:2] == ["ct", "state"]:
            return words[2] == "new", 3
        if words[0] == "fib":
            return self.is_local(packet.src_ip if words[1] == "saddr" else packet.dst_ip), 4
        if words[:2] == ["meta", "l4proto"] and words[2] != ".":
            return packet.protocol.lower() == words[2], 3
        if words[:3] == ["mark", "and", "0x4000"]:
            return way.marked == (words[3] == "!="), 5
        if words[:3] == ["ct", "status", "dnat"]:
            return way.endpoint != "", 3
        if words[0] in ("tcp", "udp", "sctp") and words[1] == "dport":
            return (packet.protocol.lower(), str(packet.dst_port)) == (words[0], words[2]), 3
        return None, 0

    def among(self, ip: str, what: str) -> bool:
        if what.startswith("@"):
            name = what[1:]
            return ip in self.elements[name] or self.remembered.get(name) == ip
        parts = what.replace("\x00", " ").strip("{} ").split(", ")
        return any(within(ip, part) for part in parts)

    def statement(self, chain: str, line: str, text: str, way: State, depth: int) -> list[tuple[State, str]]:
        packet = way.packet
        passed = way._replace(rules=(*way.rules, f"chain {chain} {{ {line} }}"))
        if text.endswith("mark set mark or 0x4000"):
            return [(passed._replace(marked=True), "next")]
        if text.endswith("mark set mark xor 0x4000"):
            return [(passed._replace(marked=not way.marked), "next")]
        if "@hairpin-connections" in text:
            key = f"{packet.src_ip} . {packet.dst_ip} . {packet.protocol.lower()} . {packet.dst_port}"
            found = f"hairpin-connections {{ {key} }}"
            hit = key in self.elements["hairpin-connections"]
            return [(passed._replace(rules=(*passed.rules, found)), "masquerade")] if hit else [(way, "next")]
        if text.endswith("masquerade fully-random"):
            return [(passed, "masquerade")]
        if text.startswith("update @"):
            return [(passed, "next")]
        dnat = re.search(r"dnat to (\S+)$", text)
        if dnat:
            return [(self.rewritten(passed, dnat[1]), "accept")]
        places = re.search(r"dnat ip6? addr \. port to numgen random mod (\d+) map \{ (.*) \}$", text)
        if places:
            found = [choice.partition(" : ")[2].split(" . ") for choice in places[2].split(", ")]
            assert len(found) == int(places[1])
            one = passed._replace(probability=way.probability / len(found))
            return [(self.rewritten(one, join(ip, int(port))), "accept") for ip, port in found]
        random = re.search(r"numgen random mod (\d+) vmap \{ (.*) \}$", text)
        if random:
            choices = [choice.partition(" : ")[2] for choice in random[2].split(", ")]
            assert len(choices) == int(random[1])
            one = passed._replace(probability=way.probability / len(choices))
            return [end for choice in choices for end in self.verdict(choice, one, depth)]
        lookup = re.search(r"(?:(ip6?) daddr \. )?meta l4proto \. th dport vmap @(\S+)$", text)
        assert lookup, text
        key = f"{packet.protocol.lower()} . {packet.dst_port}"
        key = f"{packet.dst_ip} . {key}" if lookup[1] else key
        found = self.elements[lookup[2]].get(key)
        if found is None:
            return [(way, "next")]
        entered = passed._replace(rules=(*passed.rules, f"{lookup[2]} {{ {found} }}"))
        return self.verdict(found.rpartition(" : ")[2], entered, depth)

    def rewritten(self, way: State, address: str) -> State:
        """The packet with another destination."""
        ip, _, port = address.rpartition(":")
        packet = way.packet
        there = Packet(packet.src_ip, packet.src_port, ip.strip("[]"), int(port), packet.protocol)
        return way._replace(packet=there, endpoint=address)

    def is_local(self, ip: str) -> bool:
        return ip in self.node_ips or ipaddress.ip_address(ip).is_loopback
