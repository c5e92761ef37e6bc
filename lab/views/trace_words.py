"""What a client sees, in a few words: `200 in 12 ms`, `refused after 400 us`, `timeout after 127 s`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lab.network.dns_records import CNAME
from lab.views import format as fmt

if TYPE_CHECKING:
    from lab.network.dns import DnsAnswer
    from lab.traffic.foresight import Forecast, Sight

ROLES = {"ok": "ok", "error": "bad", "refused": "bad", "timeout": "bad", "nxdomain": "bad", "unreachable": "bad"}


class Outcome(NamedTuple):
    """One thing that may be seen, and how likely it is."""

    probability: float
    outcome: str
    reason: str
    words: str


def aliases(answer: DnsAnswer) -> list[tuple[str, str]]:
    """The CNAME records that led to the addresses: each name, and the one that it stands for."""
    found = [(each.name, each.data.rstrip(".")) for each in answer.records if each.type == CNAME]
    return list(dict.fromkeys(found))


def outcomes(forecast: Forecast) -> list[Outcome]:
    """Everything that may be seen, likeliest first; sights that differ only in their way count as one."""
    groups: dict[tuple[str, int, str], list[Sight]] = {}
    for sight in forecast.sights:
        reason = "" if sight.outcome == "ok" else sight.reason
        groups.setdefault((sight.outcome, sight.status, reason), []).append(sight)
    found = [_together(sights, forecast.target.http) for sights in groups.values()]
    return sorted(found, key=lambda each: -each.probability)


def _together(sights: list[Sight], http: bool) -> Outcome:
    probability = sum(sight.probability for sight in sights)
    mean_s = sum(sight.probability * sight.latency_s for sight in sights) / probability
    one = sights[0]
    return Outcome(probability, one.outcome, one.reason, sight_words(one._replace(latency_s=mean_s), http))


def sight_words(sight: Sight, http: bool = True, *, short: bool = False) -> str:
    """One sight in words, with its reason when it is no answer and there is room for it."""
    time = fmt.latency(sight.latency_s)
    after = f"after {time}" if sight.latency_s > 0.0 else "at once"
    if sight.status:
        return f"{sight.status} in {time}" if http else f"an answer in {time}"
    if sight.outcome == "nxdomain":
        return f"NXDOMAIN {after}" if sight.reason == "nxdomain" else f"no address {after} ({sight.reason})"
    return f"{sight.outcome} {after}" if short else f"{sight.outcome} {after} ({sight.reason})"
