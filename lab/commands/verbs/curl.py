"""`curl`: one request from anywhere, and what somebody at that place would see of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from http import HTTPStatus

from lab.commands.call import Call
from lab.commands.flags import IN_NAMESPACE
from lab.commands.registry import Flag, Parameter, ValueType, command
from lab.commands.values import REPEATS, SECONDS, SOURCE
from lab.commands.words import CommandError, Word
from lab.journal import Decision
from lab.kube.errors import LabError
from lab.kube.kinds.service import Service
from lab.network.flow import Source
from lab.network.reasons import REASONS
from lab.traffic.request import RequestResult, Target, parse_target


def _read_url(words: Sequence[Word], call: Call) -> str:
    try:
        parse_target(words[0].text)
    except LabError as error:
        raise CommandError(f"curl: (3) URL rejected: {error}", words[0]) from None
    return words[0].text


def _suggest_url(words: Sequence[Word], call: Call) -> Iterable[str]:
    return (f"http://{one.name}/" for one in call.store.list(Service, call.namespace))


URL = ValueType("URL", "such as http://web/ or http://192.0.2.11:30080/", _read_url, _suggest_url)


_IDLE = (
    Flag("--silent", "changes nothing: there is no progress to hide", short="-s"),
    Flag("--show-error", "changes nothing: errors are always shown", short="-S"),
    Flag("--fail", "changes nothing: the status is always shown", short="-f"),
    Flag("--verbose", "changes nothing: lab explain says more than any flag could", short="-v"),
    Flag("--location", "changes nothing: no app redirects", short="-L"),
    Flag("--insecure", "changes nothing: no certificate is looked at", short="-k"),
)
"""What people type with every curl, and what is so here anyway."""


@command(
    "curl",
    "Send a request, from the internet or from inside, and see who answered and why.",
    Parameter("url", URL),
    flags=(
        Flag("--from", "who sends it; internet when it is left out", SOURCE),
        Flag("--count", "how many, one after the other", REPEATS),
        Flag("--max-time", "give up after this time", SECONDS, "-m"),
        *_IDLE,
        IN_NAMESPACE,
    ),
    examples=(
        "curl http://web/ --from pod/client",
        "curl http://192.0.2.11:30080/",
        "curl http://web --from node/worker-1 --count 5 -m 2",
        "kubectl exec client -- curl http://web/",
    ),
)
def curl(call: Call) -> None:
    """Send the first request; each answer sends the next."""
    source: Source = call.get("from") or call.engine.traffic.sources.asker
    call.running = True
    Session(call, source, call.values["url"], call.get("count", 1)).send()


class Session:
    """The requests of one `curl`, one after the other."""

    def __init__(self, call: Call, source: Source, url: str, count: int) -> None:
        self._call = call
        self._source = source
        self._url = url
        self._left = count
        self._many = count > 1
        self._seen: Counter[str] = Counter()

    def send(self) -> None:
        """Send the next request, or sum up when there is none left."""
        if not self._left:
            self._finish()
            return
        self._left -= 1
        timeout_s: float = self._call.get("max_time", 0.0)
        self._call.engine.traffic.request(self._source, self._url, self._answered, timeout_s=timeout_s)

    def _answered(self, result: RequestResult) -> None:
        target = parse_target(self._url)
        decision = decision_of(self._call, result.decision)
        self._call.say(headline(result, target, decision))
        if not self._many:
            self._call.say(*reasons(result, decision))
        self._seen[_who(result)] += 1
        # From the clock and not from here: an answer may come within the call that sends, and a thousand would nest.
        self._call.engine.clock.after(0.0, self.send)

    def _finish(self) -> None:
        if self._many:
            counts = ", ".join(f"{who} {count}" for who, count in sorted(self._seen.items()))
            self._call.say(f"{self._seen.total()} requests: {counts}")
        self._call.execution.finish()


def _who(result: RequestResult) -> str:
    return result.pod.partition("/")[2] or result.outcome if result.status else result.outcome


def decision_of(call: Call, id: int) -> Decision | None:
    """The decision with this number, while the journal remembers it."""
    if not id:
        return None
    events = call.engine.journal.tail()
    return next((event for event in events if isinstance(event, Decision) and event.id == id), None)


def headline(result: RequestResult, target: Target, decision: Decision | None) -> str:
    """What the sender sees, in curl's words."""
    millis = f"{result.latency_s * 1000:.0f}"
    if result.status:
        return _answer(result, target, decision)
    match result.outcome:
        case "nxdomain":
            return f"curl: (6) Could not resolve host: {target.host}"
        case "refused":
            return (
                f"curl: (7) Failed to connect to {target.host} port {target.port} after {millis} ms: Connection refused"
            )
        case "unreachable":
            return (
                f"curl: (7) Failed to connect to {target.host} port {target.port} after {millis} ms: "
                "Network is unreachable"
            )
        case "reset":
            return "curl: (56) Recv failure: Connection reset by peer"
    if result.reason == "dns-timeout":
        return f"curl: (28) Resolving timed out after {millis} milliseconds"
    if result.reason == "no-answer":
        return f"curl: (28) Operation timed out after {millis} milliseconds with 0 bytes received"
    return f"curl: (28) Connection timed out after {millis} milliseconds"


def _answer(result: RequestResult, target: Target, decision: Decision | None) -> str:
    text = f"HTTP/1.1 {result.status} {_phrase(result.status)}" if target.http else f"{target.protocol} answer"
    who = result.pod.partition("/")[2] or result.address
    endpoint = (decision.endpoint if decision is not None else "") or result.address
    via = f" via {decision.node}" if decision is not None and decision.node else ""
    shown = f"{who} ({endpoint})" if who != endpoint else who
    return f"{text}  from {shown}{via} in {result.latency_s * 1000:.1f} ms"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def reasons(result: RequestResult, decision: Decision | None) -> list[str]:
    """Why, in a sentence, and where to read more."""
    if decision is None:
        return []
    known = REASONS.get(decision.reason)
    lines = [f"  {known.meaning if known else decision.reason}"]
    if known is not None and known.advice and not result.ok:
        lines.append(f"  {known.advice}")
    return [*lines, f"  decision {decision.id}: lab explain {decision.id}"]
