"""Rounds: what each beat does, again and again: claim what is due, send what it claimed, send again what was lost.

Any number of beats may go round at once. They share nothing but Redis: its clock, the last due times, the settings.
"""

import logging
import time
from collections.abc import Callable

from kaizen_api import jobs
from kaizen_api.config import KaizenConfig
from kaizen_api.queries import tenants
from kaizen_worker.schedule.runs import Runs, now_of
from kaizen_worker.schedule.timetable import Job, Timetable, Turn, settings

LOOK = 2.0
"""Seconds between two looks at settings, tenants and what others did."""

_AT_ONCE = 100
"""Runs sent in one round: a thousand tenants that are due together must not hold up the streams."""

_MICRO = 1_000_000

log = logging.getLogger(__name__)


class Rounds:
    """The schedule of one installation as one beat goes through it.

    Args:
        runs: Where they are claimed.
        table: All jobs.
        send: Puts the message of one run, known by its due time, on its queue.
        clock: µs since the epoch; default: Redis' own.
        look: Seconds, see `LOOK`.
    """

    def __init__(
        self,
        runs: Runs,
        *,
        table: tuple[Job, ...],
        send: Callable[[Turn, int], None],
        clock: Callable[[], int] | None = None,
        look: float = LOOK,
    ) -> None:
        self._runs = runs
        self._table = table
        self._send = send
        self._clock = clock or (lambda: now_of(runs.redis))
        self._look_seconds = look
        self._turns: dict[str, Turn] = {}
        self._last: dict[str, int] = {}
        self._next: dict[str, int] = {}
        self._look_at = 0.0

    def go(self) -> float:
        """Do what is due now. Returns the seconds until there may be more to do.

        Raises:
            RedisError: Redis does not answer; the next round goes on where this one was.
            Unavailable: the broker does not; what was claimed and is owed is sent again later.
        """
        now = self._clock()
        if time.monotonic() >= self._look_at:
            self._look(now)
        due = sorted((at, name) for name, at in self._next.items() if at <= now)[:_AT_ONCE]
        for _, name in due:
            self._fire(name, now)
        if len(due) == _AT_ONCE:
            return 0.0
        soonest = min(self._next.values(), default=now + _MICRO)
        return max(0.0, min((soonest - now) / _MICRO, self._look_seconds))

    def _look(self, now: int) -> None:
        table = Timetable(self._table, settings(self._runs.redis))
        self._turns = {turn.name: turn for turn in table.turns(tenants(self._runs.redis))}
        self._last = self._runs.last()
        self._next = {}
        for name, turn in self._turns.items():
            if turn.when is not None:
                self._next[name] = turn.when.next(self._anchored(turn, now))
        for name, due in self._runs.late(now):
            if name in self._turns and not self._runs.held(name):
                log.info("%s was due and nobody did it: once more", name)
                self._send(self._turns[name], due)
        self._look_at = time.monotonic() + self._look_seconds

    def _anchored(self, turn: Turn, now: int) -> int:
        """The last due time, which is now for what is new, and for what has it from a clock that was wrong."""
        last = self._last.get(turn.name)
        if last is None or (turn.when and turn.when.astray(last, now)):
            _, at = self._runs.claim(turn.name, now, last=last, now=now, owed=False)
            last = now if at is None else at
            self._last[turn.name] = last
        return last

    def _fire(self, name: str, now: int) -> None:
        turn, last = self._turns[name], self._last[name]
        if turn.when is None:
            return
        due = turn.when.latest(last, now)
        ours, at = self._runs.claim(name, due, last=last, now=now, owed=turn.job.each)
        if at is None:  # Redis was emptied
            self._look_at = 0.0
            del self._next[name]
            return
        self._last[name], self._next[name] = at, turn.when.next(at)
        if ours:
            self._send(turn, due)


def sender(config: KaizenConfig) -> Callable[[Turn, int], None]:
    """What puts a run on its queue: the names of tenant and run where they matter, nothing else."""

    def send(turn: Turn, due: int) -> None:
        if turn.job.each:
            jobs.enqueue(config, turn.job.task, expires=turn.expiry, tenant=turn.tenant, due=str(due))
        else:
            jobs.enqueue(config, turn.job.task, expires=turn.expiry)

    return send
