"""How many searches one person may drive in a day (UTC), by questions or where an application asks for them itself.

Guarantee: each gap is decided and charged in one step, so no race and no crash lets one more through or charges one
twice. A gap that is charged already, to whomever, costs nothing more.
"""

import time
from collections.abc import Mapping, Sequence
from importlib.resources import files

import msgspec
from redis import Redis

from kaizen_api import keys
from kaizen_api.errors import Paced

A_DAY = 20
"""Gaps with few people that one of them may drive searches for in a day."""

DAY_SECONDS = 86_400

_SCRIPT = files(__package__).joinpath("charge.lua").read_text()


def charge(
    redis: Redis, tenant: str, asking: Mapping[str, Sequence[str]], *, day: int, least: int = 1
) -> frozenset[str]:
    """Charge gaps to those who ask for them, one after the other.

    Args:
        redis: Where the tenant's data is.
        tenant: Whose gaps.
        asking: Gap to people, the most pressing first.
        day: Counted from the epoch.
        least: How many of a gap's people must have driven fewer than `A_DAY`; all, where it has not as many.

    Returns:
        The gaps that are not to be searched that day.
    """
    script, pipe = redis.register_script(_SCRIPT), redis.pipeline(transaction=False)
    both = [keys.voices(tenant, day), keys.driven(tenant, day)]
    for gap, people in asking.items():
        packed = msgspec.msgpack.encode(people)
        script(both, [gap, A_DAY, min(least, len(people)), 2 * DAY_SECONDS, packed, *people], client=pipe)
    return frozenset(gap for gap, charged in zip(asking, pipe.execute(), strict=True) if not charged)


def charge_one(redis: Redis, tenant: str, gap_id: str, person: str) -> None:
    """Charge a gap to the one person who asks.

    Raises:
        Paced: the person has driven `A_DAY` others today; nothing is charged.
    """
    now = time.time()
    if charge(redis, tenant, {gap_id: [person]}, day=int(now) // DAY_SECONDS):
        raise Paced(
            f"this user has driven {A_DAY} searches today, which is the limit: ask again tomorrow (UTC)",
            retry_after=DAY_SECONDS - now % DAY_SECONDS,
        )
