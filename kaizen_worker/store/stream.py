"""A tenant's stream as one consumer sees it: read, take over, commit, bury.

Guarantee: an interaction stays pending until its effects are saved, and takes effect once, whoever dies in between.
What a consumer has read and lost is read again by itself, or taken over by another after `claim_after`.
"""

from bisect import bisect_left
from collections.abc import Sequence
from importlib.resources import files
from itertools import accumulate, pairwise
from typing import Any, cast

import msgspec
from redis import Redis

from kaizen_api import keys
from kaizen_api.connection import count_keys, is_spread
from kaizen_api.metrics import table
from kaizen_api.metrics.exemplars import exemplars
from kaizen_api.metrics.table import MILLION, RESPONSE_BUCKETS, field, observations
from kaizen_api.schema import Record
from kaizen_worker.store.log import pack_topics

_NEXT = files(__package__).joinpath("next.lua").read_text()
_COMMIT = files(__package__).joinpath("commit.lua").read_text()
_LEAVE = files(__package__).joinpath("leave.lua").read_text()
_BURY = files(__package__).joinpath("bury.lua").read_text()

_ENCODER = msgspec.msgpack.Encoder()
_INDEX = msgspec.msgpack.Decoder(tuple[list[str], list[int]])
_SERIES = (
    field("kaizen_interactions_total", outcome="ok"),
    field("kaizen_interactions_total", outcome="error"),
    *table.RECENT,
)


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One entry of the stream in a consumer's hands."""

    id: str
    encoded: bytes


class Stream:
    """One consumer of one tenant's stream.

    Args:
        redis: Client with undecoded replies.
        tenant: Whose stream.
        consumer: Name of this consumer, unique among those alive.
        claim_after: Seconds after which what another consumer holds is taken over.
        recent: Interactions behind the gauges.
    """

    def __init__(self, redis: Redis, *, tenant: str, consumer: str, claim_after: float, recent: int) -> None:
        self._redis = redis
        self._tenant = tenant
        self._stream = keys.stream(tenant)
        self._counts = count_keys(redis, tenant)
        self._spread = is_spread(redis)
        self.consumer = consumer
        self._claim_after = claim_after
        self._recent = recent
        self._next = redis.register_script(_NEXT)
        self._commit = redis.register_script(_COMMIT)
        self._bury = redis.register_script(_BURY)
        self._leave = redis.register_script(_LEAVE)

    def next(self, count: int) -> list[Delivery]:
        """Up to `count` interactions: first what this consumer holds already, then what others lost, then new ones."""
        arguments: list[Any] = [keys.GROUP, self.consumer, count, int(self._claim_after * 1000)]
        index, records = cast("tuple[bytes, bytes]", self._next(keys=[self._stream], args=arguments))
        ids, sizes = _INDEX.decode(index)
        ends = list(accumulate(sizes, initial=0))
        return [Delivery(one, records[start:end]) for one, (start, end) in zip(ids, pairwise(ends), strict=True)]

    def delivered_before(self, delivery: Delivery) -> bool:
        """Whether somebody has had it in hand already and not committed it."""
        pending = cast("Any", self._redis.xpending_range(self._stream, keys.GROUP, delivery.id, delivery.id, 1))
        return bool(pending) and pending[0]["times_delivered"] > 1

    def attempt(self, delivery: Delivery) -> int:
        """Note an attempt at this one alone, before it is made; returns how many there were with it."""
        return self._redis.hincrby(keys.tries(self._tenant), delivery.id, 1)

    def excuse(self, delivery: Delivery) -> None:
        """Take an attempt back: it failed for no fault of the interaction, which another may have settled since."""
        if self._redis.hexists(keys.tries(self._tenant), delivery.id):
            self._redis.hincrby(keys.tries(self._tenant), delivery.id, -1)

    def settled(self, delivery: Delivery) -> None:
        """Forget the attempts at it."""
        self._redis.hdel(keys.tries(self._tenant), delivery.id)

    def put_aside(self, deliveries: Sequence[Delivery]) -> None:
        """Let go of what this version cannot read: it is for whoever comes after `claim_after`, and no try."""
        ids: list[Any] = [delivery.id for delivery in deliveries]
        self._redis.xclaim(self._stream, keys.GROUP, keys.ASIDE, 0, ids, idle=0, justid=True)

    def commit(
        self,
        deliveries: Sequence[Delivery],
        records: Sequence[Record],
        topics: Sequence[str | None],
        batch: bytes,
        *,
        cycle: str = "",
    ) -> bool:
        """Save, count and acknowledge; False if another consumer took over a part, and then nothing was done.

        Args:
            deliveries: n, all held by this consumer.
            records: n, what they say.
            topics: n, live topic of each, None for none.
            batch: The records as the log keeps them.
            cycle: Whose topics they are, '' for none.
        """
        columns = (
            [delivery.id for delivery in deliveries],
            [topic or "" for topic in topics],
            [_recent_value(record) for record in records],
            _SERIES,
        )
        arguments: list[Any] = [
            keys.GROUP,
            self.consumer,
            batch,
            self._recent,
            _ENCODER.encode(columns),
            pack_topics(topics, cycle),
            _ENCODER.encode(_response_times(records)),
            self._tenant,
            _ENCODER.encode(_exemplars(records)),
        ]
        script_keys = [
            self._stream,
            keys.log(self._tenant),
            keys.recent(self._tenant),
            keys.live(self._tenant),
            *self._counts,
            *([] if self._spread else [keys.BUSIEST, keys.EXEMPLARS]),
        ]
        return bool(self._commit(keys=script_keys, args=arguments))

    def bury(self, delivery: Delivery, *, reason: str, attempts: int, most: int) -> int | None:
        """Make it a dead letter; beyond `most` of them the oldest make room.

        Returns:
            How many made room; None if another consumer has it.
        """
        arguments: list[Any] = [
            keys.GROUP,
            self.consumer,
            delivery.id,
            delivery.encoded,
            reason,
            attempts,
            field("kaizen_buried_total"),
            most,
            field("kaizen_dead_letters_lost_total"),
        ]
        moved = [self._stream, keys.dead(self._tenant), *self._counts]
        left = cast("int", self._bury(keys=moved, args=arguments))
        return None if left < 0 else left

    def leave(self) -> None:
        """Drop this consumer's name unless it still holds something: names of dead processes would pile up."""
        self._leave(keys=[self._stream], args=[keys.GROUP, self.consumer])


def _response_times(records: Sequence[Record]) -> list[str | int]:
    """What the records add to the histogram: series and steps in turn."""
    times = (record.response_time for record in records if record.response_time is not None)
    counts = observations("kaizen_response_time_seconds", times)
    return [part for pair in counts.items() for part in pair]


def _exemplars(records: Sequence[Record]) -> list[str]:
    """Interactions that may be looked at, by their response times: buckets and exemplars in turn."""
    timed = ((record.response_time, record) for record in records if record.response_time is not None)
    last = {bisect_left(RESPONSE_BUCKETS, seconds): (seconds, record) for seconds, record in timed}
    observed = [
        (seconds, {"trace_id": record.trace and record.trace[:32], "interaction_id": record.id})
        for seconds, record in last.values()
    ]
    return [part for pair in exemplars("kaizen_response_time_seconds", observed).items() for part in pair]


def _recent_value(record: Record) -> str:
    time = "" if record.response_time is None else round(record.response_time * MILLION)
    level = "" if record.level is None else round(record.level * MILLION)
    return f"{time}:{int(record.error is not None)}:{level}"
