"""What is added up at each look at a cluster, in which no script moves both a tenant's counts and the sums.

Each tenant's counts never go back, so neither do the sums. It costs one read a tenant, in one round trip a node.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, cast

from redis.asyncio import Redis

from kaizen_api import keys
from kaizen_api.connection import every_async


async def add_up(
    redis: Redis, counts: Mapping[str, int], *, processed: Iterable[str]
) -> tuple[Counter[str], Counter[str]]:
    """The counts of all tenants together, and how many interactions each has had processed.

    Args:
        redis: The cluster.
        counts: What belongs to no tenant.
        processed: The series whose sum that is.
    """
    tenants = sorted(name.decode() for name in cast("set[bytes]", await cast("Any", redis.smembers(keys.TENANTS))))
    pipe = redis.pipeline(transaction=False)
    for tenant in tenants:
        pipe.hgetall(keys.metrics(tenant))
    sums, busy = Counter(counts), Counter[str]()
    for tenant, stored in zip(tenants, cast("list[dict[bytes, bytes]]", await pipe.execute()), strict=True):
        own = {series.decode(): int(value) for series, value in stored.items()}
        sums.update(own)
        busy[tenant] = sum(own.get(series, 0) for series in processed)
    return sums, busy


async def infos(redis: Redis) -> list[dict[str, Any]]:
    """What each node says of its memory and its evictions."""
    return [{**await node.info("memory"), **await node.info("stats")} for node in await every_async(redis)]
