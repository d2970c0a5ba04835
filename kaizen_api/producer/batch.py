"""One batch on its way into a tenant's stream: what is sent to the script `append.lua`, and what its reply means."""

import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, cast

import msgspec
from redis import Redis

from kaizen_api import keys
from kaizen_api.config import TENANT, KaizenConfig
from kaizen_api.connection import reaching
from kaizen_api.errors import Backpressure, Invalid
from kaizen_api.metrics.table import field
from kaizen_api.schema import Record

MAX_BATCH = 1_000
"""Records in one call of the script, so that it never holds the server for long."""

BUFFER = 10_000
"""Records that may wait in a process while Redis is away."""

CLOSED = "the producer is closed and this interaction was not taken: make a new one, or push before it is closed"
"""What a push after `close` is told."""

_DAY = 86_400
_ENCODER = msgspec.msgpack.Encoder()
SCRIPT = files(__package__).joinpath("append.lua").read_text()
REFUSED = field("kaizen_ingested_total", result="refused")


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
    if not re.fullmatch(TENANT, tenant):
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


def script_call(records: Sequence[Record], *, tenant: str, config: KaizenConfig) -> tuple[list[str], list[Any]]:
    """KEYS and ARGV of `append.lua`."""
    retention = config.metrics_retention_days * _DAY
    bucket = int(time.time()) // retention
    script_keys = [
        keys.stream(tenant),
        *(keys.seen(tenant, bucket + step) for step in (0, -1, 1)),
        keys.metrics(tenant),
        keys.ROLLUP,
        keys.TENANTS,
    ]
    series = [field("kaizen_ingested_total", result=result) for result in ("accepted", "duplicate")]
    pairs = [part for record in records for part in (record.id, _ENCODER.encode(record))]
    return script_keys, [tenant, config.stream_max_length, 2 * retention, *series, *pairs]


def read_reply(reply: Sequence[int], *, tenant: str) -> Appended:
    """What the reply says.

    Raises:
        Backpressure: the stream had no room; nothing was taken.
    """
    accepted, *rest = reply
    if accepted < 0:
        raise Backpressure(
            f"{rest[0]} interactions of tenant {tenant} wait for the workers: nothing was taken, retry later, "
            "add workers, or raise KAIZEN_STREAM_MAX_LENGTH"
        )
    return Appended(accepted, tuple(rest))
