"""The table of who reaches what for machines: the same as the text, with keys that stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.network.exposure import Exposure
    from lab.traffic.reachability import Goal, Party, Reach, Reachability

Json = dict[str, Any]


def reach_json(found: Reachability, now_s: float) -> Json:
    """Sources, targets, one result for each pair of them, and what is open to the outside."""
    return {
        "time_s": now_s,
        "sources": [_party(party) for party in found.parties],
        "targets": [_goal(goal) for goal in found.goals],
        "results": [
            {"from": party.name, "to": goal.name, **_reach(cell)}
            for party, row in zip(found.parties, found.cells, strict=True)
            for goal, cell in zip(found.goals, row, strict=True)
        ],
        "open": [{**_exposure(each.exposure), **_reach(each.reach)} for each in found.openings],
    }


def _party(party: Party) -> Json:
    return {"name": party.name, "kind": party.kind, "nodes": [one.node for one in party.sources if one.node]}


def _goal(goal: Goal) -> Json:
    return {
        "name": goal.name,
        "kind": "pod" if goal.name.startswith("pod/") else "service",
        "port": goal.port,
        "protocol": goal.protocol,
        "addresses": list(goal.inside),
        "outside": [str(exposure) for exposure in goal.outside],
    }


def _reach(cell: Reach) -> Json:
    return {"reach": cell.state, "outcome": cell.outcome, "reason": cell.reason, "share": cell.share}


def _exposure(exposure: Exposure) -> Json:
    found = exposure._asdict()
    return {**found, "sources": list(exposure.sources)}
