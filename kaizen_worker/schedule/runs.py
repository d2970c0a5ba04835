"""Runs: each is claimed once by its job and due time, and one that is owed is sent until a worker has done it.

A run is owed from the step that claims it, so a beat that dies before it has sent the message costs `RESEND` seconds.
A worker holds the run that it does (`store/claims.py`): the same message twice is one run. Only a worker that is killed
in the middle of a job has it begun again, so what a job does must be harmless when begun again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import cast

from redis import Redis

from kaizen_api import keys
from kaizen_worker.store.claims import taken

RESEND = 30.0
"""Seconds after which a run that nobody has done or does is sent again."""

RETRY = 300.0
"""Seconds after which one that failed is."""

LONGEST = 1800.0
"""Seconds between two messages of one run, at most: they grow apart while no worker takes them."""

_MICRO = 1_000_000


class Runs:
    """The runs of all jobs.

    Args:
        redis: Client with undecoded replies.
        resend: Seconds, see `RESEND`.
        retry: Seconds, see `RETRY`.
    """

    def __init__(self, redis: Redis, *, resend: float = RESEND, retry: float = RETRY) -> None:
        self.redis = redis
        self.resend = resend
        self.retry = retry
        self._move, self._resend, self._done = (
            redis.register_script(files(__package__).joinpath(f"{name}.lua").read_text())
            for name in ("move", "resend", "done")
        )

    def last(self) -> dict[str, int]:
        """Job → the due time of its last run, µs since the epoch."""
        found = cast("dict[bytes, bytes]", self.redis.hgetall(keys.RUNS))
        return {name.decode(): int(due) for name, due in found.items()}

    def done(self) -> dict[str, int]:
        """Job → when a worker last did a run of it, µs since the epoch."""
        found = cast("dict[bytes, bytes]", self.redis.hgetall(keys.RUNS_DONE))
        return {name.decode(): int(at) for name, at in found.items()}

    def owed(self) -> set[str]:
        """The jobs whose last run no worker has done yet."""
        return {name.decode() for name in cast("list[bytes]", self.redis.zrange(keys.RUNS_OWED, 0, -1))}

    def claim(self, name: str, due: int, *, last: int | None, now: int, owed: bool) -> tuple[bool, int | None]:
        """Take a run, where `last` still is the last one.

        Returns:
            Whether it is ours to send, and the last due time as it stands now.
        """
        again = str(now + round(self.resend * _MICRO)) if owed else ""
        arguments = [name, "" if last is None else last, due, again]
        ours, at = cast("tuple[int, bytes]", self._move(keys=[keys.RUNS, keys.RUNS_OWED], args=arguments))
        return bool(ours), int(at) if at else None

    def late(self, now: int) -> list[tuple[str, int]]:
        """(job, due time) of the runs that are ours to send again now."""
        bounds = (self.resend, LONGEST, max(self.retry, LONGEST))
        arguments = [now, *(round(seconds * _MICRO) for seconds in bounds)]
        found = self._resend(keys=[keys.RUNS, keys.RUNS_OWED], args=arguments)
        parts = iter(cast("list[bytes]", found))
        return [(name.decode(), int(due)) for name, due in zip(parts, parts, strict=True)]

    def held(self, name: str) -> bool:
        """Whether a worker is at it."""
        job, _, tenant = name.partition("/")
        return bool(self.redis.exists(keys.claim(tenant, _claim(job))))

    @contextmanager
    def carrying_out(self, job: str, *, tenant: str, due: int) -> Iterator[bool]:
        """Whether to do it: it is owed, and no other worker is at it. It is done when the block ends without error."""
        name = f"{job}/{tenant}"
        with taken(self.redis, tenant=tenant, job=_claim(job), seconds=max(1, round(self.resend))) as claim:
            if claim is None or not self._is_owed(name, due):
                yield False
                return
            try:
                yield True
            except BaseException:
                again = now_of(self.redis) + round(self.retry * _MICRO)
                self.redis.zadd(keys.RUNS_OWED, {name: again}, xx=True)
                raise
            now = now_of(self.redis)
            self._done(keys=[keys.RUNS, keys.RUNS_OWED, keys.RUNS_DONE], args=[name, due, now])

    def _is_owed(self, name: str, due: int) -> bool:
        pipe = self.redis.pipeline()
        pipe.hget(keys.RUNS, name)
        pipe.zscore(keys.RUNS_OWED, name)
        last, again = pipe.execute()
        return again is not None and int(last) == due


def _claim(job: str) -> str:
    return f"run:{job}"


def now_of(redis: Redis) -> int:
    """Redis' time, µs since the epoch."""
    seconds, micros = redis.time()
    return seconds * _MICRO + micros
