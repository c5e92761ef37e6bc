"""`kubectl create quota` and `kubectl create poddisruptionbudget`."""

from __future__ import annotations

from collections.abc import Sequence

from lab.cluster.apply import resource_name
from lab.commands.call import Call
from lab.commands.flags import IN_NAMESPACE
from lab.commands.registry import Flag, Parameter, ValueType, command
from lab.commands.values import NAME, SELECTOR, TEXT
from lab.commands.words import CommandError, Word
from lab.kube import quantity
from lab.kube.errors import LabError
from lab.kube.kinds.poddisruptionbudget import PodDisruptionBudget, PodDisruptionBudgetSpec
from lab.kube.kinds.resourcequota import ResourceQuota, ResourceQuotaSpec
from lab.kube.meta import ObjectMeta
from lab.kube.struct import IntOrString, Quantity


def _hard(words: Sequence[Word], call: Call) -> dict[str, Quantity]:
    """`pods=10,requests.cpu=4`."""
    found: dict[str, Quantity] = {}
    for part in words[0].text.split(","):
        name, equals, amount = part.partition("=")
        if not name or not equals:
            raise CommandError("error: expected RESOURCE=AMOUNT,RESOURCE=AMOUNT", words[0])
        try:
            found[name] = quantity.as_text(amount)
        except LabError as error:
            raise CommandError(f"error: {error}", words[0]) from None
    return found


def _amount(words: Sequence[Word], call: Call) -> IntOrString:
    """A number, or a percentage; the API server says what is wrong with it."""
    text = words[0].text
    return int(text) if text.removeprefix("-").isdigit() else text


_HARD = ValueType("LIMITS", "limits: pods=10,requests.cpu=4", _hard)
_AMOUNT = ValueType("AMOUNT", "a number, or a percentage such as 50%", _amount)


@command(
    "kubectl create quota",
    "Make a ResourceQuota: how much the objects of a namespace may ask for, all together.",
    Parameter("name", NAME),
    flags=(
        Flag("--hard", "the limits", _HARD, required=True),
        Flag("--scopes", "only Pods of these scopes, such as BestEffort,NotTerminating", TEXT),
        IN_NAMESPACE,
    ),
    examples=("kubectl create quota compute --hard=pods=10,requests.cpu=4,requests.memory=8Gi",),
    makes="ResourceQuota",
)
def create_quota(call: Call) -> None:
    """It holds as soon as its controller has counted what is there."""
    scopes = tuple(scope.strip() for scope in call.get("scopes", "").split(",") if scope.strip())
    meta = ObjectMeta(name=call.values["name"], namespace=call.namespace)
    spec = ResourceQuotaSpec(hard=call.values["hard"], scopes=scopes)
    created = call.store.create(ResourceQuota(metadata=meta, spec=spec))
    call.say(f"{resource_name(created)} created")


@command(
    "kubectl create poddisruptionbudget",
    "Make a PodDisruptionBudget: how many Pods with some labels may be evicted at a time.",
    Parameter("name", NAME),
    flags=(
        Flag("--selector", "the labels of the Pods", SELECTOR, "-l", required=True),
        Flag("--min-available", "how many must stay healthy", _AMOUNT),
        Flag("--max-unavailable", "how many may be missing", _AMOUNT),
        IN_NAMESPACE,
    ),
    examples=("kubectl create poddisruptionbudget web --selector=app=web --min-available=2",),
    makes="PodDisruptionBudget",
)
def create_disruption_budget(call: Call) -> None:
    """One of the two bounds is needed, as kubectl asks for it."""
    least, most = call.get("min_available"), call.get("max_unavailable")
    if (least is None) == (most is None):
        raise LabError("one of min-available or max-unavailable must be specified")
    spec = PodDisruptionBudgetSpec(min_available=least, max_unavailable=most, selector=call.values["selector"])
    meta = ObjectMeta(name=call.values["name"], namespace=call.namespace)
    call.say(f"{resource_name(call.store.create(PodDisruptionBudget(metadata=meta, spec=spec)))} created")
