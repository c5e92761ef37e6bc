"""A trace for machines: the same as the text, with keys that stay as they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lab.network.addresses import join
from lab.views.trace_words import aliases, outcomes

if TYPE_CHECKING:
    from lab.network.dns import DnsAnswer
    from lab.network.trace import Account, LegAccount
    from lab.traffic.foresight import Forecast, Lead, Sight
    from lab.views.trace import Trace

Json = dict[str, Any]


def trace_json(trace: Trace) -> Json:
    """Everything that `trace_lines` tells; times in seconds, probabilities from 0 to 1, nothing is null but `name`."""
    forecast, account = trace.forecast, trace.account
    source, target = forecast.source, forecast.target
    found: Json = {
        "time_s": trace.now_s,
        "from": {"name": source.name, "ip": source.ip, "node": source.node, "zone": source.zone},
        "to": {
            "asked": trace.asked,
            "url": target.url,
            "host": target.host,
            "port": target.port,
            "protocol": target.protocol,
        },
        "name": _name(forecast.name, trace) if forecast.name is not None else None,
        "sees": _sees(forecast),
        "ways": [_way(sight) for sight in forecast.sights],
    }
    return {**found, **(_account(account) if account is not None else _NO_ACCOUNT), "listens": _listens(trace.followed)}


_NO_ACCOUNT: Json = {
    "verdict": "",
    "reason": "",
    "meaning": "",
    "service": "",
    "endpoint": "",
    "masquerade": False,
    "source_seen": "",
    "hops": [],
    "balancer": {},
    "nodes": [],
    "links": [],
    "latency_s": 0.0,
    "loss": 0.0,
    "conntrack": {},
}


def _name(answer: DnsAnswer, trace: Trace) -> Json:
    return {
        "outcome": answer.outcome,
        "answer": answer.name,
        "aliases": [{"name": name, "target": target} for name, target in aliases(answer)],
        "addresses": list(answer.addresses),
        "queries": answer.queries,
        "took_s": answer.took_s,
        "ttl_s": answer.ttl_s if math.isfinite(answer.ttl_s) else 0.0,
        "tried": [each._asdict() for each in answer.asked],
        "leads": [_lead(lead, trace.followed) for lead in trace.leads],
    }


def _lead(lead: Lead, followed: Sight) -> Json:
    """Where one address of the name leads to."""
    attempt = followed.attempt
    return {
        "address": lead.address,
        "probability": lead.probability,
        "followed": attempt is not None and attempt.packet.dst_ip == lead.address,
        "sees": _sees(lead.forecast),
        "ways": [_way(sight) for sight in lead.forecast.sights],
    }


def _sees(forecast: Forecast) -> list[Json]:
    return [
        {"probability": each.probability, "outcome": each.outcome, "reason": each.reason, "text": each.words}
        for each in outcomes(forecast)
    ]


def _way(sight: Sight) -> Json:
    arrival = sight.attempt.arrival if sight.attempt is not None else None
    return {
        "probability": sight.probability,
        "outcome": sight.outcome,
        "status": sight.status,
        "reason": sight.reason,
        "latency_s": sight.latency_s,
        "verdict": arrival.verdict if arrival is not None else "",
        "node": arrival.node if arrival is not None else "",
        "endpoint": arrival.endpoint if arrival is not None else "",
        "pod": arrival.way.pod if arrival is not None else "",
        "masquerade": arrival.masquerade if arrival is not None else False,
        "hops": list(arrival.way.hops) if arrival is not None else [],
    }


def _account(account: Account) -> Json:
    arrival = account.attempt.arrival
    balancer = account.balancer
    return {
        "verdict": arrival.verdict,
        "reason": arrival.reason,
        "meaning": account.meaning,
        "service": arrival.service,
        "endpoint": arrival.endpoint,
        "masquerade": arrival.masquerade,
        "source_seen": arrival.src_ip,
        "hops": list(arrival.way.hops),
        "balancer": {
            "address": balancer.address,
            "service": balancer.service,
            "node": balancer.node,
            "how": balancer.how,
            "healthy": list(balancer.healthy),
            "unhealthy": [{"node": node, "message": message} for node, message in balancer.unhealthy],
        }
        if balancer is not None
        else {},
        "nodes": [_leg(leg) for leg in account.legs],
        "links": [link._asdict() for link in account.links],
        "latency_s": arrival.way.latency_s,
        "loss": arrival.way.loss,
        "conntrack": account.tracking._asdict() if account.tracking is not None else {},
    }


def _leg(leg: LegAccount) -> Json:
    return {
        "node": leg.node,
        "mode": leg.mode,
        "table": leg.table,
        "since_s": leg.since_s,
        "proxy_runs": leg.proxy_runs,
        "verdict": leg.verdict,
        "reason": leg.reason,
        "steps": [step._asdict() for step in leg.steps],
        "candidates": [option._asdict() for option in leg.options],
        "before": leg.before._asdict() if leg.before is not None else {},
        "after": leg.after._asdict() if leg.after is not None else {},
        "rules": list(leg.rules),
        "missed": list(leg.missed),
    }


def _listens(sight: Sight) -> Json:
    server, attempt = sight.server, sight.attempt
    if server is None or attempt is None:
        return {}
    way = attempt.arrival.way
    return {
        "address": join(way.ip, way.port),
        "pod": way.pod,
        "container": server.container.name,
        "image": server.container.image,
        "hung": server.hung,
        "mean_s": server.spec.service_time.mean_s,
        "calls": [{"url": call.target.url, "succeeds": call.succeeds, "takes_s": call.takes_s} for call in sight.calls],
    }
