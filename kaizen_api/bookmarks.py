"""How far each log was pushed, so that a push that broke off goes on where it was.

A bookmark holds for one log, one tenant and one server; a log that was replaced or cut has none. It lies before
whatever was not appended, so going on from it loses nothing.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from typing import Any

from kaizen_api.config import KaizenConfig
from kaizen_api.connection import redis_url

_FILE = "pushed.json"
_HEAD = 4096
_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Bytes that are done, and what became of the records in them."""

    offset: int
    accepted: int
    duplicate: int
    refused: int


class Bookmarks:
    """The bookmarks of one data directory for one tenant and server."""

    def __init__(self, config: KaizenConfig) -> None:
        self._file = config.data_dir / _FILE
        self._where = f"{redis_url(config)}\n{config.tenant}"

    def of(self, log: int) -> Bookmark | None:
        """Where to go on in an open log (its file descriptor), None for the beginning."""
        stored = self._load().get(self._key(log))
        if stored is None or _head(log, stored.pop("head_bytes"))[1] != stored.pop("head"):
            return None
        return Bookmark(**stored)

    def put(self, log: int, bookmark: Bookmark) -> None:
        """Remember where to go on; the file of bookmarks is whole at any time."""
        marks = self._load()
        size, digest = _head(log, _HEAD)
        marks.pop(self._key(log), None)
        marks[self._key(log)] = {**asdict(bookmark), "head_bytes": size, "head": digest}
        self._store(dict(list(marks.items())[-_KEPT:]))

    def drop(self, log: int) -> None:
        """Forget: the log is done."""
        marks = self._load()
        if marks.pop(self._key(log), None):
            self._store(marks)

    def _key(self, log: int) -> str:
        """Of the file rather than its name: it may move, and another may take its place at any time."""
        status = os.fstat(log)
        return hashlib.sha256(f"{self._where}\n{status.st_dev}:{status.st_ino}".encode()).hexdigest()[:32]

    def _load(self) -> dict[str, Any]:
        try:
            marks: dict[str, Any] = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return marks

    def _store(self, marks: dict[str, Any]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(marks))
        fresh.replace(self._file)


def _head(log: int, size: int) -> tuple[int, str]:
    """How many of the first bytes there are, up to `size`, and their digest: tells another log in the same file."""
    head = os.pread(log, size, 0)
    return len(head), hashlib.sha256(head).hexdigest()[:32]
