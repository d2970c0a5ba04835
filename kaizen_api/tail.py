"""A log that still grows, as a stream that waits at its end instead of ending.

It ends where another file has taken the log's place, or the log was cut: what follows is another log, from its
beginning. What was written to the former file before it was moved is read first.
"""

import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_LOOK = 0.25


class Tail(io.RawIOBase):
    """The bytes of a growing file.

    Args:
        path: The log.
        on_idle: Called each time there is nothing new, before waiting.
    """

    def __init__(self, path: Path, *, on_idle: Callable[[], None]) -> None:
        self._path = path
        self._file = path.open("rb", buffering=0)
        self._on_idle = on_idle

    def fileno(self) -> int:
        """Of the file it reads, whatever has its name by now."""
        return self._file.fileno()

    def readable(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Also the file."""
        self._file.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        """Waits for new bytes; 0 when the log was replaced or cut."""
        while True:
            replaced = self._replaced()  # looked at before the last read, so that nothing written before is missed
            if count := self._file.readinto(buffer):
                return count
            if replaced:
                return 0
            self._on_idle()
            time.sleep(_LOOK)

    def _replaced(self) -> bool:
        ours = os.fstat(self._file.fileno())
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False  # moved, and not yet made anew
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino) or ours.st_size < self._file.tell()
