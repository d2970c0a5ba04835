"""One `kaizen up` a data directory, and what others may know about it.

A lock on a file says whether one runs; it falls with its process, whatever happened to it. The file beside it says
where the parts are.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kaizen_api.errors import Conflict

_LOCK = "up.lock"
_STATE = "up.json"


class Claim:
    """Holds a data directory for one stack.

    Raises:
        Conflict: another one runs there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            pid = (_read(folder) or {}).get("pid")
            raise Conflict(
                f"`kaizen up` runs in {folder} already{f' (pid {pid})' if pid else ''}: stop it, or choose another "
                "--data-dir"
            ) from None
        self.left_behind = (folder / _STATE).exists()
        """Whether the former holder was killed; its processes may still be ending."""

    def publish(self, state: Mapping[str, Any]) -> None:
        """Tell others where the parts are; the file is whole at any time."""
        fresh = self._folder / f"{_STATE}.new"
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps({"pid": os.getpid(), **state}))
        fresh.replace(self._folder / _STATE)

    def close(self) -> None:
        """Let go; nothing runs here any more."""
        (self._folder / _STATE).unlink(missing_ok=True)
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def running(folder: Path) -> dict[str, Any] | None:
    """What the `kaizen up` of this data directory last published, None where none runs."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(folder)
    finally:
        os.close(lock)
    return None


def _read(folder: Path) -> dict[str, Any] | None:
    with contextlib.suppress(OSError, ValueError):
        state: dict[str, Any] = json.loads((folder / _STATE).read_text())
        return state
    return None
