"""How far each log was pushed, so that a push that broke off goes on where it was.

A bookmark holds for one log, one tenant and one server; a log that was replaced or cut has none. It lies before
whatever was not appended, so going on from it loses nothing.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kaizen_api.config import KaizenConfig
from kaizen_api.connection import redis_url

_FILE = "pushed.json"
_HEAD = 4096


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

    def of(self, log: Path) -> Bookmark | None:
        """Where to go on, None for the beginning."""
        stored = self._load().get(self._key(log))
        return Bookmark(**stored) if stored else None

    def put(self, log: Path, bookmark: Bookmark) -> None:
        """Remember where to go on; the file is whole at any time."""
        self._store({**self._load(), self._key(log): asdict(bookmark)})

    def drop(self, log: Path) -> None:
        """Forget: the log is done."""
        marks = self._load()
        if marks.pop(self._key(log), None):
            self._store(marks)

    def _key(self, log: Path) -> str:
        """Of the file rather than its name; its beginning tells a new file in its place."""
        with log.open("rb") as stream:
            status = os.fstat(stream.fileno())
            head = stream.read(_HEAD)
        identity = f"{self._where}\n{status.st_dev}:{status.st_ino}\n".encode()
        return hashlib.blake2b(identity + head, digest_size=16).hexdigest()

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
