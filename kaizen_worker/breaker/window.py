"""Shares of calls that failed or were slow: what a process has counted, and the window that they are shares of.

The window is that of `window.lua`, for the time that Redis is away.
"""

import threading
from dataclasses import dataclass, field
from typing import NamedTuple

from kaizen_worker.breaker.settings import Settings


class Counts(NamedTuple):
    """Calls that ended, and how many of these failed or were slow."""

    calls: int = 0
    failed: int = 0
    slow: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(self.calls + other.calls, self.failed + other.failed, self.slow + other.slow)


class Tally:
    """What this process has counted since its last admission. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generation = 0
        self._counts = Counts()

    def add(self, generation: int, *, failed: bool, slow: bool) -> None:
        """One call ended that the state of that generation had admitted; those of an earlier state count no more."""
        with self._lock:
            if generation > self._generation:
                self._generation, self._counts = generation, Counts()
            if generation == self._generation:
                self._counts = self._counts.plus(Counts(1, int(failed), int(slow)))

    def take(self) -> tuple[int, Counts] | None:
        """The generation and what was counted for it, once; None if there is nothing."""
        if not self._counts.calls:
            return None
        with self._lock:
            taken, self._counts = self._counts, Counts()
            return self._generation, taken


@dataclass(slots=True)
class Window:
    """The calls of one state, in two halves; times in µs."""

    generation: int = 0
    start: int = 0  # of the present half
    present: Counts = field(default_factory=Counts)
    before: Counts = field(default_factory=Counts)

    def add(self, counts: Counts, *, generation: int, now: int, half: float) -> None:
        """Take in what was counted, and let go of what is too old."""
        age = now - self.start
        if self.generation != generation or age >= 2 * half:
            self.generation, self.start, self.present, self.before = generation, now, Counts(), Counts()
        elif age >= half:
            self.start, self.present, self.before = self.start + int(half), Counts(), self.present
        self.present = self.present.plus(counts)

    def opens(self, settings: Settings) -> bool:
        """Whether the shares are such that the breaker opens."""
        calls, failed, slow = self.present.plus(self.before)
        if calls < settings.minimum_calls:
            return False
        by_failures = settings.failure_rate > 0 and failed >= settings.failure_rate * calls
        return by_failures or (settings.slow_rate > 0 and slow >= settings.slow_rate * calls)
