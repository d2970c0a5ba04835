"""What is seen around the counts at each look: the server's memory, the broker's queues, the workers' last signs.

A broker of its own that does not answer costs a quarter of the time there is, and only what it alone knows.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from kaizen_api import keys
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect_async
from kaizen_api.metrics.table import QUEUES, WORKER_STATES, field
from kaizen_api.wedged import Sign, judge, ticks_allowed


async def queue_lengths(config: KaizenConfig, redis: Redis, *, within: float) -> dict[str, float]:
    """How many jobs no worker has taken, by queue; nothing where a broker apart is silent for so many seconds."""
    if config.broker_url is None:
        return await _lengths(redis)
    broker = config.model_copy(update={"redis_url": config.broker_url})
    with suppress(TimeoutError, RedisError, OSError):
        async with asyncio.timeout(within), connect_async(broker, timeout=within) as apart:
            return await _lengths(apart)
    return {}


async def _lengths(redis: Redis) -> dict[str, float]:
    pipe = redis.pipeline(transaction=False)
    for queue in QUEUES:
        pipe.llen(keys.BROKER_PREFIX + queue)
    lengths = await cast("Awaitable[list[int]]", pipe.execute())
    return {field("kaizen_queue_length", queue=name): length for name, length in zip(QUEUES, lengths, strict=True)}


def memory(servers: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """What the servers say of their memory: of several the fullest, and the evictions of all."""
    fullest = max(
        servers, key=lambda info: (info["used_memory"] / (info["maxmemory"] or math.inf), info["used_memory"])
    )
    return {
        field("kaizen_redis_memory_bytes"): float(fullest["used_memory"]),
        field("kaizen_redis_memory_limit_bytes"): float(fullest["maxmemory"]),
        field("kaizen_redis_evictions_total"): float(sum(info["evicted_keys"] for info in servers)),
    }


def workers(stored: Mapping[bytes, bytes], *, ticks: int, queued: float) -> dict[str, float]:
    """How many workers do what.

    Args:
        stored: Node → its encoded sign.
        ticks: How many of them were carried out, ever.
        queued: Jobs that keep the streams moving and that no worker has taken.
    """
    now, allowed = time.time_ns() // 1000, ticks_allowed(len(stored))
    signs = [msgspec.msgpack.decode(encoded, type=Sign) for encoded in stored.values()]
    states = Counter[str](
        judge(sign, now=now, passed=max(ticks - sign.ticks, int(queued)), allowed=allowed) for sign in signs
    )
    return {field("kaizen_workers", state=state): states[state] for state in WORKER_STATES}
