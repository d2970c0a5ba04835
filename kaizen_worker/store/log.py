"""The log of committed batches: what a cycle reads, trimmed by age and never before a batch was committed."""

import time
from collections.abc import Iterator, Sequence
from typing import cast

import msgspec
import zstandard
from redis import Redis

from kaizen_api import keys
from kaizen_api.schema import Record

_DAY = 86_400
_READ = 20
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[Record])


def pack(records: Sequence[Record]) -> bytes:
    """One batch as the log keeps it: about a quarter of its size."""
    return zstandard.compress(_ENCODER.encode(records), 1)


def read_log(redis: Redis, *, tenant: str) -> Iterator[Record]:
    """Every record in the log, a few batches at a time, in the order of commits."""
    start = "-"
    while batches := cast("list[tuple[bytes, dict[bytes, bytes]]]", redis.xrange(keys.log(tenant), start, count=_READ)):
        for _, fields in batches:
            yield from _DECODER.decode(zstandard.decompress(fields[b"b"]))
        start = f"({batches[-1][0].decode()}"


def trim_log(redis: Redis, *, tenant: str, retention_days: int) -> int:
    """Drop batches committed longer ago than the retention; returns how many."""
    floor = int((time.time() - retention_days * _DAY) * 1000)
    return int(redis.xtrim(keys.log(tenant), minid=str(floor), approximate=False))
