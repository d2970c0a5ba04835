"""Redis clients with bounded calls, and errors that say what to do.

Guarantee: no call on these clients takes longer than about twice its time-out, whether Redis refuses, hangs or
restarts, and no error names a password.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from redis.asyncio import BlockingConnectionPool as AsyncPool
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from kaizen_api.config import KaizenConfig, mask_setting
from kaizen_api.errors import Unavailable

TIMEOUT = 2.0
"""Seconds a call may wait for Redis, unless the caller says otherwise."""

_CONNECT_TIMEOUT = 1.0
_HEALTH_CHECK = 25
_MAX_CONNECTIONS = 50
_PAUSE = 0.05


def socket_path(data_dir: Path) -> Path:
    """Where the server of `kaizen up` listens."""
    return data_dir / "redis.sock"


def redis_url(config: KaizenConfig) -> str:
    """The server to use: the configured one, else that of a running `kaizen up`.

    Raises:
        Unavailable: neither is there.
    """
    if config.redis_url:
        return config.redis_url
    path = socket_path(config.data_dir)
    if not path.exists():
        raise Unavailable(f"no Redis: set KAIZEN_REDIS_URL, or start `kaizen up` (no server in {config.data_dir})")
    return f"unix://{path.resolve()}"


def broker_url(config: KaizenConfig) -> str:
    """The same for Celery, in its spelling."""
    url = config.broker_url or redis_url(config)
    return url.replace("unix://", "redis+socket://", 1)


def connect(config: KaizenConfig, *, timeout: float = TIMEOUT) -> redis.Redis:
    """A client with undecoded replies; it connects at its first call. More callers than connections wait their turn."""
    pool = redis.BlockingConnectionPool.from_url(
        redis_url(config), retry=Retry(ConstantBackoff(_PAUSE), 1), **_limits(timeout)
    )
    return redis.Redis.from_pool(pool)


def connect_async(config: KaizenConfig, *, timeout: float = TIMEOUT) -> AsyncRedis:
    """The same for coroutines."""
    pool = AsyncPool.from_url(redis_url(config), retry=AsyncRetry(ConstantBackoff(_PAUSE), 1), **_limits(timeout))
    return AsyncRedis.from_pool(pool)


def _limits(timeout: float) -> dict[str, Any]:
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": min(timeout, _CONNECT_TIMEOUT),
        "health_check_interval": _HEALTH_CHECK,
        "max_connections": _MAX_CONNECTIONS,
        "timeout": timeout,
    }


@contextmanager
def reaching(config: KaizenConfig) -> Iterator[None]:
    """Within the block, a Redis that cannot be reached raises `Unavailable` with the remedy.

    Raises:
        Unavailable: refused, hung, still loading, out of memory, or wrong credentials.
    """
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError) as error:
        where = mask_setting("redis_url", config.redis_url or f"unix://{socket_path(config.data_dir)}")
        raise Unavailable(f"Redis at {where} does not answer ({type(error).__name__}): is it running?") from None
    except redis.OutOfMemoryError:
        raise Unavailable(
            "Redis is at its maxmemory: nothing was taken; give it more, or let the workers drain"
        ) from None
