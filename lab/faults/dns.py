"""The resolver outside that CoreDNS and the nodes ask."""

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
