"""Supervision: starts again what ended without being told to, ever more slowly where it keeps ending."""

import queue
import threading
import time
from collections.abc import Callable

from kaizen_api.errors import KaizenError

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
STEADY = 60.0
"""Seconds after which a process counts as steady: its next end is its first."""


class Supervision:
    """A thread that restarts by name.

    Args:
        restart: Starts the process of that name again.
        say: Takes a short line about what ended.

    Attributes:
        ends: Name → times it has ended in a row.
    """

    def __init__(self, restart: Callable[[str], None], say: Callable[[str], None]) -> None:
        self.ends: dict[str, int] = {}
        self._restart = restart
        self._say = say
        self._events: queue.SimpleQueue[tuple[str, int] | None] = queue.SimpleQueue()
        self._due: dict[str, float] = {}
        self._started: dict[str, float] = {}
        self._thread = threading.Thread(target=self._run, name="kaizen-supervision", daemon=True)

    def start(self) -> None:
        """Begin; what has ended since is started again."""
        self._thread.start()

    def ended(self, name: str, status: int) -> None:
        """Take note that a process ended; may be called from any thread."""
        self._events.put((name, status))

    def close(self) -> None:
        """Start nothing again from now on."""
        self._events.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                event = self._events.get(timeout=self._wait())
            except queue.Empty:
                self._restart_due()
                continue
            if event is None:
                return
            self._schedule(*event)

    def _wait(self) -> float | None:
        return max(0.0, min(self._due.values()) - time.monotonic()) if self._due else None

    def _schedule(self, name: str, status: int) -> None:
        now = time.monotonic()
        steady = now - self._started.get(name, now) > STEADY
        self.ends[name] = 1 if steady else self.ends.get(name, 0) + 1
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (self.ends[name] - 1))
        self._due[name] = now + delay
        self._say(f"{name} ended ({_reason(status)}): again in {delay:g} s")

    def _restart_due(self) -> None:
        now = time.monotonic()
        for name in [name for name, due in self._due.items() if due <= now]:
            del self._due[name]
            self._started[name] = now
            try:
                self._restart(name)
            except (KaizenError, OSError) as error:
                self._say(f"{name} could not be started: {error}")
                self._due[name] = now + LONGEST_DELAY


def _reason(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"
