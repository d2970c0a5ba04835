"""The way to Redis for all breakers of a process: quick time-outs, and a pause after each failure.

A Redis that hangs costs one caller one time-out in each pause; everyone else is told at once.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError
from redis.retry import Retry

from kaizen_api.connection import ClusterRedis
from kaizen_api.errors import Unavailable
from kaizen_worker.breaker.scripts import Argument, Client, Script
from kaizen_worker.breaker.wire import Wire

PAUSE = 1.0
"""Seconds after a failure in which Redis is not asked."""

_OF_THE_POOL = ("maint_", "orig_", "himport_", "cache")
_LOG = logging.getLogger(__name__)
_LINKS: WeakKeyDictionary[object, dict[float, "Link"]] = WeakKeyDictionary()

T = TypeVar("T")
P = ParamSpec("P")
RunScript = Callable[[Script, Sequence[Argument]], list[int]]


class StoreDown(Unavailable):
    """Redis does not answer, or did not a moment ago.

    Attributes:
        tried: Whether this call found it out.
    """

    def __init__(self, message: str, *, retry_after: float, tried: bool) -> None:
        super().__init__(message, retry_after=retry_after)
        self.tried = tried


class Link:
    """Calls to one server.

    Args:
        client: Used as it is; `link_to` makes one with quick time-outs.
        wire: What runs scripts on that server; None: the client does.
        pause: Seconds without calls after a failure.
    """

    def __init__(self, client: Client, *, wire: Wire | None = None, pause: float = PAUSE) -> None:
        self.client = client
        self._run_script: RunScript = wire.run if wire else lambda script, args: script.run(client, args)
        self._pause = pause
        self._lock = threading.Lock()
        self._resume: float | None = None  # on the monotonic clock; None while Redis answers
        self._why = ""

    def call(self, script: Script, args: Sequence[Argument]) -> list[int]:
        """What the script answers. Raises like `run`."""
        return self.run(self._run_script, script, args)

    def run(self, action: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the action returns.

        Raises:
            StoreDown: it failed on Redis, or Redis is left alone at the moment.
        """
        if self._resume is not None:
            self._take_turn()
        try:
            value = action(*args, **kwargs)
        except (RedisError, RedisClusterException, OSError) as error:
            raise self._fail(error) from None
        self._resume = None
        return value

    def _take_turn(self) -> None:
        # Whoever comes first after the pause tries; the others go on without Redis until it is known how that went.
        with self._lock:
            rest = 0.0 if self._resume is None else self._resume - time.monotonic()
            if rest > 0:
                raise StoreDown(self._why, retry_after=rest, tried=False)
            self._resume = time.monotonic() + self._pause

    def _fail(self, error: Exception) -> StoreDown:
        self._why = f"the breakers' Redis does not answer ({type(error).__name__}: {error})"
        if self._resume is None:
            _LOG.warning("%s; asking again every %g s", self._why, self._pause)
        with self._lock:
            self._resume = time.monotonic() + self._pause
        return StoreDown(self._why, retry_after=self._pause, tried=True)


def link_to(client: Client, *, timeout: float) -> Link:
    """The link to that client's server: one for all breakers that are given the same client.

    Args:
        client: Of a single server: its address and credentials are used, with connections and time-outs of our own.
            Of a cluster by redis-py: used as it is, so give it time-outs like these and no retries.
        timeout: Seconds to connect, and to wait for an answer.
    """
    owner: object = client.connection_pool if isinstance(client, Redis) else client
    links = _LINKS.setdefault(owner, {})
    if timeout not in links:
        links[timeout] = _made(client, timeout)
    return links[timeout]


def _made(client: Client, timeout: float) -> Link:
    if isinstance(client, ClusterRedis):
        return Link(client.quick(timeout))
    return _quick(client.connection_pool, timeout) if isinstance(client, Redis) else Link(client)


def _quick(pool: ConnectionPool, timeout: float) -> Link:
    # What the pool added for itself must not be shared with ours.
    kept = {name: value for name, value in pool.connection_kwargs.items() if not name.startswith(_OF_THE_POOL)}
    quick = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_timeout": False,
        "retry_on_error": [],
        "health_check_interval": 0,
    }
    ours = ConnectionPool(connection_class=pool.connection_class, **(kept | quick))
    return Link(Redis(connection_pool=ours), wire=Wire(ours) if Wire.fits(ours) else None)
