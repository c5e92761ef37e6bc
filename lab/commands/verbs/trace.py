"""`lab trace`: the whole way that a packet would take, without sending it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from lab.commands.call import Call
from lab.commands.destination import DESTINATION, Destination, target_of
from lab.commands.flags import IN_NAMESPACE
from lab.commands.registry import Flag, ValueType, command
from lab.commands.values import SOURCE, TEXT, choice
from lab.commands.words import CommandError, Word
from lab.kube.errors import LabError, nearest
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.network.addresses import normalize
from lab.network.flow import Source
from lab.views.spans import text_of
from lab.views.trace import Trace, trace_lines
from lab.views.trace_json import trace_json


def _read_sender(words: Sequence[Word], call: Call) -> Source:
    """A party as for curl, or the one that has an address; nobody's turn to send is taken."""
    text = words[0].text
    kind, slash, name = text.partition("/")
    if normalize(text):
        text = _party_with(normalize(text), call)
    elif slash and kind not in ("internet", "node") and "/" not in name:
        text = f"{kind}/{call.namespace}/{name}"
    if text == "internet":
        return call.engine.traffic.sources.asker
    try:
        present = call.engine.traffic.sources.origin(text).all()
    except LabError as error:
        raise CommandError(f"error: {error}", words[0]) from None
    if not present:
        known = [f"pod/{one.namespace}/{one.name}" for one in call.store.list(Pod)]
        known += [f"node/{one.name}" for one in call.store.list(Node)]
        raise CommandError(f'error: nothing runs at "{text}" now{nearest(text, known)}', words[0])
    return present[0]


def _party_with(ip: str, call: Call) -> str:
    """Who has an address: a Pod, a node, or else a host on the internet."""
    owner = call.engine.network.owners.by_ip.get(ip)
    if owner is not None:
        return owner.party
    for node in call.store.list(Node):
        if any(address.address == ip for address in node.status.addresses):
            return f"node/{node.name}"
    return f"internet/{ip}"


def _suggest_senders(words: Sequence[Word], call: Call) -> Iterable[str]:
    return SOURCE.suggest(words, call)


SENDER = ValueType(
    "SOURCE",
    "internet, an IP address, node/NAME, pod/NAME, pod/NAMESPACE/NAME or deployment/NAME",
    _read_sender,
    _suggest_senders,
)
CASES = ValueType("FILE", "a JSON file in the form of packet_flows.json, - for stdin", TEXT.read)
FORM = Flag("--output", "how to print", choice("FORMAT", "text", "json"), "-o")


@command(
    "lab trace",
    "The whole way that a packet would take, hop by hop, and what the client would see; nothing is sent.",
    flags=(
        Flag("--from", "who would send it; internet when it is left out", SENDER),
        Flag("--to", "where to", DESTINATION),
        FORM,
        IN_NAMESPACE,
        Flag("--cases", "from the shell: routing cases; prints a JSON object for each of their flows", CASES),
    ),
    examples=(
        "lab trace --from pod/client --to web:80",
        "lab trace --from internet --to service/web:80",
        "lab trace --from node/worker-1 --to http://192.0.2.12:30080/ -o json",
    ),
)
def trace(call: Call) -> None:
    """Foresee the request and tell of the likeliest way that works, or of the one that fails."""
    if call.get("cases"):
        raise LabError("--cases is for the shell: lab trace --cases FILE")
    wanted: Destination | None = call.get("to")
    if wanted is None:
        raise LabError("lab trace: expected --to, such as --to web:80 or --to service/web:80")
    source: Source = call.get("from") or call.engine.traffic.sources.asker
    target = target_of(wanted, source, call)
    foresight = call.engine.traffic.foresight
    forecast = foresight.request(source, target)
    followed = next((sight for sight in forecast.sights if sight.reached), forecast.sights[0])
    tracer = call.engine.network.tracer
    account = tracer.account(followed.attempt) if followed.attempt is not None else None
    found = Trace(call.engine.now, wanted.text, forecast, followed, account, foresight.leads(forecast))
    if call.get("output") == "json":
        call.say(json.dumps(trace_json(found), indent=2))
    else:
        call.say(text_of(trace_lines(found, call.width)))
