"""Once a day, a knowledge base that is a file, or a folder of them, into a compressed archive beside it.

The knowledge base itself is only read: whoever reads or writes it notices nothing. What is archived was whole and
unchanged while it was read, else nothing is written; an archive is there entirely or not at all, whatever dies.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Literal

import msgspec

from kaizen_api.errors import Invalid, Unavailable
from kaizen_worker.store import archive as store

SUFFIXES = (".json", ".jsonl")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Rotation:
    """What was done.

    Attributes:
        outcome: `rotated`; `current`: today's archive is there and good; `absent`: there is nothing to archive.
        archive: Manifest of today's archive, None where there is none.
        records: Lines of JSONL and documents of JSON in it.
        pruned: Manifests that were past their days and have been removed.
    """

    outcome: Literal["rotated", "current", "absent"]
    archive: Path | None
    records: int
    pruned: tuple[str, ...] = ()


class KnowledgeBaseRotator:
    """Archives the JSON and JSONL files at a path into `<path>.archives`, at most once a day.

    Args:
        kb_path: A file, or a folder whose `.json` and `.jsonl` files, at any depth, are meant.
        keep_days: How many days an archive is kept; the last good one always is.
        zone: Whose days are meant, like `ZoneInfo("Europe/Berlin")`: a day begins with the first moment of its date,
            whatever summer time makes of midnight.
        now: The clock, with a time zone.

    Raises:
        Invalid: `keep_days` is under 1.
    """

    def __init__(
        self,
        kb_path: str | Path,
        keep_days: int = 30,
        *,
        zone: tzinfo = UTC,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if keep_days < 1:
            raise Invalid(f"keep_days is {keep_days}: it must be 1 or more")
        self._path = Path(kb_path).expanduser().absolute()
        self._keep = timedelta(days=keep_days)
        self._zone = zone
        self._now = now

    @property
    def archives_path(self) -> Path:
        """The folder of the archives."""
        return self._path.with_name(f"{self._path.name}.archives")

    async def rotate_if_needed(self) -> Rotation:
        """Write today's archive unless it is there and good, and remove those past their days.

        Raises:
            Invalid: a file is not JSON; the text names it and its line. Nothing is written and nothing removed.
            Unavailable: a file kept changing while it was read.
        """
        return await asyncio.to_thread(self._rotate, self._now().astimezone(self._zone))

    def _rotate(self, now: datetime) -> Rotation:
        today = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        found = self._good(today)
        if found:
            return Rotation("current", *found)
        files = list(_files(self._path))
        if not files:
            return Rotation("absent", None, 0)
        parts = ((label, _records(path, label)) for path, label in files)
        written = store.write(self.archives_path, kind=self._path.name, cutoff=_micros(today), parts=parts)
        records = store.verify(written).count
        pruned = store.prune(self.archives_path, before=_micros(today - self._keep))
        return Rotation("rotated", written, records, tuple(pruned))

    def _good(self, today: datetime) -> tuple[Path, int] | None:
        for path in reversed(store.archives(self.archives_path)):
            try:
                manifest = store.verify(path)
            except Invalid:
                continue
            if (manifest.kind, manifest.cutoff) == (self._path.name, _micros(today)):
                return path, manifest.count
        return None


def restore_files(archive: Path, folder: Path) -> list[Path]:
    """Write the files of an archive of `KnowledgeBaseRotator` into a folder, byte for byte; none that is there is lost.

    Args:
        archive: Its manifest.
        folder: Made if absent.

    Raises:
        Invalid: the archive is not as it was written, or a file of that name is there already.
    """
    return [_restore(label, lines, archive, folder) for (label, lines) in _labelled(archive)]


def _labelled(archive: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    return ((part.label, lines) for part, lines in store.read(archive))


def _restore(label: str, lines: Iterable[bytes], archive: Path, folder: Path) -> Path:
    target = folder / label
    if Path(label).is_absolute() or ".." in Path(label).parts:
        raise Invalid(f"{archive.name}: {label} lies outside of the folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb") as file:
            file.writelines(lines)
    except FileExistsError:
        raise Invalid(f"{label} is there already: restore into an empty folder") from None
    return target


def _files(path: Path) -> Iterator[tuple[Path, str]]:
    """What is archived, and under which label, in the order of the labels."""
    if path.is_file():
        yield path, path.name
    elif path.is_dir():
        inside = (found for found in path.rglob("*") if found.suffix in SUFFIXES and found.is_file())
        yield from sorted((found, found.relative_to(path).as_posix()) for found in inside)


def _records(path: Path, label: str) -> Iterator[bytes]:
    """The file in pieces: a line of JSONL or the whole of JSON is one; each is checked.

    Raises:
        Invalid: a piece is not JSON.
        Unavailable: the file changed meanwhile.
    """
    with path.open("rb") as file:
        before = os.fstat(file.fileno())
        pieces = iter(file) if path.suffix == ".jsonl" else iter([file.read()])
        for number, piece in enumerate(pieces, 1):
            _check(piece, f"{label}, line {number}" if path.suffix == ".jsonl" else label)
            yield piece
    try:
        after = path.stat()
    except FileNotFoundError:
        raise Unavailable(f"{label} went away while it was read") from None
    if (before.st_ino, before.st_size, before.st_mtime_ns) != (after.st_ino, after.st_size, after.st_mtime_ns):
        raise Unavailable(f"{label} changed while it was read: rotate again when nobody writes")


def _check(piece: bytes, place: str) -> None:
    if not piece.strip():
        return
    try:
        msgspec.json.decode(piece)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{place}: not JSON ({error})") from None


def _micros(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND
