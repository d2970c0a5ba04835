"""One batch on its way into a tenant's stream: what is sent to the script `append.lua`, and what its reply means."""

import re
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, cast

import msgspec
from redis import Redis

from kaizen_api import keys
from kaizen_api.config import TENANT, KaizenConfig
from kaizen_api.connection import TIMEOUT, reaching
from kaizen_api.errors import Backpressure, Invalid, Unavailable
from kaizen_api.metrics.table import field
from kaizen_api.schema import Record

MAX_BATCH = 1_000
"""Records in one call of the script, so that it never holds the server for long."""

FLUSH_SECONDS = 10.0
"""How long `flush` and `close`, and the end of the interpreter, go on appending; the call in hand comes on top."""

REPLICAS_MS = int(TIMEOUT * 500)
"""Milliseconds an append waits for its replicas; half of what a call may wait."""

CLOSED = "the producer is closed and this interaction was not taken: make a new one, or push before it is closed"
"""What a push after `close` is told."""

_DAY = 86_400
_ENCODER = msgspec.msgpack.Encoder()
SCRIPT = files(__package__).joinpath("append.lua").read_text()
REFUSED = field("kaizen_ingested_total", result="refused")
_SERIES = tuple(field("kaizen_ingested_total", result=result) for result in ("accepted", "duplicate"))
_FULL, _OLD = -1, -2

Pair = tuple[str, bytes]
"""Id and encoded record."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch: how many are new, and which were there before (indexes into the batch)."""

    accepted: int
    duplicates: tuple[int, ...]


def check_tenant(tenant: str) -> str:
    """The name, if it is one.

    Raises:
        Invalid: it is not.
    """
    if not isinstance(tenant, str) or not re.fullmatch(TENANT, tenant):
        raise Invalid(f"tenant {tenant!r}: a name has 1 to 63 of a-z, 0-9, _ and -, and begins with a letter or digit")
    return tenant


def user_key(redis: Redis, config: KaizenConfig) -> bytes:
    """The secret of an installation's keyed hashes: the configured one, else one drawn once and kept in Redis.

    Raises:
        Unavailable: Redis does not answer.
    """
    if config.user_key is not None:
        return config.user_key.get_secret_value().encode()
    fresh = secrets.token_bytes(32)
    with reaching(config):
        return cast("bytes | None", redis.set(keys.USER_KEY, fresh, nx=True, get=True)) or fresh


def encode(records: Iterable[Record]) -> list[Pair]:
    """Records as they are sent and stored."""
    return [(record.id, _ENCODER.encode(record)) for record in records]


def script_call(
    pairs: Sequence[Pair], *, tenant: str, config: KaizenConfig, counted: Sequence[str]
) -> tuple[list[str], list[Any]]:
    """KEYS and ARGV of `append.lua`, for 1 to `MAX_BATCH` pairs; `counted`: where their number is counted."""
    retention = config.metrics_retention_days * _DAY
    bucket = int(time.time()) // retention
    script_keys = [
        keys.stream(tenant),
        *(keys.seen(tenant, bucket + step) for step in (0, -1, 1)),
        *counted,
        *([keys.TENANTS] if keys.ROLLUP in counted else []),
    ]
    limits = [tenant, config.stream_max_length, config.stream_max_age, 2 * retention]
    ids, encoded = zip(*pairs, strict=True)
    index = _ENCODER.encode((ids, [len(one) for one in encoded]))  # two arguments: the client packs each by itself
    return script_keys, [*limits, *_SERIES, index, b"".join(encoded)]


def read_reply(reply: Sequence[int], *, tenant: str) -> Appended:
    """What the reply says.

    Raises:
        Backpressure: the stream is too long or too old; nothing was taken.
    """
    accepted, *rest = reply
    if accepted == _FULL:
        raise Backpressure(
            f"{rest[0]} interactions of tenant {tenant} wait for the workers: nothing was taken, retry later, "
            "add workers, or raise KAIZEN_STREAM_MAX_LENGTH"
        )
    if accepted == _OLD:
        raise Backpressure(
            f"the oldest interaction of tenant {tenant} has waited for the workers for {rest[0]} s: nothing was taken, "
            "retry later, see that workers and beat run, or raise KAIZEN_STREAM_MAX_AGE"
        )
    return Appended(accepted, tuple(rest))


def check_replicas(confirmed: int, *, config: KaizenConfig) -> None:
    """Nothing, if enough replicas have the append.

    Raises:
        Unavailable: too few; it is in Redis all the same.
    """
    if confirmed < config.wait_replicas:
        raise Unavailable(
            f"appended, but {confirmed} of {config.wait_replicas} replicas had it within {REPLICAS_MS / 1000:g} s: "
            "send it again, which is harmless, see whether they run, or lower KAIZEN_WAIT_REPLICAS"
        )
