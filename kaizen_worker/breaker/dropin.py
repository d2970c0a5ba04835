"""The breaker for code that only wants to call something: a decorator, and the search for one gap."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kaizen_api.config import KaizenConfig
from kaizen_api.errors import Paced, Unavailable
from kaizen_worker.breaker.circuit import CircuitBreaker
from kaizen_worker.breaker.guard import F, protect
from kaizen_worker.breaker.permit import retry_after_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """What became of a search that was asked for."""

    accepted: bool
    job: str | None = None  # its id, if accepted
    retry_after: float = 0.0  # seconds after which to ask again, if not
    reason: str = ""  # why not


def with_circuit_breaker(breaker: CircuitBreaker, *, fallback: Callable[..., Any] | None = None) -> Callable[[F], F]:
    """Decorator: each call of the function, or coroutine function, goes through the breaker.

    Args:
        breaker: Who admits.
        fallback: Takes the same arguments and answers where a call is rejected; None: `BreakerOpen` is raised.
    """
    return lambda function: protect(breaker, function, fallback)


def countdown(error: BaseException, *, jitter: float = 0.1) -> float:
    """Seconds after which a task that met the error is tried again: its `retry_after`, up to `jitter` of that longer.

    For `task.retry(exc=error, countdown=countdown(error))`. Always under the broker's visibility time-out, beyond which
    the task would be delivered a second time.
    """
    from kaizen_api.jobs import VISIBILITY_TIMEOUT  # noqa: PLC0415  # loads Celery, like below

    return min(retry_after_of(error) * (1 + jitter * random.random()), 0.9 * VISIBILITY_TIMEOUT)


async def trigger_gap_fill_with_breaker(
    breaker: CircuitBreaker,
    query: str,
    *,
    config: KaizenConfig | None = None,
    tenant: str | None = None,
    user_id: str | None = None,
) -> Triggered:
    """Have the workers search for what the query asks, unless the breaker is open.

    A job that cannot be enqueued counts as a failure of the breaker. Neither that nor an open breaker raises, nor
    does a user who has asked for too much today: all give `accepted` False, with the reason and when to ask again.
    Errors that retrying cannot help are raised.

    Args:
        breaker: Who admits.
        query: What to search for.
        config: Where the broker is; None: the configuration of this process.
        tenant: For whose knowledge base; None: the configured one.
        user_id: Who asks, as in interactions. One user drives searches for 20 gaps a day, those that analyses find
            among his questions included; None: nobody is charged, the caller answers for it.
    """
    from kaizen_api import jobs  # noqa: PLC0415  # loads Celery, which nothing else here needs

    settings = config or KaizenConfig.from_env()

    async def enqueue() -> str | Paced:
        try:
            return await asyncio.to_thread(jobs.fill_query, settings, tenant or settings.tenant, query, user_id=user_id)
        except Paced as error:  # no failure: what the breaker guards has answered
            return error

    try:
        job = await breaker.call_async(enqueue)
    except Unavailable as error:
        return Triggered(accepted=False, retry_after=error.retry_after, reason=str(error))
    if isinstance(job, Paced):
        return Triggered(accepted=False, retry_after=job.retry_after, reason=str(job))
    return Triggered(accepted=True, job=job)
