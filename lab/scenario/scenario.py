"""A scenario that was read and understood: what `Player` plays."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.engine import ClusterSpec
from lab.kube.decode import Kept
from lab.kube.documents import Document, kept_in
from lab.kube.meta import KubeObject
from lab.scenario.expect import OVER_S, Expression
from lab.traffic.app import AppSpec
from lab.traffic.client import ClientSpec


@dataclass(frozen=True)
class Scope:
    """Whose requests a figure is about, and where its names are."""

    traffic: str = ""
    """A group of clients; empty for all requests."""
    service: str = ""
    """`NAMESPACE/NAME`; empty for every Service."""
    namespace: str = "default"


@dataclass(frozen=True)
class Condition:
    """An expression to look at again and again."""

    text: str
    expression: Expression
    scope: Scope = Scope()
    over_s: float = OVER_S
    """How much of the past a figure of traffic is about."""

    @property
    def label(self) -> str:
        """The expression, and whose requests it is about: `success >= 99% (shoppers)`."""
        return f"{self.text} ({self.scope.traffic})" if self.scope.traffic else self.text


@dataclass(frozen=True)
class Moment:
    """An entry of the timeline: a command, a text, or both."""

    at_s: float
    command: str = ""
    say: str = ""
    refused: str = ""
    """Words of the error with which the command must be refused; empty when it must be accepted."""
    place: str = ""
    """`FILE:LINE`, for messages."""
    when: Condition | None = None
    """It happens as soon as this holds, from `at_s` on."""


@dataclass(frozen=True)
class MethodStep:
    """A step of an experiment's method: a command, a condition to wait for, or one to check."""

    command: str = ""
    say: str = ""
    wait: Condition | None = None
    within_s: float = 60.0
    check: Condition | None = None
    pause_s: float = 0.0
    place: str = ""


@dataclass(frozen=True)
class Experiment:
    """A steady-state hypothesis, a method, and rollbacks."""

    title: str = ""
    over_s: float = 10.0
    """How long traffic is measured before and after the method."""
    steady_state: tuple[Condition, ...] = ()
    method: tuple[MethodStep, ...] = ()
    rollbacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """A step of a lesson."""

    at_s: float
    title: str
    text: str = ""
    watch: str = ""
    wait: bool = False
    """Whether a screen stops time here until whoever reads goes on."""


@dataclass(frozen=True)
class WrongFix:
    """Something that looks like a solution."""

    steps: tuple[MethodStep, ...]
    because: str = ""


@dataclass(frozen=True)
class Kata:
    """A broken cluster to mend."""

    task: str
    difficulty: str = "medium"
    hints: tuple[str, ...] = ()
    solved: tuple[Condition, ...] = ()
    """What must hold all at once."""
    debrief: str = ""
    solution: tuple[MethodStep, ...] = ()
    wrong: tuple[WrongFix, ...] = ()


@dataclass(frozen=True)
class Expectation:
    """A condition and when to judge it: over a window, at a moment, or by a moment; times in seconds."""

    text: str
    expression: Expression
    from_s: float
    to_s: float
    """When it is judged at the latest. A metric of the cluster is judged at `to_s` alone unless `sooner`."""
    sooner: bool = False
    """Whether it is enough that it holds once between `from_s` and `to_s`."""
    throughout: bool = False
    """Whether it must hold at every second between `from_s` and `to_s`."""
    over_s: float = 0.0
    """For a figure of traffic that is looked at like the cluster: how much of the past it is about. 0: the window."""
    scope: Scope = Scope()
    place: str = ""


@dataclass(frozen=True)
class Scenario:
    """Everything that a run needs besides a seed of its own."""

    name: str
    about: str = ""
    variant: str = ""
    """Which of `variants` this is; empty for a file without any."""
    variants: tuple[str, ...] = ()
    """All that its file names."""
    file: str = ""
    """As the user wrote it; empty when it came from no file."""
    folder: Path = field(default_factory=Path)
    """What relative paths are relative to."""
    seed: int = 1
    duration_s: float = 60.0
    """Infinite for a run without a story."""
    cluster: ClusterSpec = field(default_factory=ClusterSpec)
    documents: tuple[Document, ...] = ()
    """What its manifests say, and what it takes for granted besides."""
    apps: tuple[AppSpec, ...] = ()
    clients: tuple[ClientSpec, ...] = ()
    made: tuple[str, ...] = ()
    """The Pods of `objects` that its file does not have: they are there to send requests (`pod/default/client`)."""
    usual_traffic: bool = False
    """Whether clients also use every Service that is exposed, or that nobody calls, when the story begins."""
    timeline: tuple[Moment, ...] = ()
    lesson: tuple[Step, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    experiment: Experiment | None = None
    kata: Kata | None = None

    @property
    def objects(self) -> tuple[KubeObject, ...]:
        """What is applied when the cluster has booted."""
        return tuple(document.object for document in self.documents if document.object is not None)

    @property
    def kept(self) -> tuple[Kept, ...]:
        """What its manifests say and the lab does not simulate."""
        return kept_in(self.documents)

    @property
    def title(self) -> str:
        """The name, with the variant where there is one: `rollout (fixed)`."""
        return f"{self.name} ({self.variant})" if self.variant else self.name

    def doing(self, steps: tuple[MethodStep, ...]) -> Scenario:
        """The same scenario, in which somebody does `steps` from its beginning on."""
        return replace(self, experiment=Experiment(method=steps))

    def in_folder(self, folder: Path) -> Scenario:
        """The same scenario, with its relative paths relative to `folder`."""
        return replace(self, folder=folder)

    def until(self, end_s: float) -> Scenario:
        """The same story, ended early; what was to be judged later is not judged."""
        return replace(self, duration_s=min(self.duration_s, end_s))
