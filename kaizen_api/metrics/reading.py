"""What a scrape reads from Redis, within one deadline.

Guarantee: `read_state` ends in time or raises `Unavailable`, whether Redis refuses, hangs or is full. It reads one hash
whatever the number of tenants, and what a tick saw of their streams (`queues.py`); in a cluster one a tenant
(`spread.py`).
"""

import asyncio
import secrets
from collections import ChainMap
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from kaizen_api import keys
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect_async, is_spread, reaching
from kaizen_api.errors import Unavailable
from kaizen_api.metrics import exemplars, queues, spread, surroundings, table
from kaizen_api.metrics.exemplars import Exemplar
from kaizen_api.metrics.queues import Queues
from kaizen_api.metrics.surroundings import queue_lengths
from kaizen_api.metrics.table import EPOCH, MILLION

_SHARE_FOR_BROKER = 0.25
_TICKS = table.field("kaizen_ticks_total")
_LIVE = table.field("kaizen_queue_length", queue=table.QUEUES[0])
_PROCESSED = tuple(table.field("kaizen_interactions_total", outcome=outcome) for outcome in table.OUTCOMES)
MAX_TENANTS = 50
"""Tenants that are served by name, the busiest."""

MAX_BREAKERS = 100
"""Circuit breakers that are served, the first by name."""


@dataclass(frozen=True, slots=True)
class State:
    """One look at everything that is measured.

    Attributes:
        epoch: Stays the same as long as the counts go on; new after Redis was emptied.
        counts: Series (see `table.field`) → integer, of all tenants together.
        breakers: Circuit breaker → its state.
        seen: Series → what this look saw of the server, the broker and the workers.
        exemplars: Bucket of a histogram → one observation of it that may be looked at.
    """

    epoch: str
    counts: Mapping[str, int]
    queues: Queues
    breakers: Mapping[str, str]
    seen: Mapping[str, float] = field(default_factory=dict)
    exemplars: Mapping[str, Exemplar] = field(default_factory=dict)


@asynccontextmanager
async def _reached(config: KaizenConfig, within: float) -> AsyncIterator[Redis]:
    try:
        async with asyncio.timeout(within):
            with reaching(config):
                async with connect_async(config, timeout=within) as redis:
                    yield redis
    except TimeoutError:
        raise Unavailable(f"Redis did not answer within {within:g} s: is it running?") from None


async def ping(config: KaizenConfig, *, within: float) -> None:
    """Reach Redis.

    Raises:
        Unavailable: it was not reached within so many seconds.
    """
    async with _reached(config, within) as redis:
        await redis.ping()


async def read_state(config: KaizenConfig, *, within: float, exact: bool = True) -> State:
    """The state of now.

    Args:
        config: Where Redis is.
        within: Seconds.
        exact: Look at each stream, instead of serving what a tick saw some seconds ago.

    Raises:
        Unavailable: Redis could not be read within so many seconds.
    """
    async with _reached(config, within) as redis:
        queued = await queue_lengths(config, redis, within=within * _SHARE_FOR_BROKER)
        return await _read(redis, queued, exact=exact)


async def _read(redis: Redis, queued: Mapping[str, float], *, exact: bool) -> State:
    pipe = redis.pipeline(transaction=False)
    pipe.hgetall(keys.ROLLUP)
    pipe.get(keys.QUEUES)
    pipe.time()
    pipe.smembers(keys.BREAKERS)
    pipe.hgetall(keys.WORKERS)
    pipe.get(keys.TICKS)
    pipe.zrevrange(keys.BUSIEST, 0, MAX_TENANTS - 1, withscores=True)
    pipe.info("memory")
    pipe.info("stats")
    pipe.hgetall(keys.EXEMPLARS)
    stored, tick, (seconds, micros), breakers, signs, ticked, busiest, *info, kept = await pipe.execute()
    ticks = int(ticked or 0)
    values = {series.decode(): value for series, value in stored.items()}
    epoch = values.pop(EPOCH, b"").decode() or await _begin_epoch(redis)
    sums = (None if exact else queues.left(tick)) or await queues.look(redis)
    counts = {series: int(value) for series, value in values.items()}
    servers: list[dict[str, Any]] = [dict(ChainMap(*info))]
    if is_spread(redis):
        counts, busy = await spread.add_up(redis, counts, processed=_PROCESSED)
        busiest = [(name.encode(), count) for name, count in busy.most_common(MAX_TENANTS)]
        servers = await spread.infos(redis)
    return State(
        epoch=epoch,
        counts={_TICKS: ticks, **counts, **_by_tenant(busiest, counts)},
        queues=queues.queues(sums, now=seconds * MILLION + micros),
        breakers=await _breakers(redis, sorted(name.decode() for name in breakers)[:MAX_BREAKERS]),
        seen={
            **queued,
            **surroundings.memory(servers),
            **surroundings.workers(signs, ticks=ticks, queued=queued.get(_LIVE, 0)),
        },
        exemplars=exemplars.read(kept),
    )


def _by_tenant(busiest: Sequence[tuple[bytes, float]], counts: Mapping[str, int]) -> dict[str, int]:
    """The counts of the busiest tenants, and of all the others together."""
    named = {name.decode(): round(count) for name, count in busiest}
    total = sum(counts.get(series, 0) for series in _PROCESSED)
    named.pop(table.OTHER, None)  # a tenant of that very name is one of the others
    rest = max(0, total - sum(named.values()))
    shown = {**named, table.OTHER: rest}
    return {table.field("kaizen_tenant_interactions_total", tenant=name): count for name, count in shown.items()}


async def _begin_epoch(redis: Redis) -> str:
    epoch = secrets.token_hex(8)
    with suppress(ResponseError):  # at its maxmemory, or a replica: this look has an epoch of its own
        await redis.hsetnx(keys.ROLLUP, EPOCH, epoch)
    stored = await cast("Awaitable[bytes | None]", redis.hget(keys.ROLLUP, EPOCH))
    return stored.decode() if stored else epoch


async def _breakers(redis: Redis, names: Sequence[str]) -> dict[str, str]:
    if not names:
        return {}
    pipe = redis.pipeline(transaction=False)
    pipe.time()
    for name in names:
        pipe.hmget(keys.breaker(name), "state", "override", "override_until")
    (seconds, micros), *records = await pipe.execute()
    now = seconds * MILLION + micros
    return {name: _effective(*record, now=now) for name, record in zip(names, records, strict=True)}


def _effective(state: bytes | None, override: bytes | None, until: bytes | None, *, now: int) -> str:
    """The state that decides: an operator's order, as long as it lasts, else the breaker's own."""
    ordered = override if override and int(until or 0) > now else None
    return (ordered or state or b"closed").decode()
