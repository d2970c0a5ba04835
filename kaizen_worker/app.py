"""The Celery application: settings, queues and routes; importing it connects to nothing.

Prefork with kombu 5.7: after the broker was killed under load, an AttributeError out of the transport ended or hung the
worker, because it was not counted among the connection errors that are retried. It is, below.
"""

from celery import Celery
from kombu.transport import redis as kombu_redis

from kaizen_api import jobs
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import broker_url
from kaizen_worker.schedule import beat_schedule

SOFT_LIMIT = 3000
HARD_LIMIT = 3300

transport = kombu_redis.Transport
if AttributeError not in transport.connection_errors:
    transport.connection_errors = (*transport.connection_errors, AttributeError)


def create(config: KaizenConfig) -> Celery:
    """The application for one configuration."""
    celery = Celery("kaizen", include=["kaizen_worker.tasks"])
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
        worker_hijack_root_logger=True,
        beat_schedule=beat_schedule(config),
        timezone=config.timezone,
        enable_utc=True,
    )
    return celery


def __getattr__(name: str) -> Celery:
    """`app`, made when Celery's command line asks for it: whoever only wants `create` reads no environment."""
    if name != "app":
        raise AttributeError(name)
    return globals().setdefault("app", create(KaizenConfig.from_env()))
