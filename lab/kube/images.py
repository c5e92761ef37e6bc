"""How an image is written: the grammar of references (github.com/distribution/reference)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_HOST}(?:\.{_HOST})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_TAG = r":[\w][\w.-]{0,127}"
_DIGEST = r"@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(rf"((?:{_DOMAIN}/)?{_COMPONENT}(?:/{_COMPONENT})*)(?:{_TAG})?(?:{_DIGEST})?", re.ASCII)
_MAX_NAME = 255
INVALID = "invalid reference format"


class Reference(NamedTuple):
    """An image's parts, with what is understood when they are left out."""

    host: str
    path: str
    version: str
    """A tag, or a digest."""

    @property
    def full(self) -> str:
        """`docker.io/library/nginx:latest`, or with a digest `docker.io/library/nginx@sha256:...`."""
        return f"{self.host}/{self.path}{'@' if ':' in self.version else ':'}{self.version}"


def reference(image: str) -> Reference:
    """An image in full, as containerd asks for it (distribution/reference's ParseDockerRef): a digest hides its tag."""
    named, _, digest = image.partition("@")
    head, slash, rest = named.partition("/")
    if not slash or not ("." in head or ":" in head or head == "localhost"):
        head, rest = "docker.io", named if slash else f"library/{named}"
    path, _, tag = rest.partition(":")
    return Reference(head, path, digest or tag or "latest")


@lru_cache(maxsize=4096)
def image_fault(image: str) -> str:
    """What is wrong with an image reference, in the reference implementation's words; empty when nothing is."""
    found = _REFERENCE.fullmatch(image)
    if found is not None:
        return "" if len(found[1]) <= _MAX_NAME else f"repository name must not be more than {_MAX_NAME} characters"
    if _REFERENCE.fullmatch(image.lower()):
        return f"{INVALID}: repository name ({_repository(image)}) must be lowercase"
    return INVALID


def _repository(image: str) -> str:
    head, slash, last = image.partition("@")[0].rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"
