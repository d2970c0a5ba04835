"""Redis clients with bounded calls, and errors that say what to do.

Guarantee: no call on these clients takes longer than `CALL_SECONDS` (three of its time-outs where it has one of its
own), whether Redis refuses, hangs or restarts, and no error names a password. A hung server costs one time-out, or two
where a coroutine has to connect first: only a connection that broke is tried once more.
"""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import redis
from redis.asyncio import BlockingConnectionPool as AsyncPool
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from kaizen_api.config import KaizenConfig, mask_setting
from kaizen_api.errors import Backpressure, Unavailable

TIMEOUT = 2.0
"""Seconds a call may wait for Redis, unless the caller says otherwise."""

CALL_SECONDS = 3 * TIMEOUT
"""Longest call: waiting for one of the connections, for a connection that breaks, and for a server that hangs."""

_CONNECT_TIMEOUT = 1.0
_MAX_CONNECTIONS = 50
_PAUSE = 0.05
_CERTIFICATE = re.compile(r"certificate verify failed: ([^(]*)")


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
    path = socket_path(config.data_dir).resolve()  # where the folder's path is long, a link to a shorter one
    if not _listens(path):
        raise Unavailable(f"no Redis: set KAIZEN_REDIS_URL, or start `kaizen up` (no server in {config.data_dir})")
    return f"unix://{path}"


def _listens(path: Path) -> bool:
    """Whether anybody does: a server that was killed leaves its socket behind."""
    if not path.exists():
        return False
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_CONNECT_TIMEOUT)
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return True  # hung, or not ours to open: the first call says so
        return True


def broker_url(config: KaizenConfig) -> str:
    """The same for Celery, in its spelling."""
    url = config.broker_url or redis_url(config)
    return url.replace("unix://", "redis+socket://", 1)


def connect(config: KaizenConfig, *, timeout: float = TIMEOUT) -> redis.Redis:
    """A client with undecoded replies; it connects at its first call. More callers than connections wait their turn."""
    retry = Retry(ConstantBackoff(_PAUSE), 1, (redis.ConnectionError,))  # who hangs is not asked twice
    pool = redis.BlockingConnectionPool.from_url(redis_url(config), retry=retry, **_limits(timeout))
    return redis.Redis.from_pool(pool)


def connect_async(config: KaizenConfig, *, timeout: float = TIMEOUT) -> AsyncRedis:
    """The same for coroutines."""
    retry = AsyncRetry(ConstantBackoff(_PAUSE), 1, (redis.ConnectionError,))
    pool = AsyncPool.from_url(redis_url(config), retry=retry, **_limits(timeout))
    return AsyncRedis.from_pool(pool)


def _limits(timeout: float) -> dict[str, Any]:
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": min(timeout, _CONNECT_TIMEOUT),
        "health_check_interval": 0,  # a connection that broke is made again anyway; a check would wait as long
        "max_connections": _MAX_CONNECTIONS,
        "timeout": timeout,
    }


@contextmanager
def reaching(config: KaizenConfig) -> Iterator[None]:
    """Within the block, a Redis that cannot be reached or used raises `Unavailable` with the remedy.

    Raises:
        Unavailable: refused, hung, still loading, wrong credentials, read-only, or any other of its errors, whose class
            and text it names; `Backpressure`: out of memory.
    """
    try:
        yield
    except redis.RedisError as error:
        raise unavailable(error, config) from None


def unavailable(error: redis.RedisError, config: KaizenConfig) -> Unavailable:
    """What an error of Redis means for the caller, without passwords."""
    where = mask_setting("redis_url", config.redis_url or f"unix://{socket_path(config.data_dir)}")
    if refused := _CERTIFICATE.search(str(error)):
        return Unavailable(
            f"Redis at {where} shows a certificate that is not accepted ({refused[1].strip()}): renew it there, or "
            "name who signed it by ssl_ca_certs in KAIZEN_REDIS_URL"
        )
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return Unavailable(
            f"Redis at {where} does not answer ({type(error).__name__}): start it (`kaizen up` runs one of "
            "its own), or correct KAIZEN_REDIS_URL"
        )
    if isinstance(error, redis.OutOfMemoryError):
        return Backpressure("Redis is at its maxmemory: nothing was taken; give it more, or let the workers drain")
    password = unquote(urlsplit(config.redis_url or "").password or "")
    said = str(error).replace(password, "***") if password else str(error)
    return Unavailable(f"Redis at {where} cannot be used ({type(error).__name__}: {said}): correct that and try again")
