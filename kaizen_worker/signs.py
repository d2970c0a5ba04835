"""Signs of life of this worker process: one when a job begins, one when it ends (`kaizen_api/liveness.py`)."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from celery import Task
from celery.signals import task_postrun, task_prerun, worker_init, worker_ready, worker_shutdown
from redis import Redis, RedisError

from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect
from kaizen_api.errors import Unavailable
from kaizen_api.liveness import forget, leave_sign
from kaizen_worker.app import HARD_LIMIT
from kaizen_worker.tasks import runtime


@task_prerun.connect
def _begins(task: Task, **_: Any) -> None:
    with suppress(RedisError, Unavailable):  # the job says so itself
        leave_sign(runtime().redis, task.request.hostname, job=task.name, seconds=task.time_limit or HARD_LIMIT)


@task_postrun.connect
def _ended(task: Task, **_: Any) -> None:
    with suppress(RedisError, Unavailable):
        leave_sign(runtime().redis, task.request.hostname)


@worker_init.connect
def _starts(sender: Any, **_: Any) -> None:
    """What stands under its name is of a process that was killed."""
    with _outside() as redis:
        forget(redis, sender.hostname)


@worker_ready.connect
def _ready(sender: Any, **_: Any) -> None:
    with _outside() as redis:
        leave_sign(redis, sender.hostname)


@worker_shutdown.connect
def _ends(sender: Any, **_: Any) -> None:
    with _outside() as redis:
        forget(redis, sender.hostname)


@contextmanager
def _outside() -> Iterator[Redis]:
    """A connection of the worker's first process, which runs no jobs and must not hand its own down to a child."""
    with suppress(RedisError, Unavailable), connect(KaizenConfig.from_env()) as redis:
        yield redis
