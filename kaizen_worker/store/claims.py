"""Claims: which jobs are on their way, and who does them.

A job is offered once, taken by one worker, and renewed while that lives. A claim runs out, so it spares
work and never guards what must be right: whatever runs under one is idempotent all the same.
"""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files

from redis import Redis, RedisError

from kaizen_api import keys

_TAKE = files(__package__).joinpath("take.lua").read_text()
_GIVE_BACK = files(__package__).joinpath("give_back.lua").read_text()
_AGAIN = 1.0


def offer(redis: Redis, *, tenant: str, job: str, seconds: int) -> bool:
    """True if nobody offered or does this job within the last `seconds`: the caller is to enqueue it."""
    return bool(redis.set(keys.claim(tenant, job), keys.OFFERED, nx=True, ex=seconds))


class Claim:
    """A job that is ours."""

    def __init__(self, redis: Redis, *, tenant: str, job: str, seconds: int) -> None:
        self._redis = redis
        self._key = keys.claim(tenant, job)
        self._seconds = seconds
        self._token = secrets.token_hex(8)

    def take(self) -> bool:
        """Whether it is ours now: it was offered, or nobody does it."""
        script = self._redis.register_script(_TAKE)
        return bool(script(keys=[self._key], args=[self._token, self._seconds, keys.OFFERED]))

    def give_back(self) -> None:
        """Done; a claim that ran out is somebody else's by now, and stays."""
        self._redis.register_script(_GIVE_BACK)(keys=[self._key], args=[self._token])

    def put_off(self, seconds: float) -> None:
        """Not now: it counts as offered until that time is over; whoever is told to do it all the same may."""
        self._redis.set(self._key, keys.OFFERED, ex=max(1, round(seconds)))


@contextmanager
def taken(redis: Redis, *, tenant: str, job: str, seconds: int) -> Iterator[Claim | None]:
    """The claim within the block, or None if another worker does the job now.

    It is renewed while the block runs, however long a step of it takes, and runs out when the process dies. Where
    Redis is away at the end of the block, it is given back when Redis is there again: the job can be done anew then.
    """
    claim = Claim(redis, tenant=tenant, job=job, seconds=seconds)
    if not claim.take():
        yield None
        return
    done = threading.Event()
    renewing = threading.Thread(target=_renew, args=(claim, done, seconds / 3), name=f"claim {job}", daemon=True)
    renewing.start()
    try:
        yield claim
    finally:
        done.set()
        renewing.join()
        try:
            claim.give_back()
        except RedisError:
            threading.Thread(target=_give_back_late, args=(claim, seconds), name=f"claim {job}", daemon=True).start()


def _give_back_late(claim: Claim, seconds: int) -> None:
    """As long as it has not run out by itself."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(RedisError):
            return claim.give_back()
        time.sleep(_AGAIN)
    return None


def _renew(claim: Claim, done: threading.Event, every: float) -> None:
    """Redis may be away for a while: the next time will do."""
    while not done.wait(every):
        with suppress(RedisError):
            claim.take()
