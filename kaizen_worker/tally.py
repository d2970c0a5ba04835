"""How jobs ended, how long they took and waited, counted in the same hash as all else: no second exporter is needed.

A job that is killed counts nothing when it dies, and as begun again when another worker has it. Counting never fails a
job: what cannot be counted is left out.
"""

import time
from contextlib import suppress
from typing import Any

from celery import Task
from celery.signals import task_postrun, task_prerun
from redis import RedisError

from kaizen_api import keys
from kaizen_api.errors import Unavailable
from kaizen_api.jobs import ROUTES, SENT_AT
from kaizen_api.metrics import field, observation
from kaizen_worker.tasks import runtime

_RESULTS = {"SUCCESS": "done", "FAILURE": "failed", "RETRY": "retried"}

_began: dict[str, float] = {}  # of the one job that this process is at


@task_prerun.connect
def _begins(task_id: str, task: Task, **_: Any) -> None:
    _began[task_id] = time.monotonic()
    if task.name in ROUTES:
        _count(_beginning(task))


@task_postrun.connect
def _ended(task_id: str, task: Task, state: str | None = None, **_: Any) -> None:
    began = _began.pop(task_id, None)
    result = _RESULTS.get(state or "")
    if began is not None and result is not None and task.name in ROUTES:
        took = observation("kaizen_job_duration_seconds", time.monotonic() - began, task=task.name)
        _count({field("kaizen_jobs_total", task=task.name, result=result): 1, **took})


def _beginning(task: Task) -> dict[str, int]:
    """Its wait; but a job that began before has waited for its worker to be missed."""
    if (task.request.delivery_info or {}).get("redelivered"):
        return {field("kaizen_job_redeliveries_total", task=task.name): 1}
    sent = task.request.get(SENT_AT)
    if sent is None:
        return {}
    waited = max(0.0, time.time() - int(sent) / 1e6)  # clocks of two hosts differ
    return observation("kaizen_job_wait_seconds", waited, queue=ROUTES[task.name]["queue"])


def _count(counts: dict[str, int]) -> None:
    with suppress(RedisError, Unavailable):
        pipe = runtime().redis.pipeline(transaction=False)
        for series, step in counts.items():
            pipe.hincrby(keys.ROLLUP, series, step)
        pipe.execute()
