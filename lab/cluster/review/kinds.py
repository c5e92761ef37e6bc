"""Tells a misspelt kind of Kubernetes' own API groups from one of a custom resource."""

from __future__ import annotations

from lab.kube.builtin import BUILT_IN, GROUPS, group_of
from lab.kube.errors import nearest
from lab.kube.kinds import BY_NAME, find_api


def no_such_kind(api_version: str, kind: str) -> str:
    """What kubectl says of a kind that its API group does not have, or not in that version.

    Empty for those that it has, and for groups that are not Kubernetes' own.
    """
    known = GROUPS.get(group_of(api_version))
    if known is None or (kind in known and _is_version_of(api_version, kind)):
        return ""
    elsewhere = next((each.api_version for each in BUILT_IN if each.kind == kind), "")
    hint = f"; it is in {elsewhere}" if elsewhere else nearest(kind, known)
    return f'no matches for kind "{kind}" in version "{api_version}"{hint}'


def _is_version_of(api_version: str, kind: str) -> bool:
    """Whether a group may have a kind in a version; of kinds that the lab does not simulate it knows the group only."""
    if kind in BY_NAME:
        return find_api(api_version, kind) is not None
    return "/" in api_version or api_version == "v1"
