"""Connections to the master that Sentinels name, asked anew for each connection that is made.

Guarantee: a connection is only ever to a server that a Sentinel calls master; one that was demoted is left at its first
refusal of a write. A Sentinel that does not answer costs half a second and is asked last the next time.
"""

import socket
from functools import partial
from typing import Any, cast

import redis
from redis import asyncio as aio
from redis.asyncio import sentinel as aio_sentinel
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff, NoBackoff
from redis.connection import parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool, SentinelManagedConnection

from kaizen_api.config import Topology
from kaizen_api.connection.times import PAUSE

_ASK_SECONDS = 0.5
_KEPT_ALIVE = {
    "TCP_KEEPIDLE": 5,
    "TCP_KEEPINTVL": 2,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 11_000,
}  # s, and the last ms


class MasterConnection(SentinelManagedConnection):
    """One that is tried once a call of its client, which has its own second try, and closed where no answer comes.

    Without the latter redis-py goes on asking a host that is gone, until the kernel gives it up.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**({"retry": Retry(ConstantBackoff(PAUSE), 1, (redis.ConnectionError,))} | kwargs))  # type: ignore[no-untyped-call]  # redis-py leaves it out

    def connect(self) -> None:
        """Ask who is master now, and connect there."""
        self._connect_retry()  # type: ignore[no-untyped-call]  # redis-py leaves it out

    def read_response(self, *args: Any, disconnect_on_error: bool | None = True, **options: Any) -> Any:
        """An answer, or an error after which the connection is made anew."""
        return super().read_response(*args, disconnect_on_error=disconnect_on_error, **options)


class _AsyncConnection(aio_sentinel.SentinelManagedConnection):
    """Likewise."""

    async def connect(self) -> None:
        await self._connect_retry()  # type: ignore[no-untyped-call]  # redis-py leaves it out


class _Pool(SentinelConnectionPool, redis.BlockingConnectionPool):
    """More callers than connections wait their turn."""


class _AsyncPool(aio_sentinel.SentinelConnectionPool, aio.BlockingConnectionPool):
    """Likewise; the connections to the Sentinels are closed with its own."""

    async def aclose(self) -> None:
        await super().aclose()
        for sentinel in self.sentinel_manager.sentinels:
            await sentinel.aclose()


def master_pool(named: Topology, **limits: Any) -> redis.ConnectionPool:
    """Connections to the master; `limits`: times and retries of each."""
    ask: Any = Sentinel
    sentinels = ask(named.hosts, sentinel_kwargs=to_sentinels(named))
    pool: Any = partial(_Pool, connection_class=MasterConnection)
    return cast("redis.ConnectionPool", pool(named.master, sentinels, **_login(named), **limits))


def async_master_pool(named: Topology, **limits: Any) -> aio.ConnectionPool:
    """The same for coroutines."""
    once = AsyncRetry(NoBackoff(), 0)
    ask: Any = aio_sentinel.Sentinel
    sentinels = ask(named.hosts, sentinel_kwargs=to_sentinels(named) | {"retry": once})
    pool: Any = _AsyncPool
    return cast(
        "aio.ConnectionPool",
        pool(named.master, sentinels, connection_class=_AsyncConnection, **_login(named), **limits),
    )


def to_sentinels(named: Topology) -> dict[str, Any]:
    """How to connect to the Sentinels themselves."""
    once = Retry(NoBackoff(), 0)  # by default one that is gone is asked again and again, for many seconds
    times = {"socket_timeout": _ASK_SECONDS, "socket_connect_timeout": _ASK_SECONDS, "retry": once}
    return times if named.sentinel_password is None else times | {"password": named.sentinel_password}


def noticing_death() -> dict[str, Any]:
    """How a connection on which nothing is due finds out within about 11 s that the other host is gone.

    A worker waits for jobs on such a one; without this it would go on waiting at a master that was replaced.
    """
    known = {getattr(socket, name): value for name, value in _KEPT_ALIVE.items() if hasattr(socket, name)}
    return {"socket_keepalive": True, "socket_keepalive_options": known}


def _login(named: Topology) -> dict[str, Any]:
    """Who we are to the master, and which database is ours."""
    parse: Any = parse_url
    parsed = parse(named.server_url("master", 1))
    return {name: value for name, value in parsed.items() if name not in {"host", "port"}}
