"""A client for what the settings name, and the URL for those who connect by themselves."""

import socket
from pathlib import Path
from typing import Any

import redis
from redis.asyncio import BlockingConnectionPool as AsyncPool
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from kaizen_api.config import KaizenConfig, topology
from kaizen_api.config.topology import CLUSTER
from kaizen_api.connection.aio import AsyncClusterRedis
from kaizen_api.connection.cluster import ClusterRedis
from kaizen_api.connection.sentinel import async_master_pool, master_pool, noticing_death, to_sentinels
from kaizen_api.connection.times import CONNECT_TIMEOUT, PAUSE, TIMEOUT, limits
from kaizen_api.errors import InvalidConfig, Unavailable


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
        client.settimeout(CONNECT_TIMEOUT)
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return True  # hung, or not ours to open: the first call says so
        return True


def broker_url(config: KaizenConfig) -> str:
    """The server of Celery's jobs: one of its own, else the same.

    Raises:
        InvalidConfig: the data lie in a cluster, and it has none of its own.
        Unavailable: neither is there.
    """
    url = config.broker_url or redis_url(config)
    if url.startswith(CLUSTER):
        raise InvalidConfig("Celery works with no cluster: name one server, or Sentinels, as KAIZEN_BROKER_URL")
    return url


def celery_broker(url: str) -> dict[str, Any]:
    """The same as Celery's transport has it: `url` and `options`, which for Sentinels name the master."""
    named = topology(url)
    if named.kind != "sentinel":
        return {"url": url.replace("unix://", "redis+socket://", 1), "options": {}}
    hosts = (named.server_url(host, port).replace("redis://", "sentinel://", 1) for host, port in named.hosts)
    return {
        "url": ";".join(hosts),
        "options": {"master_name": named.master, "sentinel_kwargs": to_sentinels(named), **noticing_death()},
    }


def connect(config: KaizenConfig, *, timeout: float = TIMEOUT) -> redis.Redis:
    """A client with undecoded replies; it connects at its first call. More callers than connections wait their turn."""
    named = topology(redis_url(config))
    if named.kind == "cluster":
        return ClusterRedis(named, timeout=timeout)
    retry = Retry(ConstantBackoff(PAUSE), 1, (redis.ConnectionError,))  # who hangs is not asked twice
    if named.kind == "sentinel":
        return redis.Redis.from_pool(master_pool(named, retry=retry, **limits(timeout)))
    return redis.Redis.from_pool(redis.BlockingConnectionPool.from_url(named.url, retry=retry, **limits(timeout)))


def connect_async(config: KaizenConfig, *, timeout: float = TIMEOUT) -> AsyncRedis:
    """The same for coroutines."""
    named = topology(redis_url(config))
    if named.kind == "cluster":
        return AsyncClusterRedis(named, timeout=timeout)
    retry = AsyncRetry(ConstantBackoff(PAUSE), 1, (redis.ConnectionError,))
    if named.kind == "sentinel":
        return AsyncRedis.from_pool(async_master_pool(named, retry=retry, **limits(timeout)))
    return AsyncRedis.from_pool(AsyncPool.from_url(named.url, retry=retry, **limits(timeout)))
