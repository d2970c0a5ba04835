"""A span for each job, which goes on the trace of whoever asked for it; loaded only where traces are wanted.

Guarantee: the spans of a process that ends are sent first: one that is recycled, told to stop, or shut down. What a
`kill -9` takes are those of the last seconds (`kaizen_api/tracing.py`).
"""

from contextlib import ExitStack
from typing import Any

from celery import Task
from celery.signals import task_failure, task_postrun, task_prerun, worker_process_init, worker_process_shutdown

from kaizen_api import spans, tracing
from kaizen_api.jobs import FREQUENT, ROUTES

SERVICE = "kaizen-worker"

_NAMES = ("tenant", "place", "due", "cycle_id", "gap_id")  # arguments of ours; what else comes along may be anything

_open: dict[str, ExitStack] = {}  # of the one job that this process is at


@worker_process_init.connect
def _starts(**_: Any) -> None:
    tracing.begin(SERVICE)


@worker_process_shutdown.connect
def _stops(**_: Any) -> None:
    tracing.end(SERVICE)


@task_prerun.connect
def _begins(task_id: str, task: Task, kwargs: dict[str, Any], **_: Any) -> None:
    if task.name not in ROUTES or task.name in FREQUENT:
        return
    names = {name: str(kwargs[name]) for name in _NAMES if name in kwargs}
    _open[task_id] = ExitStack()
    _open[task_id].enter_context(
        spans.span(
            task.name,
            kind="CONSUMER",
            parent=task.request.get(spans.TRACEPARENT),
            job_id=task_id,
            queue=ROUTES[task.name]["queue"],
            redelivered=bool((task.request.delivery_info or {}).get("redelivered")),
            **names,
        )
    )


@task_failure.connect
def _failed(task_id: str, exception: BaseException, **_: Any) -> None:
    if task_id in _open:
        spans.failed(type(exception).__qualname__)


@task_postrun.connect
def _ended(task_id: str, **_: Any) -> None:
    if job := _open.pop(task_id, None):
        job.close()
