"""What one process knows of a breaker without asking, on the monotonic clock."""

import random
import time

from kaizen_worker.breaker.permit import Permit
from kaizen_worker.breaker.reply import ADMITTED, CLOSED, SECOND, Reply


class View:
    """The last answer, as far as it may be relied on. Attributes are replaced whole, so threads need no lock.

    Args:
        recheck: Seconds, give or take a fifth, for which "open" is believed.
        closed_cache: Seconds for which "closed, no failures" is believed.
    """

    def __init__(self, *, recheck: float, closed_cache: float) -> None:
        self._recheck = recheck
        self._closed_cache = closed_cache
        self._open: tuple[float, float] = (0.0, 0.0)  # recheck at, open until
        self._closed: tuple[float, Permit | None] = (0.0, None)  # believed until, what it admits with

    def learn(self, reply: Reply) -> None:
        """Take in an answer of Redis."""
        now = time.monotonic()
        rest = reply.retry_after / SECOND if reply.is_open else 0.0
        believed = min(rest, self._recheck * random.uniform(0.8, 1.2)) if rest else 0.0
        self._open = (now + believed, now + rest)
        self._closed = (0.0, None)
        calm = reply.code == ADMITTED and reply.state == CLOSED and not reply.failures
        if self._closed_cache and calm:
            self._closed = (now + self._closed_cache, Permit(generation=reply.generation))

    def rejects(self) -> float:
        """Seconds until the breaker may admit, if it is known to be open; else 0: ask."""
        recheck, until = self._open
        now = time.monotonic()
        return until - now if now < recheck else 0.0

    def last_open(self) -> float:
        """Seconds that the last known opening still lasts, for when nobody can be asked."""
        return max(self._open[1] - time.monotonic(), 0.0)

    def admits(self) -> Permit | None:
        """A permit, if the breaker is believed to be closed; else None: ask."""
        until, permit = self._closed
        return permit if permit and time.monotonic() < until else None
