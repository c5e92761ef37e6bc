"""`kubectl get`, `kubectl get events` and `kubectl describe`."""

from __future__ import annotations

from lab.commands.call import Call
from lab.commands.flags import EVERYWHERE, IN_NAMESPACE, OUTPUT, WITH_LABELS
from lab.commands.output import PATH, Form, sort_by
from lab.commands.registry import Flag, Parameter, command
from lab.commands.resources import ANY, ANY_BEGUN, Resource, Target
from lab.kube.encode import as_list, encode
from lab.kube.meta import KubeObject
from lab.kube.versions import api_warning
from lab.views.kinds import describe, event, view_of
from lab.views.kinds.formatting import pairs
from lab.views.table import table

Found = list[tuple[Resource, list[KubeObject]]]


def gather(call: Call, targets: list[Target]) -> Found:
    """The objects of each resource that was asked for, in the order it was asked; whole resources sorted by name."""
    found: dict[str, tuple[Resource, list[KubeObject]]] = {}
    namespace = None if call.everywhere else call.namespace
    for target in targets:
        objects = found.setdefault(target.resource.full_kind, (target.resource, []))[1]
        if target.obj is not None:
            objects.append(target.obj)
        else:
            some = target.resource.list(call.store, namespace, call.get("selector"))
            objects += sorted(some, key=lambda obj: obj.key)
    return list(found.values())


@command(
    "kubectl get",
    "List objects, or print them as YAML or JSON.",
    Parameter("resources", ANY),
    flags=(
        IN_NAMESPACE,
        EVERYWHERE,
        WITH_LABELS,
        OUTPUT,
        Flag("--sort-by", "in the order of a field", PATH),
        Flag("--show-labels", "one more column with all labels"),
        Flag("--no-headers", "leave out the heading"),
    ),
    examples=(
        "kubectl get pods -o wide",
        "kubectl get svc,endpointslices -n kube-system",
        "kubectl get all",
        "kubectl get deployment/web -o yaml",
        "kubectl get pods --sort-by=.status.podIP",
        "kubectl get pods -o jsonpath='{.items[*].metadata.name}'",
        "kubectl get pods -o custom-columns=NAME:.metadata.name,NODE:.spec.nodeName",
    ),
)
def get(call: Call) -> None:
    """Print tables as kubectl does: one a resource, with prefixed names when there are several."""
    targets: list[Target] = call.values["resources"]
    found = gather(call, targets)
    path: str = call.get("sort_by", "")
    if path:
        found = [(resource, sort_by(path, some)) for resource, some in found]
    objects = [obj for _, some in found for obj in some]
    form: Form = call.get("output", Form())
    if form.whole:
        single = len(targets) == 1 and targets[0].obj is not None
        text = form.text(encode(objects[0]) if single else as_list(objects)).removesuffix("\n")
        call.say(*([text] if text else []))
    elif form.name == "name":
        call.say(*(f"{resource.singular}/{obj.name}" for resource, some in found for obj in some))
    elif form.columns:
        call.say(*form.rows(objects, headers=not call.get("no_headers")))
    elif not objects:
        call.say(*_warnings(call, found), _nothing(call, targets))
    else:
        call.say(*_warnings(call, found))
        _tables(call, found)


def _warnings(call: Call, found: Found) -> list[str]:
    """What the API server says beside its answer. kubectl prints it to stderr, so not in what a program reads."""
    version = call.engine.spec.settings.kubernetes
    texts = (api_warning(resource.kind, version) for resource, _ in found)
    return [f"Warning: {text}" for text in texts if text]


def _nothing(call: Call, targets: list[Target]) -> str:
    spread = call.everywhere or not any(target.resource.namespaced for target in targets)
    return "No resources found" if spread else f"No resources found in {call.namespace} namespace."


def _tables(call: Call, found: Found) -> None:
    prefixed = len(found) > 1
    first = True
    for resource, objects in found:
        if not objects:
            continue
        if not first:
            call.say("")
        first = False
        call.say(*_table(call, resource, objects, prefixed))


def _table(call: Call, resource: Resource, objects: list[KubeObject], prefixed: bool) -> list[str]:
    view, context = view_of(resource.full_kind), call.context
    form: Form = call.get("output", Form())
    columns = view.columns + (view.wide if form.name == "wide" else ())
    namespaced = call.everywhere and resource.namespaced
    labelled = bool(call.get("show_labels"))
    rows = []
    for obj in objects:
        name, *cells = view.row(obj, context)[: len(columns)]
        row = [obj.namespace] if namespaced else []
        row += [f"{resource.singular}/{name}" if prefixed else name, *cells]
        rows.append([*row, pairs(obj.metadata.labels)] if labelled else row)
    headings = (*(("NAMESPACE",) if namespaced else ()), *columns, *(("LABELS",) if labelled else ()))
    return table(headings, rows, headers=not call.get("no_headers"))


@command(
    "kubectl get events",
    "What components said about objects, oldest first.",
    flags=(IN_NAMESPACE, EVERYWHERE),
    examples=("kubectl get events", "kubectl get events -A"),
)
def get_events(call: Call) -> None:
    """Print the journal's notes about the objects of a namespace; equal ones are counted together."""
    found = event.notes(call.engine.journal, namespace=None if call.everywhere else call.namespace)
    if not found:
        call.say("No resources found" if call.everywhere else f"No resources found in {call.namespace} namespace.")
        return
    rows = [event.row(note, call.engine.now) for note in found]
    if call.everywhere:
        rows = [(note.event.namespace or "default", *row) for note, row in zip(found, rows, strict=True)]
        call.say(*table(("NAMESPACE", *event.COLUMNS), rows))
    else:
        call.say(*table(event.COLUMNS, rows))


@command(
    "kubectl describe",
    "Everything about objects, with their events; a name after a kind may be only the beginning of names.",
    Parameter("resources", ANY_BEGUN),
    flags=(IN_NAMESPACE, EVERYWHERE, WITH_LABELS),
    examples=("kubectl describe service web", "kubectl describe node/worker-1", "kubectl describe pod web"),
)
def describe_objects(call: Call) -> None:
    """Print the description of each object, with an empty line between."""
    targets: list[Target] = call.values["resources"]
    found = gather(call, targets)
    objects = [obj for _, some in found for obj in some]
    call.say(*_warnings(call, found))
    if not objects:
        call.say(_nothing(call, targets))
    for index, obj in enumerate(objects):
        if index:
            call.say("", "")
        call.say(*describe(obj, call.context))
