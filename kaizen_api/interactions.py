"""Interactions as they are kept, found again by their ids: masked, as long as the log holds them.

The log has no index, for one would be larger than what it is looked into for: its batches are gone through, the latest
first, and only those that have an id in them are decoded. Nothing here writes.
"""

from collections.abc import Collection, Iterator
from typing import cast

import msgspec
import zstandard
from redis import Redis

from kaizen_api import keys
from kaizen_api.schema import Record
from kaizen_api.versions import all_readable

_READ = 20  # batches at a time
_DECODER = msgspec.msgpack.Decoder(list[Record])


def look_up(redis: Redis, tenant: str, ids: Collection[str]) -> dict[str, Record]:
    """Those of the ids that the log holds, in the order of the ids.

    A million interactions to go through take one to two seconds of one core.
    """
    found: dict[str, Record] = {}
    left = {one: one.encode() for one in ids}
    for packed in _batches(redis, tenant) if left else ():
        raw = zstandard.decompress(packed)
        if any(one in raw for one in left.values()):
            found |= {
                record.id: record
                for record in _DECODER.decode(all_readable(raw, "the log"))
                if left.pop(record.id, None)
            }
        if not left:
            break
    return {one: found[one] for one in ids if one in found}


def _batches(redis: Redis, tenant: str) -> Iterator[bytes]:
    """As they were committed, the latest first."""
    end = "+"
    while batches := cast(
        "list[tuple[bytes, dict[bytes, bytes]]]", redis.xrevrange(keys.log(tenant), end, count=_READ)
    ):
        yield from (fields[b"b"] for _, fields in batches)
        end = f"({batches[-1][0].decode()}"
