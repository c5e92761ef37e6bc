"""What an image does when it runs: where it listens, how long it takes, whom it calls, how it ends."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

_P99_DEVIATIONS = 2.3263478740408408
"""How many standard deviations the 99th percentile of a normal distribution lies above its median."""


class Distribution(msgspec.Struct, frozen=True):
    """A random duration in seconds; make one with `constant`, `exponential` or `lognormal`."""

    kind: Literal["constant", "exponential", "lognormal"] = "constant"
    value_s: float = 0.0
    """The constant, the mean (exponential) or the median (lognormal)."""
    p99_s: float = 0.0
    """The 99th percentile; lognormal only."""
    extra_s: float = 0.0
    """What each one takes besides."""

    @classmethod
    def constant(cls, value_s: float) -> Distribution:
        """Always the same."""
        return cls("constant", value_s)

    @classmethod
    def exponential(cls, mean_s: float) -> Distribution:
        """Without memory, as in the queueing theory textbook."""
        return cls("exponential", mean_s)

    @classmethod
    def lognormal(cls, median_s: float, p99_s: float) -> Distribution:
        """Skewed as measured latencies are, fitted from two percentiles; constant when they are equal."""
        if p99_s <= median_s or median_s <= 0.0:
            return cls.constant(median_s)
        return cls("lognormal", median_s, p99_s)

    @property
    def mean_s(self) -> float:
        """The expected value in seconds."""
        if self.kind == "lognormal":
            return self.extra_s + self.value_s * math.exp(self._sigma**2 / 2)
        return self.extra_s + self.value_s

    def slower(self, factor: float, extra_s: float) -> Distribution:
        """Durations that are so many times as long, and then so much longer."""
        return Distribution(self.kind, self.value_s * factor, self.p99_s * factor, self.extra_s * factor + extra_s)

    @property
    def _sigma(self) -> float:
        return math.log(self.p99_s / self.value_s) / _P99_DEVIATIONS

    def sampler(self, rng: random.Random) -> Callable[[], float]:
        """A function that draws one duration a call."""
        extra_s = self.extra_s
        if extra_s:
            draw = self.slower(1.0, -extra_s).sampler(rng)
            return lambda: draw() + extra_s
        value_s = self.value_s
        if self.kind == "constant":
            return lambda: value_s
        if self.kind == "exponential":
            uniform, log = rng.random, math.log
            return lambda: -value_s * log(1.0 - uniform())
        gauss, exp, sigma = rng.gauss, math.exp, self._sigma
        return lambda: value_s * exp(gauss(0.0, sigma))


class AppSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What the containers of an image do. A field left at None is found out from the Pod and its Services."""

    image: str = "*"
    """A glob over the image, with or without registry and tag: `shop/web:*`, `redis`, `*/front-end`."""
    listen: tuple[tuple[str, int], ...] | None = None
    """(protocol, port) pairs, whatever the manifest declares."""
    workers: int = 64
    """How many requests it works on at the same time."""
    backlog: int = 256
    """How many more may wait in line; beyond it HTTP answers 503 and others refuse."""
    service_time: Distribution = Distribution("lognormal", 0.004, 0.02)
    startup_s: float = 0.5
    """From the start of the process until it listens."""
    shutdown: Literal["abrupt", "graceful"] = "abrupt"
    """On SIGTERM: end at once and reset what is open, as most programs do that handle no signal; or finish
    what is in progress, and refuse what is new."""
    shutdown_s: float = 0.0
    """How long a graceful end takes after the last request."""
    max_connection_age_s: float = 0.0
    """With HTTP/2 and gRPC: after how long the server says goodbye on a connection; 0 for never."""
    error_rate: float = 0.0
    """The share of requests answered with 500."""
    calls: tuple[str, ...] | None = None
    """URLs that it calls, in order, before it answers, whether or not there is such a Service."""
    health: Literal["own", "calls"] = "own"
    """What its HTTP health checks tell: whether it answers itself, or those that it calls as well."""
    usual_calls: tuple[str, ...] = ()
    """URLs that it calls besides those found in its environment, as far as such Services exist; a part of a
    well-known application runs as well. Unused when `calls` is given."""
    drives: float = 1.0
    """How often a second an app that listens nowhere calls its targets."""
    runs_s: float | None = None
    """After how long it exits by itself; None for never, or in a Pod of a Job for what its command says."""
    exit_code: int = 0
    """With which status it then exits."""
    cpu: float | None = None
    """Cores that a worker uses while it works on a request; None for its share of the container's CPU request."""
    memory_bytes: int | None = None
    """What a running container holds; None for a share of its memory request (lab.traffic.usage)."""
    missing: bool = False
    """Whether the registry does not have the image."""
    memory_growth: float = 0.0
    """By how many bytes a second that grows, until the container ends."""

    def matches(self, image: str) -> bool:
        """Whether this is what `image` does."""
        return any(fnmatchcase(name, self.image) for name in image_names(image))


def image_names(image: str) -> Iterator[str]:
    """The ways to write an image: as it stands, with its tag, without tag, without registry, its last word."""
    bare, _, _ = image.partition("@")
    head, slash, last = bare.rpartition("/")
    name, _, tag = last.partition(":")
    path = f"{head}{slash}{name}"
    registry, slash, rest = path.partition("/")
    short = rest if slash and ("." in registry or ":" in registry or registry in ("localhost", "library")) else path
    for form in dict.fromkeys((path, short, name)):
        yield form
        yield f"{form}:{tag or 'latest'}"


class AppTable:
    """Finds the `AppSpec` of an image: the scenario's own first, then the well-known ones, then the default."""

    def __init__(self, *tables: tuple[AppSpec, ...]) -> None:
        self._specs = tuple(spec for table in tables for spec in table)
        self._known: dict[str, AppSpec] = {}

    def find(self, image: str) -> AppSpec:
        """The first spec that matches; `DEFAULT_APP` when none does."""
        spec = self._known.get(image)
        if spec is None:
            spec = next((spec for spec in self._specs if spec.matches(image)), DEFAULT_APP)
            self._known[image] = spec
        return spec


DEFAULT_APP = AppSpec()
