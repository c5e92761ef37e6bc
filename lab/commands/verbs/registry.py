"""`lab fail registry`, `lab slow registry`, `lab remove image`: where nodes pull their images from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lab.commands.call import Call
from lab.commands.fault import fault
from lab.commands.registry import Flag, Parameter, Place, command
from lab.commands.values import DURATION, IMAGE
from lab.commands.words import Word
from lab.faults import registry
from lab.kube.errors import LabError
from lab.kube.images import reference
from lab.kube.kinds.pod import Pod


def _images(before: Sequence[Word], call: Call) -> Iterable[str]:
    return dict.fromkeys(container.image for pod in call.store.list(Pod) for container in pod.spec.containers)


_IMAGE = replace(IMAGE, suggest=_images)


@fault(
    "lab fail registry",
    "Let the image registry answer 503: pulls fail with ErrImagePull, images that a node has are started all the same.",
    undo="lab recover registry",
    broken=lambda engine: () if engine.control_plane.registry.up else ("",),
    places=(Place("", "The image registry is down: pulls fail", "The image registry answers again", ""),),
    examples=("lab fail registry", "lab fail registry --for=2m"),
)
def fail_registry(call: Call) -> str:
    """Take it down."""
    call.say(f"the image registry is down{'' if registry.power(call.engine, False) else ' already'}")
    return ""


@command("lab recover registry", "Let the image registry answer again.", examples=("lab recover registry",))
def recover_registry(call: Call) -> str:
    """Bring it up."""
    call.say(f"the image registry is up{' again' if registry.power(call.engine, True) else ' already'}")
    return ""


@fault(
    "lab slow registry",
    "Let every pull take longer; a kubelet pulls one image after another unless image_pull_parallel is set.",
    undo="lab quicken registry",
    broken=lambda engine: ("",) if engine.control_plane.registry.slow_s else (),
    places=(
        Place("", "The registry is slow: pulls take 30 s longer", "The registry is as fast as it was", "", "--by=30s"),
    ),
    flags=(Flag("--by", "how much longer each pull takes", DURATION, required=True),),
    examples=("lab slow registry --by=30s",),
)
def slow_registry(call: Call) -> str:
    """Slow down."""
    by_s: float = call.values["by"]
    if not by_s:
        raise LabError("say by how much: --by=30s")
    call.say(f"the image registry is {'slower now' if registry.slow_down(call.engine, by_s) else 'as slow already'}")
    return ""


@command("lab quicken registry", "Undo `lab slow registry`.", examples=("lab quicken registry",))
def quicken_registry(call: Call) -> str:
    """As fast as it should be."""
    did = registry.slow_down(call.engine, 0.0)
    call.say(f"the image registry is {'as fast as it was' if did else 'not slow'}")
    return ""


@fault(
    "lab remove image",
    "Take an image out of the registry: pulls of it fail with not found, nodes that have it keep it.",
    Parameter("image", _IMAGE),
    undo="lab push image",
    broken=registry.removed,
    examples=("lab remove image shop/web:2", "lab remove image nginx --for=1m"),
)
def remove_image(call: Call) -> str:
    """Take it out."""
    image: str = call.values["image"]
    call.say(f"{image} {'is' if registry.remove(call.engine, image) else 'was'} taken out of the registry")
    return reference(image).full


@command(
    "lab push image",
    "Put an image back into the registry: undo `lab remove image`.",
    Parameter("image", _IMAGE),
    examples=("lab push image shop/web:2",),
)
def push_image(call: Call) -> str:
    """Put it back."""
    image: str = call.values["image"]
    call.say(f"{image} {'is back in the registry' if registry.push(call.engine, image) else 'was not taken out'}")
    return reference(image).full
