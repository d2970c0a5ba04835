"""A folder of documents as a source: offline, and always as the files are now.

Each search looks at the folder's inventory (name, size, time of change); what changed is read again. The same files
give the same passages, scores and order. No file outside of the folder is read, whatever links lie in it, and no path
of the machine gets out: an address is relative to the folder.
"""

import logging
import threading
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from kaizen_api.errors import Unavailable
from kaizen_worker.search.documents import parse
from kaizen_worker.search.inventory import File, Inventory, read, take
from kaizen_worker.search.passages import split
from kaizen_worker.store.lexical import Lexical, Reader
from kaizen_worker.types import Passage

MAX_TEXT = 256_000_000
"""Characters of all documents that are kept; files beyond it are skipped, in the order of their names."""

_TRUST = 0.8  # whoever runs Kaizen chose the documents

_log = logging.getLogger(__name__)


class Folder:
    """Documents in md, html, txt and pdf under one folder, at any depth.

    Args:
        path: The folder.
    """

    name = "folder"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._inventory: Inventory | None = None
        self._read: dict[File, list[Passage]] = {}
        self._passages: list[Passage] = []
        self._reader: Reader | None = None

    def search(self, query: str, *, limit: int) -> list[Passage]:
        """The best passages by BM25 over the OR of the query's words; scores are shares of the upper bound, 0..1.

        Raises:
            Unavailable: The folder is not there.
        """
        reader, passages = self._catch_up()
        best = reader.best(reader.terms(query), limit=limit)
        return [replace(passages[row], score=score) for row, score in best]

    def _catch_up(self) -> tuple[Reader, list[Passage]]:
        with self._lock:
            if not self._path.is_dir():
                raise Unavailable(f"the folder of documents {self._path.name!r} is not there")
            inventory = take(self._path)
            if self._reader is None or inventory != self._inventory:
                for name, reason in inventory.skipped:
                    _log.warning("documents: %s skipped: %s", name, reason)
                self._read = self._read_all(inventory.files)
                self._passages = [passage for found in self._read.values() for passage in found]
                self._reader = _index(self._passages)
                self._inventory = inventory
            return self._reader, self._passages

    def _read_all(self, files: tuple[File, ...]) -> dict[File, list[Passage]]:
        passages: dict[File, list[Passage]] = {}
        size = 0
        for file in files:
            found = self._read[file] if file in self._read else self._read_one(file)
            size += sum(len(passage.text) for passage in found)
            if size > MAX_TEXT:
                _log.warning("documents: %s and all after it skipped: over %d characters", file.name, MAX_TEXT)
                break
            passages[file] = found
        return passages

    def _read_one(self, file: File) -> list[Passage]:
        try:
            document = parse(read(self._path, file), file.name)
        except Exception as error:  # noqa: BLE001  # parsers of foreign files raise whatever they like
            reason = error.strerror if isinstance(error, OSError) else error  # no path of the machine
            _log.warning("documents: %s skipped: unreadable (%s: %s)", file.name, type(error).__name__, reason)
            return []
        address = f"file://{quote(file.name)}"
        sections = split(document)
        return [Passage(self.name, part.title, part.text, address, score=0.0, trust=_TRUST) for part in sections]


def _index(passages: list[Passage]) -> Reader:
    lexical = Lexical()
    lexical.update((row, f"{passage.title}\n{passage.text}") for row, passage in enumerate(passages))
    return lexical.reader()
