"""Which objects a user means: kinds under all their names, `pod/web`, `pod web`, labels, categories."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lab.cluster.errors import NotFound
from lab.cluster.store import Store
from lab.commands.call import Call
from lab.commands.registry import ValueType
from lab.commands.words import CommandError, Word
from lab.kube.builtin import BUILT_IN, group_of
from lab.kube.kinds import KINDS, Kind, plural_of
from lab.kube.meta import KeptObject, KubeObject, LabelSelector
from lab.kube.selector import matches

CATEGORIES = {
    "all": (
        "Pod",
        "Service",
        "DaemonSet",
        "Deployment",
        "ReplicaSet",
        "StatefulSet",
        "HorizontalPodAutoscaler",
        "CronJob",
        "Job",
    ),
}
"""Words that stand for several kinds."""
_DEFINITION = "CustomResourceDefinition"


@dataclass(frozen=True)
class Resource:
    """A kind of object as users name it; `struct` is None for a kind that is kept and not simulated."""

    kind: str
    plural: str
    short: tuple[str, ...] = ()
    struct: type[KubeObject] | None = None
    namespaced: bool = True
    group: str = ""

    @property
    def full_kind(self) -> str:
        """`Ingress.networking.k8s.io`, or the bare kind where there is only one of that name."""
        return f"{self.kind}.{self.group}" if self.struct is None and self.group else self.kind

    @property
    def singular(self) -> str:
        """`deployment.apps`, as kubectl writes it before a name."""
        return f"{self.kind.lower()}.{self.group}" if self.group else self.kind.lower()

    @property
    def names(self) -> tuple[str, ...]:
        """Everything it may be called."""
        return (self.kind.lower(), self.plural, *self.short)

    def find(self, store: Store, name: str, namespace: str) -> KubeObject | None:
        """The object of this name, or None."""
        if self.struct is None:
            return store.find_kept(self.full_kind, name, namespace)
        return store.find(self.struct, name, namespace)

    def list(self, store: Store, namespace: str | None, selector: LabelSelector | None = None) -> list[KubeObject]:
        """The objects in a namespace, or everywhere; in the order in which they were made."""
        if self.struct is None:
            kept: list[KubeObject] = [*store.kept(self.full_kind, namespace if self.namespaced else None)]
            return [obj for obj in kept if selector is None or matches(selector, obj.metadata.labels)]
        return list(store.list(self.struct, namespace if self.namespaced else None, selector))


@dataclass(frozen=True)
class Target:
    """What a command is about: an object, or every object of a resource when `obj` is None."""

    resource: Resource
    word: Word
    obj: KubeObject | None = None

    @property
    def name(self) -> str:
        """`deployment.apps/web`."""
        return f"{self.resource.singular}/{self.obj.name}" if self.obj is not None else self.resource.singular


def _simulated(kind: Kind) -> Resource:
    group = group_of(kind.api_version)
    return Resource(kind.name, kind.plural, kind.short, kind.struct, kind.namespaced, group)


_SIMULATED = {kind.name: _simulated(kind) for kind in KINDS}
_KEPT = {
    (each.group, each.kind): Resource(each.kind, each.plural, each.short, None, each.namespaced, each.group)
    for each in BUILT_IN
    if each.listed and each.kind not in (*_SIMULATED, "Event")
}
"""Kubernetes' other kinds, which the lab only keeps, by group and kind; Events are the journal's notes."""


def resources(store: Store) -> list[Resource]:
    """Every resource there is: the simulated kinds, Kubernetes' other kinds, then kept custom resources."""
    custom = {(one.group, one.kind): one for one in _custom(store)}
    return [*_SIMULATED.values(), *(_KEPT | custom).values()]


def offered(store: Store) -> list[Resource]:
    """What is worth offering: the simulated kinds, and others of which there is an object."""
    there = {(group_of(obj.api_version), obj.kind): None for obj in store.kept()}
    return [one for one in resources(store) if one.struct is not None or (one.group, one.kind) in there]


def _custom(store: Store) -> Iterator[Resource]:
    """Custom resources, named by their definition when it is kept as well, else by their kind."""
    defined = {(one.group, one.kind): one for one in map(_defined, store.kept(_DEFINITION)) if one.kind}
    yield from defined.values()
    for kept in store.kept():
        place = group_of(kept.api_version), kept.kind
        if place not in _KEPT and place not in defined:
            yield Resource(kept.kind, plural_of(kept.kind), (), None, bool(kept.namespace), place[0])


def _defined(definition: KeptObject) -> Resource:
    """What a CustomResourceDefinition defines; without a kind where it says nothing of use."""
    spec = _object(definition.body, "spec")
    names = _object(spec, "names")
    kind, group = str(names.get("kind", "")), str(spec.get("group", ""))
    listed = names.get("shortNames")
    short = tuple(map(str, listed)) if isinstance(listed, list) else ()
    plural = str(names.get("plural", plural_of(kind)))
    return Resource(kind, plural, short, None, spec.get("scope") != "Cluster", group)


def _object(body: dict[str, Any], field: str) -> dict[str, Any]:
    found = body.get(field)
    return found if isinstance(found, dict) else {}


def find_resource(word: str, store: Store) -> Resource | None:
    """The resource that `pods`, `po`, `deployment.apps` or `Pod` means; None when there is none."""
    name, _, group = word.lower().partition(".")
    named = [one for one in resources(store) if name in one.names]
    return next((one for one in named if group in ("", one.group)), named[0] if named else None)


def resource_of(obj: KubeObject, store: Store) -> Resource:
    """The resource that an object belongs to."""
    if not isinstance(obj, KeptObject):
        return _SIMULATED[obj.kind]
    place = (group_of(obj.api_version), obj.kind)
    return next(one for one in resources(store) if one.struct is None and (one.group, one.kind) == place)


@dataclass(frozen=True)
class Wanted:
    """Which resources a command accepts, and which one a bare name is taken for."""

    kinds: tuple[str, ...] = ()
    default: str = ""
    prefixes: bool = False
    """Whether a name after a kind may be the beginning of names."""

    def known(self, store: Store) -> list[Resource]:
        """The resources that are accepted."""
        return [one for one in resources(store) if not self.kinds or one.kind in self.kinds]

    def offered(self, store: Store) -> list[Resource]:
        """Those of them that are worth offering."""
        return [one for one in offered(store) if not self.kinds or one.kind in self.kinds]

    def words(self, store: Store) -> list[str]:
        """The names of the accepted resources that are worth offering, one a resource."""
        categories = () if self.kinds else tuple(CATEGORIES)
        return [*(one.kind.lower() for one in self.offered(store)), *categories]

    def find(self, word: Word, store: Store) -> list[Resource]:
        """The resources that a word names; raises CommandError when it names none, or one that is not accepted."""
        text = word.text.lower()
        if not self.kinds and text in CATEGORIES:
            return [one for kind in CATEGORIES[text] for one in resources(store) if one.kind == kind]
        found = find_resource(text, store)
        if found is None:
            known = [*self.words(store), *(name for one in self.known(store) for name in one.names)]
            raise CommandError(f'error: the server doesn\'t have a resource type "{word.text}"', word, known)
        if self.kinds and found.kind not in self.kinds:
            raise CommandError(f"error: this does not work on {found.plural}", word, self.words(store))
        return [found]

    def is_kind(self, text: str) -> bool:
        """Whether a word is certainly a kind and not a name."""
        names = (name for kind in self.kinds if kind in _SIMULATED for name in _SIMULATED[kind].names)
        return text.lower() in names


def read_targets(wanted: Wanted, words: Sequence[Word], call: Call) -> list[Target]:
    """The targets that words name; raises CommandError, with the nearest name, for what is not there."""
    first = words[0]
    if any("/" in word.text for word in words):
        return [_slashed(wanted, word, call) for word in words]
    if wanted.default and len(words) == 1:
        return [_named(_SIMULATED[wanted.default], first, call.namespace, call)]
    found = [one for word in _comma_parts(first) for one in wanted.find(word, call.store)]
    if len(words) == 1:
        return [Target(one, first) for one in found]
    if wanted.prefixes and len(words) == 2:
        return [target for one in found for target in _beginning(one, words[1], call)]
    return [_named(one, word, call.namespace, call) for one in found for word in words[1:]]


def _beginning(resource: Resource, word: Word, call: Call) -> list[Target]:
    """The object of a name; when there is none, all whose names begin with it."""
    if resource.find(call.store, word.text, call.namespace) is None:
        objects = resource.list(call.store, call.namespace if resource.namespaced else None)
        found = [obj for obj in objects if obj.name.startswith(word.text)]
        if found:
            return [Target(resource, word, obj) for obj in sorted(found, key=lambda obj: obj.name)]
    return [_named(resource, word, call.namespace, call)]


def read_target(wanted: Wanted, words: Sequence[Word], call: Call) -> Target:
    """One object; raises CommandError when the words name a kind only, or several objects."""
    found = read_targets(wanted, words, call)
    if len(found) != 1 or found[0].obj is None:
        raise CommandError(f"error: expected one name, such as {words[0].text}/NAME", words[0])
    return found[0]


def _comma_parts(word: Word) -> list[Word]:
    parts: list[Word] = []
    begin = 0
    for text in word.text.split(","):
        parts.append(word.part(begin, begin + len(text)))
        begin += len(text) + 1
    return parts


def _slashed(wanted: Wanted, word: Word, call: Call) -> Target:
    kind, slash, name = word.text.partition("/")
    if not slash or not name:
        raise CommandError("error: expected KIND/NAME here, as in the other words", word)
    resource = wanted.find(word.part(0, len(kind)), call.store)[0]
    namespace, slash, rest = name.partition("/")
    start = len(word.text) - len(rest if slash else name)
    return _named(resource, word.part(start), namespace if slash else call.namespace, call)


def _named(resource: Resource, word: Word, namespace: str, call: Call) -> Target:
    found = resource.find(call.store, word.text, namespace)
    if found is None:
        names = [obj.name for obj in resource.list(call.store, namespace)]
        raise CommandError(f"Error from server (NotFound): {NotFound(resource.full_kind, word.text)}", word, names)
    return Target(resource, word, found)


# -- as values of commands ---------------------------------------------------------------------------------------


def is_assignment(text: str) -> bool:
    """Whether a word is `key=value` or `key-` and so no name."""
    return "=" in text or text.endswith("-")


def _take_one(wanted: Wanted, words: Sequence[Word]) -> int:
    text = words[0].text
    bare_name = wanted.default and not wanted.is_kind(text)
    return 1 if "/" in text or bare_name or len(words) == 1 else 2


def _take_until(until: Callable[[str], bool], words: Sequence[Word]) -> int:
    return next((index for index, word in enumerate(words) if index and until(word.text)), len(words))


def _suggest_many(wanted: Wanted, before: Sequence[Word], call: Call) -> Iterable[str]:
    """Plural kinds first, as people list them, then what `_suggest` finds."""
    if not before:
        yield from (one.plural for one in wanted.offered(call.store))
        yield from () if wanted.kinds else CATEGORIES
    yield from _suggest(wanted, before, call)


def _suggest(wanted: Wanted, before: Sequence[Word], call: Call) -> Iterable[str]:
    """Kinds first; names after a kind; both joined by a slash when one has been begun."""
    store = call.store
    if before and "/" not in before[0].text:
        found = wanted.find(before[0], store)
        yield from (obj.name for one in found for obj in one.list(store, call.namespace))
        return
    if wanted.default:
        yield from (obj.name for obj in _SIMULATED[wanted.default].list(store, call.namespace))
    for one in wanted.offered(store):
        label = one.kind.lower()
        yield f"{label}/"
        yield from (f"{label}/{obj.name}" for obj in one.list(store, call.namespace))


def target_of(*kinds: str, name: str = "RESOURCE", default: str = "") -> ValueType:
    """A value that is one object of some kinds; a bare name is taken for the default kind."""
    wanted = Wanted(kinds, default)
    return ValueType(
        name,
        "a kind and a name: pod/web or pod web",
        read=partial(read_target, wanted),
        suggest=partial(_suggest, wanted),
        takes=partial(_take_one, wanted),
    )


def targets_of(
    *kinds: str, name: str = "RESOURCE", prefixes: bool = False, until: Callable[[str], bool] | None = None
) -> ValueType:
    """A value that is any number of objects, or all of some kinds.

    With `prefixes`, one name may be only begun; it ends before the first word that `until` holds of, as it does at
    `key=value` or `key-`.
    """
    wanted = Wanted(kinds, prefixes=prefixes)
    return ValueType(
        f"{name}...",
        "kinds and names: pods, pod/web, pods web-1 web-2, pods,services",
        read=partial(read_targets, wanted),
        suggest=partial(_suggest_many, wanted),
        takes=partial(_take_until, until) if until is not None else len,
    )


ONE = target_of()
ANY = targets_of()
ANY_ASSIGNED = targets_of(until=is_assignment)
ANY_BEGUN = targets_of(prefixes=True)
NODE = target_of("Node", name="NODE", default="Node")
