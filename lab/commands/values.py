"""The plain kinds of values: numbers, durations, labels, names, files, and words from a list."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lab.commands.call import Call
from lab.commands.registry import ValueType
from lab.commands.resources import is_assignment
from lab.commands.words import CommandError, Word
from lab.faults.links import CONTROL_PLANE
from lab.kube import quantity
from lab.kube.errors import LabError, ManifestError
from lab.kube.images import image_fault
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.meta import LabelSelector
from lab.kube.selector import parse
from lab.kube.time import parse_duration
from lab.kube.yaml_tree import MAX_DEPTH, depth_of, parse_documents
from lab.network.flow import Source

MOST_REPEATS = 1000
"""How often one command may do the same thing."""

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _text(words: Sequence[Word], call: Call) -> str:
    return words[0].text


def _texts(words: Sequence[Word], call: Call) -> tuple[str, ...]:
    return tuple(word.text for word in words)


def _int(words: Sequence[Word], call: Call) -> int:
    text = words[0].text
    if not re.fullmatch(r"-?\d{1,9}", text):
        raise CommandError(f'error: "{text}" is not a whole number', words[0])
    return int(text)


def _count(words: Sequence[Word], call: Call) -> int:
    value = _int(words, call)
    if value < 0:
        raise CommandError("error: expected 0 or more", words[0])
    return value


def _several(words: Sequence[Word], call: Call) -> int:
    value = _int(words, call)
    if not 1 <= value <= MOST_REPEATS:
        raise CommandError(f"error: expected 1 to {MOST_REPEATS}", words[0])
    return value


def _duration(words: Sequence[Word], call: Call) -> float:
    try:
        return parse_duration(words[0].text)
    except LabError as error:
        raise CommandError(f"error: {error}", words[0]) from None


def _name(words: Sequence[Word], call: Call) -> str:
    text = words[0].text
    if not _DNS_LABEL.fullmatch(text):
        message = f'error: "{text}" is not a name: expected small letters, digits and -, at most 63 of them'
        raise CommandError(message, words[0])
    return text


def _namespace(words: Sequence[Word], call: Call) -> str:
    names = _namespaces(words, call)
    if words[0].text not in names:
        message = f'Error from server (NotFound): namespaces "{words[0].text}" not found'
        raise CommandError(message, words[0], names)
    return words[0].text


def _namespaces(words: Sequence[Word], call: Call) -> list[str]:
    return [one.name for one in call.store.list(Namespace)]


def _selector(words: Sequence[Word], call: Call) -> LabelSelector:
    try:
        return parse(words[0].text)
    except LabError as error:
        raise CommandError(f"error: {error}", words[0]) from None


def _assignments(words: Sequence[Word], call: Call) -> dict[str, str | None]:
    """`key=value` sets, `key-` takes away (None)."""
    found: dict[str, str | None] = {}
    for word in words:
        key, equals, value = word.text.partition("=")
        if not is_assignment(word.text) or not key.rstrip("-"):
            raise CommandError("error: expected KEY=VALUE, or KEY- to take it away", word)
        found[key if equals else key[:-1]] = value if equals else None
    return found


def _images(words: Sequence[Word], call: Call) -> dict[str, str]:
    """`web=shop/web:2`, each with an image."""
    found: dict[str, str] = {}
    for word in words:
        container, _, image = word.text.partition("=")
        if not container or not image:
            raise CommandError("error: expected CONTAINER=IMAGE", word)
        found[container] = _image((word.part(len(container) + 1),), call)
    return found


def _image(words: Sequence[Word], call: Call) -> str:
    fault = image_fault(words[0].text)
    if fault:
        raise CommandError(f'error: Invalid image name "{words[0].text}": {fault}', words[0])
    return words[0].text


def _labels(words: Sequence[Word], call: Call) -> dict[str, str]:
    """`app=web,version=2`."""
    found: dict[str, str] = {}
    for part in words[0].text.split(","):
        key, equals, value = part.partition("=")
        if not key or not equals:
            raise CommandError("error: expected KEY=VALUE,KEY=VALUE", words[0])
        found[key] = value
    return found


def _document(words: Sequence[Word], call: Call) -> dict[str, Any]:
    text = words[0].text
    try:
        found = _parsed(text)
    except ManifestError as error:
        raise CommandError(f"error: {error.problems[0]}", words[0]) from None
    if not isinstance(found, dict):
        raise CommandError("""error: expected an object in JSON, such as '{"spec":{"type":"NodePort"}}'""", words[0])
    return found


def _parsed(text: str) -> Any:
    """JSON, else YAML, nested no deeper than a manifest may be. Raises ManifestError."""
    try:
        found = json.loads(text)
    except RecursionError:
        raise ManifestError(f"JSON: nested more than {MAX_DEPTH} levels deep") from None
    except ValueError:
        documents = list(parse_documents(text, "patch"))
        return documents[0].plain() if len(documents) == 1 else None
    if depth_of(found) > MAX_DEPTH:
        raise ManifestError(f"JSON: nested more than {MAX_DEPTH} levels deep")
    return found


def _share(words: Sequence[Word], call: Call) -> float:
    found = _SHARE.fullmatch(words[0].text)
    share = float(found[1]) / (100.0 if found[2] else 1.0) if found else 2.0
    if not 0.0 <= share <= 1.0:
        raise CommandError("error: expected a share from 0 to 1, or a percentage such as 5%", words[0])
    return share


def _bandwidth(words: Sequence[Word], call: Call) -> float:
    """In bytes a second."""
    found = _BANDWIDTH.fullmatch(words[0].text)
    if found is None or not float(found[1]):
        raise CommandError("error: expected a bandwidth such as 500kbit, 1Mbit or 1Gbit", words[0])
    return float(found[1]) * _BITS[found[2]] / 8.0


def _memory(words: Sequence[Word], call: Call) -> float:
    """In bytes."""
    try:
        amount = quantity.memory(words[0].text)
    except LabError as error:
        raise CommandError(f"error: {error}", words[0]) from None
    if amount <= 0:
        raise CommandError("error: expected more than 0", words[0])
    return float(amount)


def _factor(words: Sequence[Word], call: Call) -> float:
    text = words[0].text
    factor = float(text) if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text) else 0.0
    if not factor:
        raise CommandError("error: expected a number above 0, such as 5 or 1.5", words[0])
    return factor


_SHARE = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(%?)")
_BANDWIDTH = re.compile(r"(\d+(?:\.\d+)?)([kMG]?)bit")
_BITS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}


def _all(words: Sequence[Word]) -> int:
    return len(words)


def _end(words: Sequence[Word], call: Call) -> str:
    text = words[0].text
    known = _ends(words, call)
    name = text.removeprefix("node/").removeprefix("zone/")
    if name not in known:
        raise CommandError(f'error: there is no node or zone "{name}"', words[0], known)
    return name


def _ends(words: Sequence[Word], call: Call) -> list[str]:
    return list(dict.fromkeys([*call.engine.machines, *call.engine.zones, "internet"]))


def _group(words: Sequence[Word], call: Call) -> tuple[str, ...]:
    position, found = 0, []
    for text in words[0].text.split(","):
        word = words[0].part(position, position + len(text))
        position += len(text) + 1
        found.append(_member(word, call))
    return tuple(dict.fromkeys(found))


def _member(word: Word, call: Call) -> str:
    if not word.text.startswith("pod/"):
        return CONTROL_PLANE if word.text == CONTROL_PLANE else _end((word,), call)
    namespace, slash, name = word.text.removeprefix("pod/").partition("/")
    if not slash:
        namespace, name = call.namespace, namespace
    if call.store.find(Pod, name, namespace) is None:
        known = [f"pod/{pod.name}" for pod in call.store.list(Pod, namespace)]
        raise CommandError(f'error: there is no pod "{name}" in namespace {namespace}', word, known)
    return f"pod/{namespace}/{name}"


def _members(words: Sequence[Word], call: Call) -> Iterable[str]:
    yield from (*_ends(words, call), CONTROL_PLANE)
    yield from (f"pod/{pod.name}" for pod in call.store.list(Pod, call.namespace))


def _source(words: Sequence[Word], call: Call) -> Source:
    """A party that can send now: a bare Pod name after the slash is looked for in the command's namespace."""
    text = words[0].text
    kind, slash, name = text.partition("/")
    if slash and kind not in ("internet", "node") and "/" not in name:
        text = f"{kind}/{call.namespace}/{name}"
    try:
        sources = call.engine.traffic.sources
        source: Source = sources.asker if text == "internet" else sources.find(text)
    except LabError as error:
        raise CommandError(f"error: {error}", words[0]) from None
    return source


def _sources(words: Sequence[Word], call: Call) -> Iterable[str]:
    yield "internet"
    yield from (f"pod/{one.name}" for one in call.store.list(Pod, call.namespace))
    yield from (f"node/{one.name}" for one in call.store.list(Node))


def choice(name: str, *options: str, read: Callable[[str], Any] = str) -> ValueType:
    """A word from a list."""

    def take(words: Sequence[Word], call: Call) -> Any:
        if words[0].text not in options:
            raise CommandError(f'error: "{words[0].text}" is not one of {", ".join(options)}', words[0], options)
        return read(words[0].text)

    def suggest(before: Sequence[Word], call: Call) -> Iterable[str]:
        return options

    return ValueType(name, " or ".join(options), take, suggest)


TEXT = ValueType("TEXT", "any text", _text)
PROGRAM = ValueType("COMMAND...", "a command and its arguments, after --", _texts, takes=_all)
INT = ValueType("INT", "a whole number", _int)
COUNT = ValueType("COUNT", "a whole number, 0 or more", _count)
REPEATS = ValueType("COUNT", f"a whole number from 1 to {MOST_REPEATS}", _several)
DURATION = ValueType("DURATION", "a time such as 500ms, 10s or 2m", _duration)
SECONDS = ValueType("SECONDS", "a time in seconds, or such as 500ms", _duration)
NAME = ValueType("NAME", "a new name", _name)
HOST = ValueType("HOST", "a name or address", _text)
IMAGE = ValueType("IMAGE", "a container image, such as nginx:1.27", _image)
FILE = ValueType("FILE", "a manifest or a folder of manifests", _text)
NAMESPACE = ValueType("NAMESPACE", "a namespace", _namespace, _namespaces)
SELECTOR = ValueType("SELECTOR", "labels: app=web,tier!=back", _selector)
ASSIGNMENTS = ValueType("KEY=VALUE...", "KEY=VALUE, or KEY- to take it away", _assignments, takes=_all)
IMAGES = ValueType("CONTAINER=IMAGE...", "container names and their images", _images, takes=_all)
LABELS = ValueType("LABELS", "labels: app=web,version=2", _labels)
SOURCE = ValueType("SOURCE", "internet, node/NAME, pod/NAME or pod/NAMESPACE/NAME", _source, _sources)
DOCUMENT = ValueType("JSON", "an object in JSON", _document)
END = ValueType("PLACE", "a node, a zone or internet", _end, _ends)
SHARE = ValueType("SHARE", "a part of 1: 5% or 0.05", _share)
MEMORY = ValueType("MEMORY", "an amount of memory: 10Mi", _memory)
FACTOR = ValueType("FACTOR", "a number above 0: 5, 1.5", _factor)
BANDWIDTH = ValueType("BANDWIDTH", "bits a second: 500kbit, 1Mbit or 1Gbit", _bandwidth)
GROUP = ValueType(
    "GROUP", "nodes, zones, internet, control-plane or pod/NAME, with commas between them", _group, _members
)
