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

from kaizen_api import keys, spans
from kaizen_api.errors import Unavailable
from kaizen_api.jobs import ROUTES, SENT_AT
from kaizen_api.metrics import field, observation
from kaizen_api.metrics.exemplars import Ids, exemplars, keep
from kaizen_worker.tasks import runtime

_WAIT = "kaizen_job_wait_seconds"
_RESULTS = {"SUCCESS": "done", "FAILURE": "failed", "RETRY": "retried"}

_began: dict[str, tuple[float, Ids]] = {}  # of the one job that this process is at: when, and what it is


@task_prerun.connect
def _begins(task_id: str, task: Task, **_: Any) -> None:
    ids = {
        "trace_id": spans.ids().get("trace_id"),
        "job_id": task_id,
    }  # noted here: its span has ended when it is counted
    _began[task_id] = time.monotonic(), ids
    if task.name in ROUTES:
        _count(_beginning(task), _waiting(task, ids))


@task_postrun.connect
def _ended(task_id: str, task: Task, state: str | None = None, **_: Any) -> None:
    began = _began.pop(task_id, None)
    result = _RESULTS.get(state or "")
    if began is not None and result is not None and task.name in ROUTES:
        (since, ids), name = began, "kaizen_job_duration_seconds"
        seconds = time.monotonic() - since
        counts = {field("kaizen_jobs_total", task=task.name, result=result): 1}
        _count(counts | observation(name, seconds, task=task.name), exemplars(name, [(seconds, ids)], task=task.name))


def _beginning(task: Task) -> dict[str, int]:
    """Its wait, or that it began before."""
    if _began_before(task):
        return {field("kaizen_job_redeliveries_total", task=task.name): 1}
    waited = _waited(task)
    return {} if waited is None else observation(_WAIT, waited, queue=ROUTES[task.name]["queue"])


def _waiting(task: Task, ids: Ids) -> dict[str, str]:
    waited = _waited(task)
    return {} if waited is None else exemplars(_WAIT, [(waited, ids)], queue=ROUTES[task.name]["queue"])


def _waited(task: Task) -> float | None:
    """Seconds since it was sent; None where that is not known, or it waited for its worker to be missed."""
    sent = task.request.get(SENT_AT)
    return None if sent is None or _began_before(task) else max(0.0, time.time() - int(sent) / 1e6)  # clocks differ


def _began_before(task: Task) -> bool:
    return bool((task.request.delivery_info or {}).get("redelivered"))


def _count(counts: dict[str, int], kept: dict[str, str]) -> None:
    with suppress(RedisError, Unavailable):
        pipe = runtime().redis.pipeline(transaction=False)
        for series, step in counts.items():
            pipe.hincrby(keys.ROLLUP, series, step)
        keep(pipe, kept)
        pipe.execute()
