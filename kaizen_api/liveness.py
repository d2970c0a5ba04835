"""Which worker processes make progress: told by what each last did, not by whether its process exists.

A worker can hang while it is alive: after its broker was killed it may wait for jobs that never reach it. So each
leaves a sign when it begins and ends a job, with the number of ticks of beat that had been carried out by then; what
it means stands in `wedged.py`.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import cast

import msgspec
from redis import Redis

from kaizen_api import keys
from kaizen_api.config import KaizenConfig
from kaizen_api.connection import connect, reaching
from kaizen_api.jobs import LIVE_QUEUE
from kaizen_api.wedged import Sign, judge, ticks_allowed

_FORGET_SECONDS = 86_400.0
_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Progress:
    """One worker process as its last sign has it.

    Attributes:
        node: The name by which it answers, `NAME@HOST`.
        wedged: Whether it lives on and does nothing.
        detail: What was seen.
    """

    node: str
    wedged: bool
    detail: str


def leave_sign(redis: Redis, node: str, *, job: str = "", seconds: float = 0.0) -> None:
    """Say that a worker begins a job that ends or is killed within `seconds`, or that it ended one.

    Raises:
        RedisError: the sign was not left.
    """
    now = _now()
    ticks = int(cast("bytes | None", redis.get(keys.TICKS)) or 0)
    sign = Sign(job, now, now + round(seconds * _MICRO) if job else 0, ticks)
    redis.hset(keys.WORKERS, node, msgspec.msgpack.encode(sign))


def forget(redis: Redis, *nodes: str) -> None:
    """Remove the signs of workers that end, and of those that have given none for a day.

    Raises:
        RedisError: they stay.
    """
    before = _now() - round(_FORGET_SECONDS * _MICRO)
    gone = {*nodes, *(node for node, sign in _signs(redis) if max(sign.at, sign.until) < before)}
    if gone:
        redis.hdel(keys.WORKERS, *gone)


def progress(config: KaizenConfig, *, host: str | None = None, anywhere: bool = False) -> list[Progress]:
    """The workers of one host, by name; of this one by default, or of all.

    Raises:
        Unavailable: Redis or the broker does not answer, so nobody can make progress.
    """
    host = host or socket.gethostname()
    with reaching(config), connect(config) as client:
        signs = list(_signs(client))
        ticks = int(cast("bytes | None", client.get(keys.TICKS)) or 0)
    allowed = ticks_allowed(len(signs))
    queued = _queued(config)
    return [
        _judge(node, sign, passed=max(ticks - sign.ticks, queued), allowed=allowed)
        for node, sign in signs
        if anywhere or node.partition("@")[2] == host
    ]


def _judge(node: str, sign: Sign, *, passed: int, allowed: int) -> Progress:
    now = _now()
    age = (now - sign.at) / _MICRO
    wedged = judge(sign, now=now, passed=passed, allowed=allowed) == "wedged"
    did = f"{sign.job} for {age:.0f} s" if sign.job else f"idle for {age:.0f} s while {passed} jobs went by or wait"
    return Progress(node, wedged=wedged, detail=did)


def _queued(config: KaizenConfig) -> int:
    """Ticks and batches that no worker has taken."""
    broker = config if config.broker_url is None else config.model_copy(update={"redis_url": config.broker_url})
    with reaching(broker), closing(connect(broker)) as client:
        return client.llen(keys.BROKER_PREFIX + LIVE_QUEUE)


def _signs(redis: Redis) -> Iterator[tuple[str, Sign]]:
    for node, encoded in sorted(cast("dict[bytes, bytes]", redis.hgetall(keys.WORKERS)).items()):
        yield node.decode(), msgspec.msgpack.decode(encoded, type=Sign)


def _now() -> int:
    return time.time_ns() // 1000
