"""How many searches one person may drive in a day (UTC), where an application asks for them itself.

The count is the one that analyses keep (`kaizen_worker/engine/voices.py`): gap to the people it was charged to. A gap
that is charged already, to whomever, costs nothing more.
"""

import time
from collections.abc import Mapping
from typing import cast

import msgspec
from redis import Redis

from kaizen_api import keys
from kaizen_api.errors import Paced

A_DAY = 20
"""Gaps with few people that one of them may drive searches for in a day."""

KEPT_SECONDS = 2 * 86_400
"""How long a day's count is kept."""

_DAY_SECONDS = 86_400


def charged_to(stored: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """Gap to people, of a day's count as Redis has it."""
    return {gap.decode(): msgspec.msgpack.decode(people, type=list[str]) for gap, people in stored.items()}


def charge_one(redis: Redis, tenant: str, gap_id: str, person: str) -> None:
    """Charge a gap to the one person who asks. Written first and counted then, so that no race lets one more through.

    Raises:
        Paced: the person has driven `A_DAY` others today; nothing is charged.
    """
    now = time.time()
    key = keys.voices(tenant, int(now) // _DAY_SECONDS)
    pipe = redis.pipeline()
    pipe.hsetnx(key, gap_id, msgspec.msgpack.encode([person]))
    pipe.expire(key, KEPT_SECONDS)
    pipe.hgetall(key)
    new, _, stored = pipe.execute()
    driven = sum(person in people for people in charged_to(cast("dict[bytes, bytes]", stored)).values())
    if new and driven > A_DAY:
        redis.hdel(key, gap_id)
        raise Paced(
            f"this user has asked for {A_DAY} searches today, which is the limit: ask again tomorrow (UTC)",
            retry_after=_DAY_SECONDS - now % _DAY_SECONDS,
        )
