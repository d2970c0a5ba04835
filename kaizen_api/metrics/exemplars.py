"""Exemplars: of each bucket of a histogram, one observation that may be looked at, by its ids.

Guarantee: of each bucket the last one with ids is kept and no other, in a hash of its own that older versions do not
read. Ids that are longer than OpenMetrics allows, or have signs other than letters, digits and _.:/@+=-, are left
out. Nothing is counted by them: to lose one does no harm.
"""

import re
import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, cast

import msgspec
from redis import Redis

from kaizen_api import keys
from kaizen_api.metrics.table import BUCKETS, MILLION, field

MOST_CHARACTERS = 128
"""Of all names and values of one exemplar together, by the standard."""

_SAFE = re.compile(r"[A-Za-z0-9_.:/@+=-]+")  # applications choose ids, and parsers stumble over quotes in exemplars

Ids = Mapping[str, str | None]
"""What an observation is of, by name, the most telling first; None: it has none of that kind."""


class Exemplar(msgspec.Struct, frozen=True, array_like=True):
    """One observation."""

    ids: dict[str, str]
    value: float  # s
    at: float  # s since the epoch


def exemplars(name: str, observed: Iterable[tuple[float, Ids]], **labels: str) -> dict[str, str]:
    """What is kept of observations: bucket's field → text; of each bucket the last one, nothing where it has no ids.

    Args:
        name: The histogram's.
        observed: Seconds, and what they are of; of the ids those that fit.
        labels: The histogram's.
    """
    bounds = BUCKETS[name]
    last = {bisect_left(bounds, round(seconds * MILLION) / MILLION): (seconds, ids) for seconds, ids in observed}
    named, now = [*map(str, bounds), "+Inf"], time.time()
    return {
        field(name, le=named[bucket], **labels): msgspec.json.encode(Exemplar(fitting, seconds, now)).decode()
        for bucket, (seconds, ids) in last.items()
        if (fitting := _fitting(ids))
    }


def keep(client: Redis, found: Mapping[str, str]) -> None:
    """Keep what `exemplars` made, now or with a pipeline.

    Raises:
        RedisError: it is not kept.
    """
    if found:
        client.hset(keys.EXEMPLARS, mapping=cast("Any", found))


def read(stored: Mapping[bytes, bytes]) -> dict[str, Exemplar]:
    """Bucket's field → exemplar; what a later version keeps otherwise is left out."""
    found = {}
    for series, value in stored.items():
        with suppress(msgspec.DecodeError):
            found[series.decode()] = msgspec.json.decode(value, type=Exemplar)
    return found


def _fitting(ids: Ids) -> dict[str, str]:
    room, fitting = MOST_CHARACTERS, dict[str, str]()
    for name, value in ids.items():
        if value and len(name) + len(value) <= room and _SAFE.fullmatch(value):
            fitting[name] = value
            room -= len(name) + len(value)
    return fitting
