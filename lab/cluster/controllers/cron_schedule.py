"""When a CronJob is due: the latest moment of its schedule that has passed, and the next one.

Pure functions (mostRecentScheduleTime and nextScheduleTimeDuration of the CronJob controller).
https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#cron-job-limitations
"""

from __future__ import annotations

import re
from datetime import UTC, tzinfo
from typing import NamedTuple

from lab.kube.cron import Schedule, parse, time_zone
from lab.kube.kinds.cronjob import CronJob

MANY = 100
"""So many missed moments are worth a warning."""
_ZONE = re.compile(r"(?:CRON_)?TZ=(\S*)\s+")


class Due(NamedTuple):
    """Moments in virtual seconds."""

    latest_s: float | None
    """The last one that has passed and was not acted on; None when there is none."""
    next_s: float | None
    """The first one that is to come; None when the schedule has no more."""
    missed: int
    """How many have passed, counted up to one more than `MANY`."""


def due(cron_job: CronJob, now: float) -> Due:
    """What a CronJob's schedule says now; raises LabError when it cannot be read."""
    spec = cron_job.spec
    named = _ZONE.match(spec.schedule)
    schedule = parse(spec.schedule[named.end() :] if named else spec.schedule)
    name = spec.time_zone or (named[1] if named else "")
    zone = time_zone(name) if name else UTC
    last = cron_job.status.last_schedule_time
    earliest = (cron_job.metadata.creation_timestamp or 0.0) if last is None else last
    if spec.starting_deadline_seconds is not None:
        earliest = max(earliest, now - spec.starting_deadline_seconds)
    first = schedule.next(earliest, zone)
    if first is None or first > now:
        return Due(None, first, 0)
    latest, missed = first, 1
    following = schedule.next(first, zone)
    while following is not None and following <= now:
        latest, missed = following, missed + 1
        if missed > MANY:
            return _after_long(schedule, zone, latest, now)
        following = schedule.next(latest, zone)
    return Due(latest, following, missed)


def _after_long(schedule: Schedule, zone: tzinfo, moment: float, now: float) -> Due:
    """The latest moment when whoever would have acted was away for long: looks back from now, ever further."""
    back_s = 60.0
    while True:
        latest = moment if now - back_s <= moment else None
        following = schedule.next(max(now - back_s, moment), zone)
        while following is not None and following <= now:
            latest, following = following, schedule.next(following, zone)
        if latest is not None:
            return Due(latest, following, MANY + 1)
        back_s *= 2.0
