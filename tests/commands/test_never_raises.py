"""Whatever is typed, there is an answer and never an accident."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.commands.complete import complete
from lab.commands.fault import broken_now
from lab.commands.registry import COMMANDS
from lab.commands.run import run
from lab.engine import Engine
from tests.commands.test_on_engine import give, start
from tests.commands.world import World

NOUNS = (
    *("web", "web-1", "pod/web-1", "deployment/web", "svc/web", "node/worker-1", "worker-1", "pods,svc", "all", "pod"),
    *("-n", "shop", "-A", "-l", "app=web", "-o", "yaml", "--replicas=2", "--replicas", "--all", "--force", "-p", "a-"),
    *("{}", '{"spec":{"type":"NodePort"}}', '{"metadata":{"name":"x"}}', '{"spec":7}', "[]", "a=b", "*=x", "--image=x"),
    *(
        "--port=80",
        "--port=0",
        "--name=y",
        "--type=NodePort",
        "/",
        "a/b/c",
        "pod/",
        "=",
        "-",
        "--",
        "'",
        "internet",
        "7",
    ),
)


def world() -> World:
    made = World()
    made.node("worker-1", "zone-a")
    made.deployment("web")
    made.pod("web-1", app="web")
    made.ok("kubectl expose deployment web --port=80")
    return made


NEEDS_NETWORK = ("curl", "dig", "lab explain", "lab expose", "lab trace", "lab reach", "lab faults", "lab mend")
FAULTS = [one.name for one in COMMANDS.values() if one.fault is not None and one.name.startswith("lab ")]
UNDOS = [one.fault.undo for one in COMMANDS.values() if one.fault is not None and one.fault.undo.startswith("lab ")]
OFFLINE = [name for name in COMMANDS if name not in (*NEEDS_NETWORK, *FAULTS, *UNDOS)]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(OFFLINE), st.lists(st.sampled_from(NOUNS), max_size=5)), max_size=6))
def test_any_words_after_any_verb(lines: list[tuple[str, list[str]]]) -> None:
    made = world()
    for verb, words in lines:
        text = " ".join([verb, *(shlex.quote(word) if "{" in word else word for word in words)])
        complete(made, text)
        complete(made, text + " ")
        execution = made.type(text)
        assert execution.done or verb in ("kubectl rollout status", "kubectl drain")  # these go on on the clock
        assert made.given[-1].text == text


PLACES = ("worker-1", "zone-a", "zone/zone-b", "internet", "client", "deployment/web", "--for=3s", "--for", "web", "-n")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = start()
    yield made
    made.close()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*FAULTS, *UNDOS, "lab faults", "lab mend"]),
            st.lists(st.sampled_from((*NOUNS, *PLACES)), max_size=4),
        ),
        max_size=6,
    )
)
def test_any_words_after_a_fault(engine: Engine, lines: list[tuple[str, list[str]]]) -> None:
    for verb, words in lines:
        text = " ".join([verb, *(shlex.quote(word) if "{" in word else word for word in words)])
        complete(engine, text)
        complete(engine, text + " ")
        assert give(engine, text, 1.0).done
    run(engine, "lab mend")
    engine.run_for(5.0)
    assert not broken_now(engine)
