"""`lab chaos` and `lab flap`: faults that come again and again by the clock, drawn by the seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from lab.commands.call import Call
from lab.commands.fault import FOR, choices, fault
from lab.commands.machines import MACHINE
from lab.commands.registry import Command, Flag, Parameter, Place, ValueType, command
from lab.commands.values import DURATION
from lab.commands.words import CommandError, Word, split
from lab.engine import Engine
from lab.kube.errors import LabError
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.views.page import Subject

SYSTEM = "kube-system"
SHORTEST_S = 0.1
"""How often something may be broken at most."""


def _seconds(time_s: float) -> str:
    return f"{time_s:g}s"


class Routine:
    """Breaks one of some things every so often, for a while each, until it is stopped."""

    def __init__(self, call: Call, lines: Sequence[str], name: str) -> None:
        self._call = call
        self._lines = lines
        self._every_s: float = call.values["every"]
        self._each = _seconds(call.values["each"])
        self._random = Random(f"{call.engine.seed}/{name}")
        self.running = True

    def turn(self) -> None:
        """Break something now, and again later."""
        if not self.running:
            return
        lines = self._lines or _everything(self._call.engine)
        if lines:
            line = self._random.choice(lines)
            self._call.give(f"{line} {FOR.name}={self._each}")
        self._call.engine.clock.after(self._every_s, self.turn)


def _begin(call: Call, words: str, lines: Sequence[str]) -> str:
    if min(call.values["every"], call.values["each"]) < SHORTEST_S:
        raise LabError(f"{_seconds(SHORTEST_S)} is the shortest time that --every and --each can have")
    name = f"{call.execution.text.split()[1]} {words}".strip()
    _stop(call.engine, name)
    routine = call.engine.routines[name] = Routine(call, lines, name)
    call.say(f"{name}: every {_seconds(call.values['every'])}, for {_seconds(call.values['each'])} each")
    call.engine.clock.after(0.0, routine.turn)
    return words


def _stop(engine: Engine, name: str) -> bool:
    routine = engine.routines.pop(name, None)
    if not isinstance(routine, Routine):
        return False
    routine.running = False
    return True


# -- what can be drawn ------------------------------------------------------------------------------------------------


def _everything(engine: Engine) -> list[str]:
    """Every fault of the menu that is mended by itself, of all that is not broken now."""
    from lab.commands.parser import take_apart  # it needs all verbs, this one too

    found = [choice.command for subject in _subjects(engine) for choice in choices(engine, subject)]
    return [line for line in found if _breaks(take_apart(split(line)).command)]


def _subjects(engine: Engine) -> Iterator[Subject | None]:
    yield from (Subject("Node", "", node.name) for node in engine.store.list(Node))
    for namespace in (one.name for one in engine.store.list(Namespace) if one.name != SYSTEM):
        pods = (pod for pod in engine.store.list(Pod, namespace) if engine.runs(namespace, pod.name))
        yield from (Subject("Pod", namespace, pod.name) for pod in pods)
    yield None


def _breaks(one: Command) -> bool:
    return one.fault is not None and bool(one.fault.undo) and one.name not in (CHAOS, FLAP)


def _line(words: Sequence[Word], call: Call) -> tuple[str, ...]:
    for word in words:
        _check(word, call)
    return tuple(word.text for word in words)


def _check(word: Word, call: Call) -> None:
    from lab.commands.parser import bind, take_apart

    try:
        line = take_apart(split(word.text))
        if not _breaks(line.command):
            raise CommandError(f'error: "{line.command.name}" breaks nothing that is mended by itself', word)
        bind(line, Call(call.engine, call.execution), len(word.text))
    except CommandError as error:
        wrong = CommandError(str(error).partition("\n")[0], word)
        wrong.hint = error.hint  # of the word within the quotes
        raise wrong from None


LINES = ValueType("COMMAND...", "commands that break something, each in quotes", _line, takes=lambda words: len(words))

# -- the commands -----------------------------------------------------------------------------------------------------

CHAOS, FLAP = "lab chaos", "lab flap"
_EVERY = Flag("--every", "how long from one fault to the next", DURATION, required=True)
_EACH = Flag("--each", "how long each of them lasts", DURATION, required=True)


def _routines(verb: str, engine: Engine) -> Iterator[str]:
    return (name.partition(" ")[2] for name in engine.routines if name.split()[0] == verb)


@fault(
    CHAOS,
    "Break something again and again, drawn by the seed from some commands, or from all that the fault menu has.",
    Parameter("lines", LINES, required=False),
    undo="lab chaos stop",
    broken=lambda engine: _routines("chaos", engine),
    places=(
        Place(
            "",
            "Chaos: something breaks every 30 s, for 10 s each",
            "Stop the chaos",
            words="",
            options="--every=30s --each=10s",
        ),
    ),
    flags=(_EVERY, _EACH),
    examples=(
        "lab chaos --every=30s --each=10s",
        'lab chaos --every=20s --each=5s --for=5m "lab fail node/worker-2" "lab cut link zone-a zone-b"',
    ),
)
def chaos(call: Call) -> str:
    """Begin; what is said later takes the place of what was said before."""
    return _begin(call, "", call.get("lines", ()))


@command(
    "lab chaos stop",
    "Stop what `lab chaos` began; what is broken now is mended in its time.",
    examples=("lab chaos stop",),
)
def chaos_stop(call: Call) -> str:
    """Stop."""
    call.say("chaos stopped" if _stop(call.engine, "chaos") else "there is no chaos")
    return ""


@fault(
    FLAP,
    "Let a node lose its power again and again, for a while each time.",
    Parameter("node", MACHINE),
    undo="lab steady",
    broken=lambda engine: _routines("flap", engine),
    places=(Place("Node", "Flap: off for 5 s every 30 s", "Keep its power on", options="--every=30s --each=5s"),),
    flags=(_EVERY, _EACH),
    examples=("lab flap node/worker-2 --every=30s --each=5s --for=5m",),
)
def flap(call: Call) -> str:
    """Begin."""
    words = f"node/{call.values['node']}"
    if call.values["each"] >= call.values["every"]:
        raise LabError("--each has to be shorter than --every, or the node is never on")
    return _begin(call, words, (f"lab fail {words}",))


@command(
    "lab steady",
    "Undo `lab flap`: the node keeps its power.",
    Parameter("node", MACHINE),
    examples=("lab steady node/worker-2",),
)
def steady(call: Call) -> str:
    """Stop."""
    words = f"node/{call.values['node']}"
    call.say(f"{words} keeps its power" if _stop(call.engine, f"flap {words}") else f"{words} does not flap")
    return words
