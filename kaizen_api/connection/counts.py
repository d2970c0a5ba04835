"""What is different where tenants' data lie on several servers: which counts move with theirs, and whom to ask.

On one server each step also moves the sums over all tenants, in the same script. In a cluster those sums lie elsewhere,
and no script reaches both: there only the tenant's own counts move, and whoever wants the sums adds them up.
"""

import redis
from redis import asyncio as aio

from kaizen_api import keys
from kaizen_api.connection.aio import AsyncClusterRedis
from kaizen_api.connection.cluster import ClusterRedis


def is_spread(client: redis.Redis | aio.Redis) -> bool:
    """Whether the tenants lie on several servers."""
    return isinstance(client, ClusterRedis | AsyncClusterRedis)


def count_keys(client: redis.Redis | aio.Redis, tenant: str) -> tuple[str, ...]:
    """The hashes in which a tenant's counts move: its own, and on one server that of all together."""
    return (keys.metrics(tenant),) if is_spread(client) else (keys.metrics(tenant), keys.ROLLUP)


def every(client: redis.Redis) -> list[redis.Redis]:
    """A client of each server.

    Raises:
        RedisError: no node says which there are.
    """
    return client.masters() if isinstance(client, ClusterRedis) else [client]


async def every_async(client: aio.Redis) -> list[aio.Redis]:
    """The same for coroutines; raises likewise."""
    return await client.masters() if isinstance(client, AsyncClusterRedis) else [client]


def leave_connections(client: aio.Redis) -> None:
    """In a process that was forked: begin with connections of one's own."""
    if isinstance(client, AsyncClusterRedis):
        client.forget()
    else:
        client.connection_pool.reset()  # type: ignore[no-untyped-call]  # redis-py leaves it out
