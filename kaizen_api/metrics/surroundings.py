"""What is seen around the counts at each look: the server's memory, the broker's queues, the workers' last signs.

A broker of its own that does not answer costs a quarter of the time there is, and only what it alone knows.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Any, cast

import msgspec
from redis.exceptions import RedisError

from kaizen_api import keys
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect_async
from kaizen_api.metrics.table import QUEUES, WORKER_STATES, field
from kaizen_api.wedged import Sign, judge, ticks_allowed


async def queue_lengths(config: KaizenConfig, *, within: float) -> dict[str, float]:
    """How many jobs no worker has taken, by queue; nothing where the broker does not answer within so many seconds."""
    broker = config if config.broker_url is None else config.model_copy(update={"redis_url": config.broker_url})
    with suppress(TimeoutError, RedisError, OSError):
        async with asyncio.timeout(within), connect_async(broker, timeout=within) as redis:
            pipe = redis.pipeline(transaction=False)
            for queue in QUEUES:
                pipe.llen(keys.BROKER_PREFIX + queue)
            lengths = await cast("Awaitable[list[int]]", pipe.execute())
            return {field("kaizen_queue_length", queue=name): n for name, n in zip(QUEUES, lengths, strict=True)}
    return {}


def memory(info: Mapping[str, Any]) -> dict[str, float]:
    """What the server says of its memory."""
    return {
        field("kaizen_redis_memory_bytes"): float(info["used_memory"]),
        field("kaizen_redis_memory_limit_bytes"): float(info["maxmemory"]),
        field("kaizen_redis_evictions_total"): float(info["evicted_keys"]),
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
