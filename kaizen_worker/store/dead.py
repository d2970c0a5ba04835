"""Dead letters: interactions that could not be processed; listed, put back into the stream, or dropped."""

import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any, cast

import msgspec
from redis import Redis

from kaizen_api import keys
from kaizen_api.schema import Record

_PUT_BACK = files(__package__).joinpath("put_back.lua").read_text()
_PAGE = 200
_ID = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")  # anything else means another entry to Redis, or none


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One interaction with the reason why it is here."""

    id: str
    reason: str
    attempts: int
    at: int  # µs since the epoch
    interaction: Record | None  # None where it cannot even be decoded


def dead_letters(redis: Redis, *, tenant: str) -> Iterator[DeadLetter]:
    """All of a tenant, the oldest first."""
    start = "-"
    while entries := cast(
        "list[tuple[bytes, dict[bytes, bytes]]]", redis.xrange(keys.dead(tenant), start, count=_PAGE)
    ):
        for entry_id, fields in entries:
            yield _letter(entry_id.decode(), fields)
        start = f"({entries[-1][0].decode()}"


def holds(redis: Redis, letter: str, *, tenant: str) -> bool:
    """Whether there is one under that id."""
    return bool(_ID.fullmatch(letter)) and bool(redis.xrange(keys.dead(tenant), letter, letter))


def put_back(redis: Redis, letters: Sequence[str], *, tenant: str) -> int:
    """Append them to the stream again and forget them here, each in one step; returns how many there were."""
    script = redis.register_script(_PUT_BACK)
    return sum(cast("int", script(keys=[keys.dead(tenant), keys.stream(tenant)], args=[one])) for one in letters)


def drop(redis: Redis, letters: Sequence[str], *, tenant: str) -> int:
    """Forget them for good; returns how many there were."""
    return redis.xdel(keys.dead(tenant), *letters) if letters else 0


def _letter(entry_id: str, fields: dict[bytes, Any]) -> DeadLetter:
    try:
        interaction = msgspec.msgpack.decode(fields[b"r"], type=Record)
    except msgspec.DecodeError:
        interaction = None
    return DeadLetter(
        id=entry_id,
        reason=fields[b"reason"].decode(errors="replace"),
        attempts=int(fields[b"attempts"]),
        at=int(entry_id.split("-", maxsplit=1)[0]) * 1000,
        interaction=interaction,
    )
