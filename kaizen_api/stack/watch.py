"""Watch: ends workers that live on and do nothing, so that supervision starts them again."""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from kaizen_api.config import KaizenConfig
from kaizen_api.errors import KaizenError
from kaizen_api.liveness import progress

EVERY = 10.0
"""Seconds from one look to the next."""

PATIENCE = 12
"""Looks after which a process that never did anything is judged like one that did."""


class Watch:
    """A thread that looks whether workers make progress.

    Args:
        pids: Gives node → pid of the workers that run now.
        say: Takes a short line about what was ended.
    """

    def __init__(self, pids: Callable[[], Mapping[str, int]], say: Callable[[str], None]) -> None:
        self._pids = pids
        self._say = say
        self._looks: dict[int, int] = {}
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, config: KaizenConfig) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, args=(config,), name="kaizen-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End none from now on."""
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, config: KaizenConfig) -> None:
        while not self._done.wait(EVERY):
            with suppress(KaizenError):  # without Redis there is no progress to make
                self.look(config)

    def look(self, config: KaizenConfig) -> None:
        """Look once.

        Raises:
            Unavailable: Redis does not answer.
        """
        pids = self._pids()
        self._looks = {pid: self._looks.get(pid, 0) + 1 for pid in pids.values()}
        for one in progress(config):
            if one.node not in pids:
                continue
            pid = pids[one.node]
            if not one.wedged:
                self._looks[pid] = PATIENCE
            elif self._looks[pid] > PATIENCE:  # before, what was seen may be of the process that it replaced
                self._say(f"{one.node} makes no progress ({one.detail}): ended")
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
