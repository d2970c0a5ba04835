"""The Celery application: settings, queues and routes; importing it connects to nothing.

Prefork with kombu 5.7: after the broker was killed under load, an AttributeError out of the transport ended or hung the
worker, because it was not counted among the connection errors that are retried. It is, below; so is a broker that is at
its maxmemory, which ended every worker that connected to it.
"""

import logging
from typing import Any

from celery import Celery, Task, current_task
from celery.signals import after_setup_logger, after_setup_task_logger
from kombu.transport import redis as kombu_redis
from redis import OutOfMemoryError

from kaizen_api import jobs, logs
from kaizen_api.config import KaizenConfig, traces_wanted
from kaizen_api.connection import broker_url
from kaizen_api.versions import check

SOFT_LIMIT = 3000
HARD_LIMIT = 3300

transport = kombu_redis.Transport
transport.connection_errors = tuple({*transport.connection_errors, AttributeError, OutOfMemoryError})


class Job(Task):  # type: ignore[misc]  # Celery has no types
    """A task that refuses what a newer version asks for in a way that this one would misread; beat asks again."""

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:  # noqa: ARG002  # Celery's signature
        """Raises NewerSchema."""
        check(int(self.request.get(jobs.SCHEMA_OF) or 1), f"the job {self.name}")


def create(config: KaizenConfig, *, tasks: bool = True) -> Celery:
    """The application for one configuration.

    Args:
        config: The settings.
        tasks: Whether it knows the tasks themselves, as workers must; beat and Flower get along with their names.

    Raises:
        Unavailable: workers are set to a backend whose packages are absent.
    """
    if tasks:
        from kaizen_worker.engine import backends  # noqa: PLC0415  # which beat and Flower do without

        backends.require(config.cluster_backend)
    celery = Celery("kaizen", task_cls=Job, include=_modules() if tasks else [])
    celery.conf.update(
        jobs.settings(broker_url(config)),
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_soft_time_limit=SOFT_LIMIT,
        task_time_limit=HARD_LIMIT,
        task_track_started=True,
        task_send_sent_event=True,
        worker_send_task_events=True,
        worker_prefetch_multiplier=1,
        worker_soft_shutdown_timeout=30,
        beat_scheduler="kaizen_worker.schedule.beat:Beat",
        enable_utc=True,
    )
    return celery


def _modules() -> list[str]:
    """What workers load; the spans first, so that what else begins with a job is within its span."""
    tracing = ["kaizen_worker.spans"] if traces_wanted() else []
    return [*tracing, "kaizen_worker.tasks", "kaizen_worker.signs", "kaizen_worker.tally"]


class Rare(logging.Filter):
    """Leaves out what is said every few seconds and means that all is well."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to keep a record."""
        return record.levelno > logging.INFO or not any(name in record.getMessage() for name in jobs.FREQUENT)


def _subject() -> dict[str, str]:
    """The job that this process does now, with the names it was given: never data."""
    if not current_task:
        return {}
    request = current_task.request
    return {
        "job": current_task.name,
        "job_id": str(request.id),
        **{name: str(it) for name, it in request.kwargs.items()},
    }


@after_setup_logger.connect
@after_setup_task_logger.connect
def _set_up(logger: logging.Logger, **_: Any) -> None:
    for handler in logger.handlers:
        handler.addFilter(Rare())
    logs.dress(logger.handlers, KaizenConfig.from_env(), _subject)


def __getattr__(name: str) -> Celery:
    """`app` for workers, `control` for beat and Flower, made when Celery's command line asks for one."""
    if name not in {"app", "control"}:
        raise AttributeError(name)
    return globals().setdefault(name, create(KaizenConfig.from_env(), tasks=name == "app"))
