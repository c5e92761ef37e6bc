"""`kubectl exec POD -- curl URL`: no container really runs, but what is asked from inside of a Pod can be asked."""

from __future__ import annotations

from collections.abc import Sequence

from lab.commands.flags import IN_NAMESPACE
from lab.commands.registry import ALIASES
from lab.commands.words import Word

PROGRAMS = {"curl": "curl", "dig": "dig", "nslookup": "dig"}
"""The programs that can be asked for, and the command of the lab that does what they do."""
_WITH_VALUE = ("-c", "--container")


def asked_from_pod(words: Sequence[Word]) -> list[Word]:
    """`curl URL --from pod/POD` for `kubectl exec POD -- curl URL`; any other line as it is.

    The words keep their places, so that an error points at what was typed.
    """
    texts = [word.text for word in words]
    if len(texts) < 2 or (ALIASES.get(texts[0], texts[0]), texts[1]) != ("kubectl", "exec") or "--" not in texts:
        return list(words)
    dash = texts.index("--")
    pod, kept = _pod_and_namespace(words[2:dash])
    program = words[dash + 1 : dash + 2]
    if pod is None or not program or program[0].text not in PROGRAMS:
        return list(words)
    name = pod.text if "/" in pod.text else f"pod/{pod.text}"
    source = [pod._replace(text="--from"), pod._replace(text=name)]
    return [program[0]._replace(text=PROGRAMS[program[0].text]), *words[dash + 2 :], *source, *kept]


def _pod_and_namespace(words: Sequence[Word]) -> tuple[Word | None, list[Word]]:
    """Of what stands before `--`: the one Pod that is meant, and the words that choose a namespace."""
    pods: list[Word] = []
    kept: list[Word] = []
    rest = iter(words)
    for word in rest:
        if word.text in (IN_NAMESPACE.name, IN_NAMESPACE.short):
            kept += [word, *[value for value in (next(rest, None),) if value is not None]]
        elif word.text.startswith((f"{IN_NAMESPACE.name}=", f"{IN_NAMESPACE.short}")):
            kept.append(word)
        elif word.text in _WITH_VALUE:
            next(rest, None)
        elif not word.text.startswith("-"):
            pods.append(word)
    return (pods[0] if len(pods) == 1 else None), kept
