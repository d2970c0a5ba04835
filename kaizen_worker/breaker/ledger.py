"""What breakers did, counted for the metrics.

Guarantee: while Redis is known to be away no call waits for its count, and counting costs at most one round trip a
second beside the changes of state, which are written at once. What was not written when a process dies is lost.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable

from redis import Redis, RedisError

from kaizen_api.connection import is_spread

PAUSE = 1.0
"""Seconds between two writes."""

_AWAY = 5.0  # seconds without a write after an error of the store


class Ledger:
    """Counts that wait to be written. Safe for threads.

    Args:
        redis: Gives the server that keeps the counts.
    """

    def __init__(self, redis: Callable[[], Redis]) -> None:
        self._redis = redis
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._resume = 0.0  # on the monotonic clock
        self._away = 0.0  # likewise

    def add(self, places: list[tuple[str, str]], count: int, *, at_once: bool = False) -> None:
        """Count at each place, a hash and its field; written now if that is due, else with a later count."""
        with self._lock:
            self._counts.update(dict.fromkeys(places, count))
            now = time.monotonic()
            if now < (self._away if at_once else max(self._away, self._resume)):
                return
            self._resume = now + PAUSE
            counts, self._counts = self._counts, Counter()
        self._write(counts)

    def store_failed(self) -> None:
        """The breakers' server does not answer: leave it alone for a while."""
        self._away = time.monotonic() + _AWAY

    def _write(self, counts: Counter[tuple[str, str]]) -> None:
        redis = self._redis()
        pipe = redis.pipeline(transaction=not is_spread(redis))  # several tenants' hashes
        for (key, series), count in counts.items():
            pipe.hincrby(key, series, count)
        try:
            pipe.execute()
        except (RedisError, OSError):
            self.store_failed()
            with self._lock:
                self._counts.update(counts)
            raise
