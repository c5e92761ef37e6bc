"""A small netfilter that reads text of iptables-save: what do these rules do with the first packet of a connection?

It knows nothing of Services. A packet goes through nat PREROUTING (OUTPUT has the same rules), then, with whatever
destination it has by then, through filter INPUT if that is an address of the node, else FORWARD, then through nat
POSTROUTING. A random match splits the way in two, each with its probability.
"""

from __future__ import annotations

import ipaddress
import shlex
from functools import lru_cache
from typing import NamedTuple

from lab.network.packet import Packet


class End(NamedTuple):
    """One way that a packet may take, and how probable it is."""

    outcome: str
    endpoint: str
    masquerade: bool
    rules: tuple[str, ...]
    probability: float


class State(NamedTuple):
    packet: Packet
    marked: bool = False
    endpoint: str = ""
    rules: tuple[str, ...] = ()
    probability: float = 1.0


@lru_cache(maxsize=4096)
def _words(line: str) -> tuple[str, ...]:
    return tuple(shlex.split(line)[2:])


@lru_cache(maxsize=4096)
def within(ip: str, block: str) -> bool:
    return ipaddress.ip_address(ip) in ipaddress.ip_network(block)


class Walker:
    """The rules of one family on a node with these addresses; `remembered` are the lists of `-m recent`."""

    def __init__(self, text: list[str], node_ips: list[str], remembered: dict[str, str] | None = None) -> None:
        self.node_ips = node_ips
        self.remembered = remembered or {}
        self.chains: dict[tuple[str, str], list[str]] = {}
        table = ""
        for line in text:
            if line.startswith("*"):
                table = line[1:]
            elif line.startswith(":"):
                self.chains[table, line[1:].split()[0]] = []
            elif line.startswith("-A"):
                self.chains[table, line.split()[1]].append(line)

    def walk(self, packet: Packet) -> list[End]:
        ends: list[End] = []
        for nat, _ in self.run("nat", "PREROUTING", State(packet)):
            here = self.is_local(nat.packet.dst_ip)
            for end, verdict in self.run("filter", "INPUT" if here else "FORWARD", nat):
                outcome = {"DROP": "drop", "REJECT": "reject"}.get(verdict, "deliver" if end.endpoint else "pass")
                last = next(iter(self.run("nat", "POSTROUTING", end)))[1] if outcome == "deliver" else ""
                ends.append(End(outcome, end.endpoint, last == "MASQUERADE", end.rules, end.probability))
        return ends

    def run(self, table: str, chain: str, state: State, depth: int = 0) -> list[tuple[State, str]]:
        """Every way through a chain: the packet after it and the verdict, empty when it returns."""
        assert depth < 8
        open_ways, done = [state], []
        for line in self.chains[table, chain]:
            if not open_ways:
                break
            still_open: list[State] = []
            for way in open_ways:
                match, target, options = self.read(line, way)
                if match == 0.0:
                    still_open.append(way)
                    continue
                if match < 1.0:
                    still_open.append(way._replace(probability=way.probability * (1 - match)))
                taken = way._replace(rules=(*way.rules, line), probability=way.probability * match)
                for after, verdict in self.jump(table, target, options, taken, depth):
                    if verdict:
                        done.append((after, verdict))
                    else:
                        still_open.append(after)
            open_ways = still_open
        ended = [(way, "") if verdict == "RETURN" else (way, verdict) for way, verdict in done]
        return [*ended, *((way, "") for way in open_ways)]

    def jump(self, table: str, target: str, options: dict[str, str], way: State, depth: int) -> list[tuple[State, str]]:
        if target == "":
            return [(way, "")]
        if target == "MARK":
            value, mask = options["--set-xmark"].split("/")
            return [(way._replace(marked=(value, mask) == ("0x4000", "0x4000")), "")]
        if target == "DNAT":
            ip, _, port = options["--to-destination"].rpartition(":")
            there = Packet(way.packet.src_ip, way.packet.src_port, ip.strip("[]"), int(port), way.packet.protocol)
            return [(way._replace(packet=there, endpoint=options["--to-destination"]), "ACCEPT")]
        if target in ("ACCEPT", "DROP", "REJECT", "MASQUERADE", "RETURN"):
            return [(way, target)]
        return self.run(table, target, way, depth + 1)

    def read(self, line: str, way: State) -> tuple[float, str, dict[str, str]]:
        """With what probability a rule matches a packet, its target and the target's options."""
        words = list(_words(line))
        match, target, options = 1.0, "", {}
        negated, recent = False, ""
        while words:
            word = words.pop(0)
            if word == "!":
                negated = True
                continue
            if word in ("--set", "--rcheck"):
                recent = word
                continue
            if word in ("--reap", "--rsource", "--random-fully"):
                continue
            value = words.pop(0)
            if word == "-j":
                target = value
            elif word in ("--set-xmark", "--to-destination", "--reject-with"):
                options[word] = value
            elif word == "--probability":
                match *= float(value)
            elif word == "--name" and recent == "--rcheck":
                match *= self.remembered.get(value) == way.packet.src_ip
            elif word not in ("-m", "--comment", "--mode", "--seconds", "--mask", "--name"):
                match *= self.holds(word, value, way) != negated
                if not match:
                    break
            negated = False
        return match, target, options

    def holds(self, word: str, value: str, way: State) -> bool:
        packet = way.packet
        if word in ("-s", "-d"):
            ip = packet.src_ip if word == "-s" else packet.dst_ip
            return within(ip, value)
        if word in ("--src-type", "--dst-type"):
            assert value == "LOCAL"
            return self.is_local(packet.src_ip if word == "--src-type" else packet.dst_ip)
        if word == "-p":
            return packet.protocol.lower() == value
        if word == "--dport":
            return packet.dst_port == int(value)
        if word == "--mark":
            assert value == "0x4000/0x4000"
            return way.marked
        assert word == "--ctstate", word
        states = ["NEW", *(["DNAT"] if way.endpoint else [])]
        return any(state in value.split(",") for state in states)

    def is_local(self, ip: str) -> bool:
        return ip in self.node_ips or ipaddress.ip_address(ip).is_loopback
