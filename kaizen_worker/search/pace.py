"""Turns at a source, over all workers: no two closer than its limit allows, none while it asked to be left alone."""

import math
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files

from redis import Redis

from kaizen_api import keys
from kaizen_api.errors import Paced, Unavailable

_SCRIPT = files(__package__).joinpath("pace.lua").read_text()
_OVER = "over"
_LONGEST = 24 * 3600.0  # seconds that a source may keep us waiting


class Pace:
    """The turns at one source.

    Args:
        redis: The server that all workers share; asked for at the first turn.
        source: Which source.
        every: Seconds between the beginnings of two turns.
        alone: One turn at a time: the seconds are counted from the end of one to the beginning of the next.
    """

    def __init__(self, redis: Callable[[], Redis], source: str, *, every: float, alone: bool = False) -> None:
        self._redis = redis
        self._source = source
        self._every = every
        self._alone = alone

    @contextmanager
    def turn(self, *, patience: float, longest: float) -> Iterator[None]:
        """Wait for a turn, and have it within the block; `Unavailable` out of the block keeps everybody waiting.

        Args:
            patience: Seconds to wait for it.
            longest: Seconds that the block may take: after them, whoever has the turn is taken for dead.

        Raises:
            Paced: It does not come in time.
        """
        token = secrets.token_hex(8) if self._alone else _OVER
        self._wait(token, patience, longest)
        pause = self._every if self._alone else 0.0
        try:
            yield
        except Unavailable as error:
            pause = max(self._every, error.retry_after)
            raise
        finally:
            if pause:
                self._run(token, pause, "end")

    def _wait(self, token: str, patience: float, longest: float) -> None:
        deadline = time.monotonic() + patience
        while left := self._run(token, longest if self._alone else self._every, "take"):
            if time.monotonic() + left > deadline:
                raise Paced(f"{self._source} is not to be called for {left:.3g} s", retry_after=left)
            time.sleep(left)

    def _run(self, token: str, seconds: float, what: str) -> float:
        milliseconds = max(1, math.ceil(min(seconds, _LONGEST) * 1000))
        script = self._redis().register_script(_SCRIPT)
        return float(script(keys=[keys.pace(self._source)], args=[token, milliseconds, what])) / 1000
