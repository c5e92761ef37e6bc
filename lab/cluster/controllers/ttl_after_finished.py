"""Deletes Jobs some time after they have ended (KEP-592).

https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/
"""

from __future__ import annotations

from lab.cluster.controllers.base import Controller, Key
from lab.kube.kinds.job import Job


class TTLAfterFinished(Controller):
    """Waits for the end of each Job with `ttlSecondsAfterFinished`, and then for that long."""

    name = "ttl-after-finished-controller"

    def connect(self) -> None:
        """Follow Jobs that are to go by themselves."""
        self.follow(Job, lambda change: (change.object.key,) if _expires_s(change.new) is not None else ())

    async def reconcile(self, key: Key) -> None:
        """Delete the Job when its time has come."""
        job = self.store.find(Job, key[1], key[0])
        expires_s = _expires_s(job)
        if job is None or expires_s is None:
            return
        left_s = expires_s - self.clock.time()
        if left_s > 0:
            self.queue.add_after(key, left_s)
        else:
            self.store.delete(Job, job.name, job.namespace)


def _expires_s(job: object) -> float | None:
    """When a Job is to be deleted, in virtual seconds; None for one that is to stay, or that has not ended."""
    if not isinstance(job, Job) or job.spec.ttl_seconds_after_finished is None or job.finished is None:
        return None
    return (job.finished.last_transition_time or 0.0) + job.spec.ttl_seconds_after_finished
