"""The log of committed batches: what a cycle reads, trimmed by age and never before a batch was committed."""

import time
from collections.abc import Iterator, Sequence
from typing import cast

import msgspec
import zstandard
from redis import Redis

from kaizen_api import keys
from kaizen_api.schema import Record
from kaizen_api.versions import all_readable

BEGINNING = "0-0"
"""The place before every batch."""

_DAY = 86_400
_READ = 20
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[Record])
_TOPICS = msgspec.msgpack.Decoder(tuple[str, list[str], list[int]])


def pack(records: Sequence[Record]) -> bytes:
    """One batch as the log keeps it: about a quarter of its size."""
    return zstandard.compress(_ENCODER.encode(records), 1)


def _unpack(packed: bytes) -> list[Record]:
    """Its records; raises NewerSchema where this version would misread one."""
    return _DECODER.decode(all_readable(zstandard.decompress(packed), "the log"))


class Batch(msgspec.Struct, frozen=True):
    """One committed batch."""

    id: str  # its place in the log
    packed: bytes
    topics: list[str | None]  # the live topic of each
    cycle: str  # whose topics they are; '' where nothing was assigned, and in what an earlier version wrote

    @property
    def records(self) -> list[Record]:
        """Its records."""
        return _unpack(self.packed)

    @property
    def at(self) -> int:
        """When it was committed, ms since the epoch."""
        return int(self.id.partition("-")[0])


def pack_topics(topics: Sequence[str | None], cycle: str) -> bytes:
    """The live topics of one batch as the log keeps them, each name once, and the cycle that they are of."""
    names = sorted({topic for topic in topics if topic is not None})
    code: dict[str | None, int] = {name: index for index, name in enumerate(names)}
    return _ENCODER.encode((cycle, names, [code.get(topic, -1) for topic in topics]))


def read_after(redis: Redis, cursor: str, *, tenant: str) -> list[Batch]:
    """A few batches behind a place in the log, the oldest first; none at its end."""
    entries = redis.xrange(keys.log(tenant), f"({cursor}", count=_READ)
    return [_batch(*entry) for entry in cast("list[tuple[bytes, dict[bytes, bytes]]]", entries)]


def read_back(redis: Redis, upto: str, *, tenant: str) -> Iterator[Batch]:
    """The batches up to a place in the log, the newest first."""
    while entries := cast(
        "list[tuple[bytes, dict[bytes, bytes]]]", redis.xrevrange(keys.log(tenant), upto, count=_READ)
    ):
        yield from (_batch(*entry) for entry in entries)
        upto = f"({entries[-1][0].decode()}"


def _batch(entry: bytes, fields: dict[bytes, bytes]) -> Batch:
    cycle, names, codes = _TOPICS.decode(fields[b"t"]) if b"t" in fields else ("", [], [])
    topics = [names[code] if code >= 0 else None for code in codes]
    return Batch(entry.decode(), fields[b"b"], topics, cycle)


def read_log(redis: Redis, *, tenant: str) -> Iterator[Record]:
    """Every record in the log, a few batches at a time, in the order of commits."""
    start = "-"
    while batches := cast("list[tuple[bytes, dict[bytes, bytes]]]", redis.xrange(keys.log(tenant), start, count=_READ)):
        for _, fields in batches:
            yield from _unpack(fields[b"b"])
        start = f"({batches[-1][0].decode()}"


def trim_log(redis: Redis, *, tenant: str, retention_days: int) -> int:
    """Drop batches committed longer ago than the retention; returns how many."""
    floor = int((time.time() - retention_days * _DAY) * 1000)
    return int(redis.xtrim(keys.log(tenant), minid=str(floor), approximate=False))
