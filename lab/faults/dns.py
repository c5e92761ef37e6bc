"""The cluster's DNS: CoreDNS, and the resolver outside that it and the nodes ask."""

from __future__ import annotations

from lab.engine import Engine


def set_upstream(engine: Engine, state: str) -> bool:
    """Let it be up, down or servfail (lab.network.coredns)."""
    server = engine.network.dns.server
    if server.upstream == state:
        return False
    server.set_upstream(state)
    engine.say("dns/upstream", state)
    return True


def silence(engine: Engine, silent: bool) -> bool:
    """Let every CoreDNS Pod take questions and answer none, or answer again.

    The Pods stay Ready, because their readiness is asked on another port, so the kube-dns Service goes on sending
    there and resolvers wait for their time-outs. Without any Pod behind it the Service would refuse at once.
    """
    server = engine.network.dns.server
    if server.silent == silent:
        return False
    server.silent = silent
    engine.say("dns/coredns", "silent" if silent else "answers")
    return True


def slow_down(engine: Engine, by_s: float) -> bool:
    """Let every reply of CoreDNS take so much longer; 0 is as it should be."""
    server = engine.network.dns.server
    if server.slow_s == by_s:
        return False
    server.slow_s = by_s
    engine.say("dns/coredns", f"slower by {by_s:g} s" if by_s else "as fast as it should be")
    return True
