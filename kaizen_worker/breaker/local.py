"""The in-process breaker: the same rules as the scripts, in memory, for the time that Redis is away."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from kaizen_worker.breaker import reply as replies
from kaizen_worker.breaker.permit import Outcome, Permit
from kaizen_worker.breaker.reply import SECOND, Reply
from kaizen_worker.breaker.settings import Settings
from kaizen_worker.breaker.window import Tally, Window


def _monotonic() -> int:
    return time.monotonic_ns() // 1000


@dataclass(slots=True)
class _Record:
    generation: int
    state: int = replies.CLOSED
    failures: int = 0
    open_until: int = 0
    opened: int = 0
    successes: int = 0
    leases: dict[str, int] = field(default_factory=dict)  # token -> expiry


class LocalBreaker:
    """One breaker in this process; methods and replies are those of `SharedBreaker`, without orders.

    Args:
        settings: When it moves.
        clock: Now in µs, never going back.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], int] = _monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._record = _Record(generation=clock())
        self._window = Window()
        self.tally = Tally()

    def admit(self, token: str) -> Reply:
        """Decide on one call; a probe holds its lease under the token."""
        with self._lock:
            now, before = self._clock(), self._record.generation
            self._take_tally(now)
            code, retry_after = self._decide(token, now)
            return self._reply(code, now, before, retry_after)

    def look(self) -> Reply:
        """The record as it stands."""
        with self._lock:
            code = replies.REJECTED if self._record.open_until > (now := self._clock()) else replies.ADMITTED
            return self._reply(code, now, self._record.generation)

    def report(self, permit: Permit, outcome: Outcome, *, floor: float) -> Reply:
        """Take the outcome of a call; `floor` is the least length in seconds of an opening that follows from it."""
        with self._lock:
            now, before = self._clock(), self._record.generation
            return self._reply(self._take(permit, outcome, now, floor), now, before)

    def _take_tally(self, now: int) -> None:
        taken, record = self.tally.take(), self._record
        if taken is None or record.state != replies.CLOSED or taken[0] != record.generation:
            return
        self._window.add(
            taken[1], generation=record.generation, now=now, half=self._settings.window_seconds * SECOND / 2
        )
        if self._window.opens(self._settings):
            self._trip(now, 0.0)

    def _decide(self, token: str, now: int) -> tuple[int, int]:
        record = self._record
        if record.state == replies.CLOSED:
            return replies.ADMITTED, 0
        if record.state == replies.OPEN:
            if record.open_until > now:
                return replies.REJECTED, 0
            self._enter(replies.HALF_OPEN, now)
        record.leases = {holder: expiry for holder, expiry in record.leases.items() if expiry > now}
        if len(record.leases) < self._settings.permitted_calls:
            record.leases[token] = now + int(self._settings.lease_seconds * SECOND)
            return replies.PROBE, 0
        first = min(record.leases.values()) - now
        return replies.REJECTED, min(first, int(self._settings.recovery_timeout * SECOND))

    def _take(self, permit: Permit, outcome: Outcome, now: int, floor: float) -> int:
        record = self._record
        if permit.generation not in {0, record.generation} or record.state == replies.OPEN:
            return replies.STALE
        if record.state == replies.HALF_OPEN and record.leases.pop(permit.token, 0) <= now:
            return replies.LEASE_LOST
        if outcome == "failure":
            record.failures += record.state == replies.CLOSED
            if record.state == replies.HALF_OPEN or record.failures >= self._settings.failure_threshold:
                self._trip(now, floor)
        elif outcome == "success":
            self._succeed(now)
        return replies.COUNTED

    def _succeed(self, now: int) -> None:
        record = self._record
        if record.state == replies.CLOSED:
            record.failures = 0
            return
        record.successes += 1
        if record.successes >= self._settings.success_threshold:
            self._enter(replies.CLOSED, now)

    def _trip(self, now: int, floor: float) -> None:
        record = self._record
        stretch = 1 + self._settings.jitter * random.random()
        record.open_until = now + int(self._settings.wait(record.opened, stretch=stretch, floor=floor) * SECOND)
        record.opened += 1
        self._enter(replies.OPEN, now)

    def _enter(self, state: int, now: int) -> None:
        record = self._record
        record.state = state
        record.generation = max(record.generation + 1, now)
        record.successes = 0
        record.leases.clear()
        if state == replies.CLOSED:
            record.failures = record.opened = 0

    def _reply(self, code: int, now: int, before: int, retry_after: int = 0) -> Reply:
        record = self._record
        if record.state == replies.OPEN:
            retry_after = max(record.open_until - now, 0)
        return Reply(
            code=code,
            state=record.state,
            generation=record.generation,
            failures=record.failures,
            first_failure=0,
            retry_after=retry_after,
            opened=record.opened,
            successes=record.successes,
            leases=sum(expiry > now for expiry in record.leases.values()),
            override=0,
            override_left=0,
            entered=int(record.generation != before),
            created=0,
        )
