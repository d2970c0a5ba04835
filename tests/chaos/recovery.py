"""After the last fault: everybody answers again, and every worker does what it is told."""

import time
from contextlib import suppress
from dataclasses import dataclass

import httpx
import msgspec
from outcome import queries
from redis import RedisError
from world import wait_until

from kaizen_api import keys
from kaizen_api.follow import catching_up
from kaizen_api.stack import answering_workers, workers
from kaizen_api.wedged import Sign

_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Recovery:
    """Seconds from the last fault until each of these was so, and all before it."""

    accepted: float  # both doors took what was pushed after it
    committed: float  # so it was
    worked: float  # every worker had ended a job that it began after it
    answered: float  # every worker answered a ping over the broker, and the API was ready

    def __str__(self):
        return (
            f"{self.answered:.1f} s (accepted {self.accepted:.1f}, committed {self.committed:.1f}, "
            f"every worker at work {self.worked:.1f})"
        )


def recover(world, log, *, since):
    """Push a little more and see it committed, every worker do a job and answer, the API be ready.

    Args:
        world: Whose last fault is over.
        log: What to push.
        since: When it was, seconds since the epoch.
    """
    nodes, first = [service.node for service in workers(world.config)], {}
    steps = (
        lambda: world.push_now(log),
        lambda: list(catching_up(queries(world), seconds=120)),
        lambda: wait_until(lambda: all(_has_worked(world, node, since, first) for node in nodes)),
        lambda: wait_until(lambda: _answer(world, nodes) and _ready(world)),
    )
    seconds = []
    for step in steps:
        step()
        seconds.append(time.time() - since)
    return Recovery(*seconds)


def _has_worked(world, node, since, first):
    """Whether a worker has ended a job since then: the first sign that it leaves may say only that it is there."""
    stored = world.redis.hget(keys.WORKERS, node)
    sign = msgspec.msgpack.decode(stored, type=Sign) if stored else None
    if sign is None or sign.job or sign.at <= since * _MICRO:
        return False
    return sign.at > first.setdefault(node, sign.at)


def _answer(world, nodes):
    with suppress(RedisError):  # over a connection of before the fault
        return answering_workers(world.direct, nodes=nodes) == nodes
    return False


def _ready(world):
    try:
        return httpx.get(f"{world.stack.urls['api']}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
