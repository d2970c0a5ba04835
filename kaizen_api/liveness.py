"""Which worker processes make progress: told by what each last did, not by whether its process exists.

A worker can hang while it is alive: after its broker was killed it may wait for jobs that never reach it. So each
leaves a sign when it begins and ends a job, with the number of ticks of beat that had been carried out by then. One
that is idle while ticks go by it, or pile up, is wedged. Time alone condemns nobody: where Redis or beat is away there
are no ticks, and a long job may take as long as its limit allows.
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

TICKS_MISSED = 30
"""Ticks that may go by an idle worker, and three more for each worker that shares them."""

_IDLE_SECONDS = 30.0
_FORGET_SECONDS = 86_400.0
_MICRO = 1_000_000


class Sign(msgspec.Struct, frozen=True, array_like=True):
    """What a worker last did.

    Attributes:
        job: What it does since then; empty where it ended one.
        at: us since the epoch.
        until: By when the job ends or is killed, us since the epoch; 0 where there is none.
        ticks: Ticks of beat that had been carried out by all workers.
    """

    job: str
    at: int
    until: int
    ticks: int


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
    allowed = TICKS_MISSED + 3 * len(signs)
    queued = _queued(config)
    return [
        _judge(node, sign, passed=max(ticks - sign.ticks, queued), allowed=allowed)
        for node, sign in signs
        if anywhere or node.partition("@")[2] == host
    ]


def _judge(node: str, sign: Sign, *, passed: int, allowed: int) -> Progress:
    now = _now()
    age = (now - sign.at) / _MICRO
    if sign.job:
        late = now > sign.until + _IDLE_SECONDS * _MICRO
        return Progress(node, wedged=late, detail=f"{sign.job} for {age:.0f} s")
    wedged = passed > allowed and age > _IDLE_SECONDS
    return Progress(node, wedged=wedged, detail=f"idle for {age:.0f} s while {passed} jobs went by or wait")


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
