"""The Celery jobs by name: what one may enqueue, and its arguments. The thin side never loads a worker's code.

A job names what to work on, never the data; each is idempotent, and one that is lost only costs time, because beat
finds the work again. No call takes longer than `JOB_SECONDS`, whether Redis and the broker answer or not.
"""

import hashlib
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from celery import Celery
from celery.signals import before_task_publish
from kombu.exceptions import OperationalError
from kombu.transport.redis import SentinelChannel
from redis import RedisError

from kaizen_api import keys, spans
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import (
    CALL_SECONDS,
    TIMEOUT,
    MasterConnection,
    broker_url,
    celery_broker,
    connect,
    reaching,
)
from kaizen_api.errors import Unavailable
from kaizen_api.intake import Intake
from kaizen_api.masking import mask
from kaizen_api.producer.batch import user_key
from kaizen_api.schema import Gap, Interaction
from kaizen_api.versions import SCHEMA
from kaizen_api.voices import charge_one

TICK = "kaizen.tick"
CONSUME = "kaizen.consume"
ANALYZE = "kaizen.analyze"
FILL = "kaizen.fill"
RESUME = "kaizen.resume"
CYCLE = "kaizen.cycle"
DAILY = "kaizen.daily"

LIVE_QUEUE = "kaizen.live"
"""Short jobs that keep the streams moving."""

WORK_QUEUE = "kaizen.work"
"""Analyses, searches, rotation."""

ROUTES = {name: {"queue": LIVE_QUEUE} for name in (TICK, CONSUME)} | {
    name: {"queue": WORK_QUEUE} for name in (ANALYZE, FILL, RESUME, CYCLE, DAILY)
}

FREQUENT = (TICK, RESUME)
"""What is done every few seconds, and is not told of where all is well."""

VISIBILITY_TIMEOUT = 3 * 3600
"""Seconds after which the broker gives an unacknowledged job to another worker; over three times the hard limit."""


SCHEMA_OF = "schema"
"""Header of a job: the schema that its arguments need (`kaizen_api/versions.py`)."""

SENT_AT = "sent_at"
"""Header of a job: when it was sent, us since the epoch."""

JOB_SECONDS = 2 * CALL_SECONDS
"""Longest that asking for a job takes: a note in Redis, then the broker. One that hangs costs about one time-out."""

CLAIM_SECONDS = 60
"""How long a job may give no sign of life before beat starts it again."""


SentinelChannel.connection_class = MasterConnection  # else a worker goes on asking a master whose host is gone


def settings(url: str) -> dict[str, Any]:
    """Celery's settings for one broker, the same for those who enqueue and those who work."""
    broker = celery_broker(url)
    return {
        "broker_url": broker["url"],
        "broker_transport_options": {
            "global_keyprefix": keys.BROKER_PREFIX,
            "visibility_timeout": VISIBILITY_TIMEOUT,
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "health_check_interval": 25,
            **broker["options"],
        },
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_pool_acquire_timeout": 2,
        "task_publish_retry_policy": {"max_retries": 2, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.5},
        "task_routes": ROUTES,
        "task_default_queue": WORK_QUEUE,
        "task_ignore_result": True,
        "accept_content": ["json"],
        "task_serializer": "json",
    }


def fill_query(config: KaizenConfig, tenant: str, query: str, *, user_id: str | None = None) -> str:
    """Open a gap for one query and ask for its filling; the same query again is the same gap. Returns the job's id.

    Args:
        config: Names Redis and the broker.
        tenant: For whose knowledge base.
        query: What to search for.
        user_id: Who asks, as in interactions; None: nobody is charged.

    Raises:
        Invalid: it is no id of a user, or the query that the user asks is blank.
        Paced: the user has asked for as many as one may in a day; nothing is opened.
        Unavailable: Redis or the broker does not answer.
    """
    masked = mask(query).strip()
    gap_id = "g" + hashlib.blake2b(masked.encode(), digest_size=8).hexdigest()
    gap = Gap(id=gap_id, topic="", diagnosis="missing", users=0, queries=[masked])
    with reaching(config), connect(config) as client:
        if user_id is not None:
            asked = Intake(user_key(client, config)).record(Interaction(query=query, user_id=user_id))
            charge_one(client, tenant, gap_id, f"u:{asked.user}")
        client.sadd(keys.TENANTS, tenant)
        pipe = client.pipeline()
        pipe.hsetnx(keys.objects(tenant, "gap"), gap_id, msgspec.msgpack.encode(gap, order="deterministic"))
        pipe.zadd(keys.order(tenant, "gap"), {gap_id: 0}, nx=True)
        pipe.execute()
    return enqueue(config, FILL, tenant=tenant, gap_id=gap_id)


def enqueue(
    config: KaizenConfig, name: str, *, countdown: float = 0, expires: float | None = None, **arguments: str
) -> str:
    """Put one job on its queue and return its id.

    Args:
        config: Names the broker.
        name: Of the job.
        countdown: Seconds that it waits at least.
        expires: Seconds after which a worker is to drop it; None: never.
        arguments: Names of what to work on.

    Raises:
        Unavailable: the broker does not answer.
    """
    try:
        job = _sender(broker_url(config)).send_task(name, kwargs=arguments, countdown=countdown, expires=expires)
    except OperationalError as error:
        raise Unavailable(f"the broker does not take jobs ({error}): is it running?") from None
    return str(job.id)


def answering_workers(config: KaizenConfig, *, nodes: Sequence[str] | None = None, timeout: float = 1.0) -> list[str]:
    """The worker processes that answer a ping, by node name, sorted; none where the broker does not answer.

    Args:
        config: Names the broker.
        nodes: Only these; returns as soon as all have answered. Default: all, and it takes the whole time-out.
        timeout: Seconds to wait for answers.
    """
    try:
        replies: list[dict[str, Any]] = (
            _sender(broker_url(config)).control.ping(destination=nodes, timeout=timeout) or []
        )
    except (OperationalError, RedisError, OSError):  # a connection of before a restart raises Redis' own
        return []
    return sorted(name for reply in replies for name in reply)


def _stamp(sender: str, headers: dict[str, Any], **_: Any) -> None:
    """Note the schema of a job of ours, its trace and when it was sent; one with a time of its own does not wait."""
    if sender in ROUTES:
        headers |= {SCHEMA_OF: SCHEMA, **spans.carried()}
    if sender in ROUTES and not headers.get("eta"):
        headers[SENT_AT] = time.time_ns() // 1000


before_task_publish.connect(_stamp)


@cache
def _sender(url: str) -> Celery:
    """Asks the broker once: each further try would wait for its time-outs again, and beat finds the work anyway."""
    app = Celery("kaizen-sender", set_as_current=False)
    app.conf.update(settings(url))
    app.conf.broker_transport_options |= {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT / 2}
    app.conf.task_publish_retry_policy |= {"max_retries": 0}
    return app
