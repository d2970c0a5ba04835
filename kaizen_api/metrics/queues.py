"""How much waits in the streams of all tenants together.

The look costs the server a few commands a tenant. So each few seconds a tick of beat looks and leaves what it saw, and
scrapes read that: their cost is the same for one tenant and for thousands. Where no tick has looked lately, which is
when most may wait, a scrape looks itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, cast

import msgspec
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from kaizen_api import keys
from kaizen_api.connection import is_spread

KEPT_MS = 10_000
"""How long what a tick saw may be served."""

_SCRIPT = files(__package__).joinpath("queues.lua").read_text()
_TENANTS_PER_CALL = 500  # about a millisecond of the server


class Sums(msgspec.Struct, frozen=True, array_like=True):
    """What was seen: entries, those that were read and not acknowledged, ms since the epoch of the oldest, the dead."""

    entries: int = 0
    pending: int = 0
    oldest: int = -1  # there is none
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Queues:
    """All tenants' streams together."""

    depth: int = 0  # appended and not committed
    lag: int = 0  # appended and not read by any worker
    oldest_age: float = 0.0  # seconds since the oldest that is not committed was appended, 0 where nothing waits
    dead: int = 0


def leave_sums(redis: Redis) -> None:
    """Look, unless somebody has within half the time that it is kept.

    Raises:
        RedisError: what was seen is not kept.
    """
    if redis.pttl(keys.QUEUES) > KEPT_MS / 2:
        return
    script, pipe = redis.register_script(_SCRIPT), redis.pipeline(transaction=False)
    tenants = sorted(name.decode() for name in cast("set[bytes]", redis.smembers(keys.TENANTS)))
    for names in _calls(tenants, together=not is_spread(redis)):
        script(keys=names, args=[keys.GROUP], client=pipe)
    replies = cast("list[list[int]]", pipe.execute())
    redis.set(keys.QUEUES, msgspec.msgpack.encode(_sum(replies)), px=KEPT_MS)


async def look(redis: AsyncRedis) -> Sums:
    """What waits now."""
    script, pipe = redis.register_script(_SCRIPT), redis.pipeline(transaction=False)
    tenants = sorted(name.decode() for name in await cast("Any", redis.smembers(keys.TENANTS)))
    for names in _calls(tenants, together=not is_spread(redis)):
        await script(keys=names, args=[keys.GROUP], client=cast("Any", pipe))
    return _sum(cast("list[list[int]]", await pipe.execute()))


def left(stored: bytes | None) -> Sums | None:
    """What a tick left, if it did."""
    return None if stored is None else msgspec.msgpack.decode(stored, type=Sums)


def queues(sums: Sums, *, now: int) -> Queues:
    """The same in the terms of the metrics; `now`: us since the epoch, by the server's clock."""
    age = max(0.0, now / 1e6 - sums.oldest / 1e3) if sums.oldest >= 0 else 0.0
    return Queues(depth=sums.entries, lag=max(0, sums.entries - sums.pending), oldest_age=age, dead=sums.dead)


def _calls(tenants: Sequence[str], *, together: bool) -> Iterator[list[str]]:
    """Keys of one call each: of many tenants, or where no script reaches two of them of one."""
    step = _TENANTS_PER_CALL if together else 1
    for start in range(0, len(tenants), step):
        chunk = tenants[start : start + step]
        yield [key for tenant in chunk for key in (keys.stream(tenant), keys.dead(tenant))]


def _sum(replies: Sequence[Sequence[int]]) -> Sums:
    oldest = min((reply[2] for reply in replies if reply[2] >= 0), default=-1)
    entries, pending, dead = (sum(reply[part] for reply in replies) for part in (0, 1, 3))
    return Sums(entries, pending, oldest, dead)
