"""What a fault makes of the app in a Pod: slower, faulty, deaf, leaking. It stays over restarts, as a bug does."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from lab.traffic.app import AppSpec


class Ailment(msgspec.Struct, frozen=True, kw_only=True):
    """How the containers of a Pod differ from what their app does by itself."""

    extra_s: float = 0.0
    """How much longer a worker takes for each request."""
    factor: float = 1.0
    """How many times as long as it would a worker takes for a request, without `extra_s`."""
    error_rate: float = 0.0
    """The share of requests answered with 500, when it is more than the app's own."""
    closed: bool = False
    """Whether its processes run and listen nowhere."""
    growth: float = 0.0
    """Bytes a second by which the memory of each container grows, besides the app's own growth."""

    @property
    def slow(self) -> bool:
        """Whether it is slower, or faster, than it should be."""
        return self.extra_s != 0.0 or self.factor != 1.0

    def of(self, spec: AppSpec) -> AppSpec:
        """What an app does that has it."""
        return replace(
            spec,
            service_time=spec.service_time.slower(self.factor, self.extra_s),
            error_rate=max(spec.error_rate, self.error_rate),
            memory_growth=spec.memory_growth + self.growth,
        )


WELL = Ailment()
