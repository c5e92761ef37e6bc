"""`dig`: ask DNS as a party would, and show what was asked, who answered, and whether from a cache."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lab.commands.call import Call
from lab.commands.flags import IN_NAMESPACE
from lab.commands.registry import Flag, Parameter, ValueType, command
from lab.commands.values import SOURCE
from lab.commands.words import CommandError, Word
from lab.kube.kinds.service import Service
from lab.network.addresses import normalize
from lab.network.dns import DNS_PORT, REFUSED, SERVFAIL, TIMEOUT, Asked, DnsAnswer
from lab.network.dns_records import NOERROR, NXDOMAIN, PTR, TYPES, A, Record, name_fault, reverse_name
from lab.network.flow import Source
from lab.network.resolv_conf import UPSTREAM, ResolvConf
from lab.views.table import table

STATUS = {"ok": NOERROR, "nodata": NOERROR, "nxdomain": NXDOMAIN, SERVFAIL: "SERVFAIL"}
"""What dig calls an outcome; a time-out and a refusal have no name, since nobody answered."""
SEARCH, NO_SEARCH = "+search", "+nosearch"


class Question(NamedTuple):
    """What is asked."""

    name: str
    type: str = A
    search: bool = True


def _read_question(words: Sequence[Word], call: Call) -> Question:
    """`NAME`, `TYPE` and `+search` in any order, as dig takes them; an address after `-x` needs no name."""
    question = Question("")
    for word in words:
        text = word.text
        if text in (SEARCH, NO_SEARCH):
            question = question._replace(search=text == SEARCH)
        elif text.startswith("+"):
            raise CommandError(f'error: "{text}" is no option of dig', word, (SEARCH, NO_SEARCH))
        elif text.upper() in TYPES and (question.name or word is not words[0]):
            question = question._replace(type=text.upper())
        elif question.name:
            raise CommandError(f'error: "{text}" is not one of {", ".join(TYPES)}', word, TYPES)
        else:
            question = question._replace(name=_legal(word))
    return question


def _legal(word: Word) -> str:
    """The name that a word is; raises CommandError, as dig does, for one that no DNS message can hold."""
    fault = name_fault(word.text)
    if fault:
        raise CommandError(f"dig: '{word.text}' is not a legal name ({fault})", word)
    return word.text


def _suggest(before: Sequence[Word], call: Call) -> Iterable[str]:
    if not before:
        return (one.name for one in call.store.list(Service, call.namespace))
    return (*TYPES, SEARCH, NO_SEARCH)


def _all(words: Sequence[Word]) -> int:
    return len(words)


def _read_address(words: Sequence[Word], call: Call) -> str:
    address = normalize(words[0].text)
    if not address:
        raise CommandError(f'error: "{words[0].text}" is no address', words[0])
    return address


QUESTION = ValueType(
    "NAME [TYPE] [+nosearch]",
    f"a name, perhaps a type ({', '.join(TYPES)}), and +nosearch to ask for just that name",
    _read_question,
    _suggest,
    _all,
)
ADDRESS = ValueType("IP", "an address", _read_address)


@command(
    "dig",
    "Ask DNS, from the internet or from inside: answers with their TTLs, every name tried, who answered from a cache.",
    Parameter("question", QUESTION, required=False),
    flags=(
        Flag("--from", "who asks; internet when it is left out", SOURCE),
        Flag("--reverse", "which names an address has", ADDRESS, "-x"),
        IN_NAMESPACE,
    ),
    examples=(
        "dig web --from pod/client",
        "dig web.default.svc.cluster.local. AAAA --from pod/client",
        "dig _http._tcp.web SRV --from pod/client",
        "dig -x 10.96.0.12 --from pod/client",
        "dig web +nosearch --from pod/client",
        "dig web",
    ),
)
def dig(call: Call) -> None:
    """Ask; the answer comes on the clock. It never comes from the client's own cache, which is shown apart."""
    question: Question = call.get("question", Question(""))
    address: str = call.get("reverse", "")
    if address:
        question = Question(f"{reverse_name(address)}.", PTR)
    if not question.name:
        raise CommandError("error: expected a name, or -x with an address; such as: dig web", Word("", 4, 4))
    source: Source = call.get("from") or call.engine.traffic.sources.asker
    call.running = True
    dns = call.engine.network.dns
    conf = dns.resolv_conf(source)

    def answered(answer: DnsAnswer) -> None:
        call.say(*answer_lines(source, question, conf, answer))
        kept = dns.remembered(source, question.name)
        if kept is not None and question.type == A:
            addresses = ", ".join(kept[0].addresses) or kept[0].outcome
            call.say(f";; {source.name} itself still remembers: {addresses}, for {kept[1]:.0f} s more")
        call.execution.finish()

    dns.query(source, question.name, question.type, answered, search=question.search)


def answer_lines(source: Source, question: Question, conf: ResolvConf, answer: DnsAnswer) -> list[str]:
    """What dig prints: status, question, answer, who answered, and each name that was tried."""
    asked = answer.asked
    names = list(dict.fromkeys(one.name for one in asked)) or [question.name.rstrip(".")]
    lines = [
        f"; <<>> dig <<>> {question.name} {question.type}   from {source.name}",
        *_status(answer, conf),
        "",
        ";; QUESTION SECTION:",
        f";{names[-1]}.   IN   {question.type}",
        *_section("ANSWER", answer.records),
        *_section("ADDITIONAL", answer.extra),
        "",
        f";; Query time: {answer.took_s * 1000:.0f} msec, {answer.queries} "
        f"{'query' if answer.queries == 1 else 'queries'}",
    ]
    if asked and asked[-1].result in STATUS.values():
        lines.append(f";; SERVER: {_who(asked[-1])}{', from its cache' if asked[-1].cached else ''}")
    if len(asked) > 1:
        rows = [(f"{one.name}.", one.type, _result(one), _who(one)) for one in asked]
        lines += [";; QUERIES:", *table(("",) * 4, rows, headers=False)]
    return [*lines, f";; Names tried: {', '.join(f'{name}.' for name in names)}"]


def _status(answer: DnsAnswer, conf: ResolvConf) -> list[str]:
    if answer.outcome in STATUS:
        return [f";; status: {STATUS[answer.outcome]}, ANSWER: {len(answer.records)}"]
    if answer.outcome == REFUSED:
        server = conf.nameservers[-1] if conf.nameservers else "127.0.0.1"
        return [f";; communications error to {server}#{DNS_PORT}: connection refused; no servers could be reached"]
    assert answer.outcome == TIMEOUT
    return [";; connection timed out; no servers could be reached"]


def _section(title: str, records: Sequence[Record]) -> list[str]:
    rows = [(f"{one.name}.", f"{one.ttl_s:.0f}", "IN", one.type, _data(one)) for one in records]
    return ["", f";; {title} SECTION:", *table(("",) * 5, rows, headers=False)] if rows else []


def _data(record: Record) -> str:
    """Names end in a dot, addresses do not."""
    return record.data if normalize(record.data) else f"{record.data}."


def _who(asked: Asked) -> str:
    return "the resolver outside" if asked.server == UPSTREAM else asked.server


def _result(asked: Asked) -> str:
    return f"{asked.result} (cached)" if asked.cached else asked.result
