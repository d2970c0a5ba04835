"""The read side: lists and looks up what the workers stored. Nothing here writes."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar, cast

import msgspec
from redis import Redis, ResponseError

from kaizen_api import interactions, keys
from kaizen_api.errors import Invalid, NotFound
from kaizen_api.kinds import Kinds, kinds_of
from kaizen_api.lives import History
from kaizen_api.schema import Cycle, Effect, Entry, Gap, Insight, Record, Topic
from kaizen_api.topics import history, look_up, standing
from kaizen_api.versions import readable

MAX_PAGE = 500
"""Most items of one page."""

TYPES: dict[str, type[Any]] = {"insight": Insight, "gap": Gap, "entry": Entry, "effect": Effect, "cycle": Cycle}

_REMEDIES = {
    "entry": "`kaizen kb search` finds some",
    "cycle": "`kaizen analyze` starts one",
    "interaction": "interactions are kept for KAIZEN_METRICS_RETENTION_DAYS days",
}

T = TypeVar("T")


class Page(msgspec.Struct, frozen=True):
    """One page of a list; `next` goes into the next call, None at the end."""

    items: list[Any]
    next: str | None = None


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant's stream: how much waits, and how long."""

    depth: int  # appended and not committed
    unread: int  # appended and not read by any worker
    pending: int  # read and not committed
    oldest_age: float  # seconds since the oldest that is not committed was appended, 0 where nothing waits
    dead: int  # dead letters


class Queries:
    """What one tenant may see.

    Args:
        redis: Client with undecoded replies.
        tenant: Whose.
    """

    def __init__(self, redis: Redis, *, tenant: str) -> None:
        self._redis = redis
        self.tenant = tenant

    def topics(self) -> list[Topic]:
        """All topics as the last cycle left them and people decided, the largest first, with what came in since."""
        return standing(self._redis, self.tenant).topics()

    def topic(self, topic_id: str) -> Topic:
        """One topic; of one that merged into another or ended, what it was, with where it went (`into`, `ended_at`).

        Raises:
            NotFound: there is none under that id, or it ended too long ago.
        """
        return look_up(self._redis, self.tenant, topic_id)

    def merged(self) -> dict[str, str]:
        """Topics that are not shown any more, or as a part of another, with the id under which they are."""
        decided = standing(self._redis, self.tenant).decided
        pairs = ((one, decided.seen_as(one)) for one in [*decided.gone, *decided.decisions])
        return {topic_id: shown for topic_id, shown in pairs if shown != topic_id}

    def history(self, topic_id: str) -> History:
        """All that happened to a topic, with its series. Raises as `topic`."""
        return history(self._redis, self.tenant, topic_id)

    def get(self, kind: str, object_id: str) -> Any:
        """One object of `keys.KINDS`.

        Raises:
            NotFound: there is none under that id.
        """
        stored = cast("bytes | None", self._redis.hget(keys.objects(self.tenant, kind), object_id))
        return _found(stored and _decoded(stored, kind, object_id), kind, object_id)

    def interactions(self, ids: Sequence[str]) -> dict[str, Record]:
        """Those of these interactions that are still kept, by id in the order given; masked."""
        return interactions.look_up(self._redis, self.tenant, ids)

    def interaction(self, interaction_id: str) -> Record:
        """One interaction, masked.

        Raises:
            NotFound: there was none under that id, or it is past retention.
        """
        found = self.interactions([interaction_id])
        return _found(found.get(interaction_id), "interaction", interaction_id)

    def last_analysis(self) -> Cycle | None:
        """The last analysis that found something out; None before the first one."""
        done = self.page("cycle", limit=1, where=lambda cycle: cycle.status == "done").items
        return done[0] if done else None

    def kinds(self) -> Kinds:
        """The kinds of request of the last analysis with their shares; none before it."""
        last = self.last_analysis()
        return kinds_of([] if last is None else [last])

    def page(
        self,
        kind: str,
        *,
        cursor: str | None = None,
        limit: int = 50,
        where: Callable[[Any], bool] = lambda _: True,
    ) -> Page:
        """A page of one of `keys.KINDS`, the highest rank first; what comes in meanwhile neither repeats nor skips.

        Raises:
            Invalid: the cursor is none of ours, or the limit is out of range.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise Invalid(f"limit is {limit}: must be from 1 to {MAX_PAGE}")
        found = ((place, item) for place, item in self._walk(kind, cursor, limit) if where(item))
        taken = list(islice(found, limit + 1))
        following = taken[limit - 1][0] if len(taken) > limit else None
        return Page([item for _, item in taken[:limit]], following)

    def _walk(self, kind: str, cursor: str | None, step: int) -> Iterator[tuple[str, Any]]:
        """(cursor, object) from behind the cursor on."""
        order = keys.order(self.tenant, kind)
        start = self._after(order, cursor)
        while ranked := cast(
            "list[tuple[bytes, float]]", self._redis.zrevrange(order, start, start + step, withscores=True)
        ):
            values = self._redis.hmget(keys.objects(self.tenant, kind), [object_id for object_id, _ in ranked])
            for (object_id, rank), value in zip(ranked, cast("list[bytes | None]", values), strict=True):
                if value is not None:
                    yield f"{rank!r}:{object_id.decode()}", _decoded(value, kind, object_id.decode())
            start += len(ranked)

    def _after(self, order: str, cursor: str | None) -> int:
        """Where the list goes on: behind the cursor's item, or where it stood if it is gone."""
        if cursor is None:
            return 0
        rank, colon, object_id = cursor.partition(":")
        try:
            if not (colon and rank[-1:].isdecimal()):
                raise ValueError  # noqa: TRY301  # one remedy for all that is no cursor
            score = float(rank)
            math.ceil(score)  # of what is no number, or infinite, there is none
        except (ValueError, OverflowError):
            raise Invalid(f"cursor {cursor!r} is none: use the `next` of the page before") from None
        position = cast("int | None", self._redis.zrevrank(order, object_id))
        return self._redis.zcount(order, f"({score}", "+inf") if position is None else position + 1

    def assignments(self, cycle_id: str) -> Iterator[tuple[str, str | None]]:
        """Each interaction that a cycle looked at with its topic, None for noise, in order of time and id.

        The topic is the one that people see now: what they merged since counts as they decided.
        """
        decided = standing(self._redis, self.tenant).decided
        key = keys.assignments(self.tenant, cycle_id)
        for chunk in range(self._redis.hlen(key)):
            stored = cast("bytes | None", self._redis.hget(key, str(chunk)))
            if stored is None:
                raise NotFound(f"the assignments of cycle {cycle_id} are gone: those of the last two are kept")
            for interaction, topic in msgspec.msgpack.decode(stored, type=list[tuple[str, str | None]]):
                yield interaction, topic and decided.counts_to(topic)

    def oldest(self) -> tuple[int, int] | None:
        """Where the oldest interaction stands in the stream that is not committed; None where nothing waits."""
        return _place(cast("list[tuple[bytes, Any]]", self._redis.xrange(keys.stream(self.tenant), count=1)))

    def newest(self) -> tuple[int, int] | None:
        """The same of the newest."""
        return _place(cast("list[tuple[bytes, Any]]", self._redis.xrevrange(keys.stream(self.tenant), count=1)))

    def queue(self) -> Queue:
        """How the stream stands."""
        stream = keys.stream(self.tenant)
        pipe = self._redis.pipeline(transaction=False)
        pipe.xlen(stream)
        pipe.xpending(stream, keys.GROUP)
        pipe.xrange(stream, count=1)
        pipe.time()
        pipe.xlen(keys.dead(self.tenant))
        depth, pending, first, (seconds, micros), dead = pipe.execute(raise_on_error=False)
        # before the first batch is read there is no group, and nothing is pending
        waiting = 0 if isinstance(pending, ResponseError) else pending["pending"]
        age = seconds + micros / 1e6 - int(first[0][0].split(b"-")[0]) / 1e3 if first else 0.0
        return Queue(depth=depth, unread=depth - waiting, pending=waiting, oldest_age=max(0.0, age), dead=dead)


def _place(entries: Sequence[tuple[bytes, Any]]) -> tuple[int, int] | None:
    """Where the first of these stands in its stream: milliseconds and number."""
    if not entries:
        return None
    milliseconds, _, number = entries[0][0].partition(b"-")
    return int(milliseconds), int(number)


def tenants(redis: Redis) -> list[str]:
    """Everyone who ever sent something, by name."""
    return sorted(name.decode() for name in cast("set[bytes]", redis.smembers(keys.TENANTS)))


def _decoded(stored: bytes, kind: str, object_id: str) -> Any:
    return msgspec.msgpack.decode(readable(stored, f"{kind} {object_id}"), type=TYPES[kind])


def _found(value: T | None, kind: str, object_id: str) -> T:
    if not value:
        raise NotFound(f"no {kind} {object_id}: {_REMEDIES.get(kind, f'`kaizen {kind}s` lists them')}")
    return value
