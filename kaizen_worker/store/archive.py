"""Archives on disk: gzip parts and a sealed manifest that is written last.

An archive exists only if its manifest verifies: what is cut short, altered by a single byte, renamed or lost is refused
with the file named. The same content under the same cut-off gives the same bytes, so a re-run changes nothing; a part's
name carries its checksum, so that a re-run with other content never touches the parts of the archive it replaces.
"""

import gzip
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from kaizen_api.errors import Invalid
from kaizen_worker.store import manifest as manifests
from kaizen_worker.store.durable import locked, sweep, sync_folder, write_whole
from kaizen_worker.store.manifest import SUFFIX, Manifest, Part, check, orphans, past, seal, unseal

_LEVEL = 6


def write(folder: Path, *, kind: str, cutoff: int, parts: Iterable[tuple[str, Iterable[bytes]]]) -> Path:
    """Write an archive and return its manifest's path; in constant memory, beside a folder's other archives.

    Args:
        folder: Made if absent. Who else writes to it waits.
        kind: What is archived, for the names of files.
        cutoff: The time it shows, us since the epoch.
        parts: Label and pieces of each part, read once and in order.
    """
    empty = Manifest(kind=kind, cutoff=cutoff, count=0, parts=[])
    with locked(folder):
        sweep(folder)
        written = [_write_part(folder, empty.stem, label, pieces) for label, pieces in parts]
        total = sum(part.count for part in written)
        manifest = msgspec.structs.replace(empty, count=total, parts=written)
        write_whole(folder, lambda file: file.write(seal(manifest)), lambda _: manifest.name)
        _drop_orphans(folder)
    return folder / manifest.name


def archives(folder: Path) -> list[Path]:
    """The manifests in a folder, the oldest of a kind first; nothing is verified."""
    return [folder / name for name in manifests.named(path.name for path in folder.glob(f"*{SUFFIX}"))]


def verify(path: Path) -> Manifest:
    """Read the whole archive and say what it holds.

    Args:
        path: Its manifest.

    Raises:
        Invalid: a file is absent or not as it was written; the text names it.
    """
    manifest = _read_manifest(path)
    for part in manifest.parts:
        file = path.parent / part.name
        if not file.is_file():
            raise Invalid(f"{part.name}: absent, though {path.name} lists it")
        with file.open("rb") as content:
            check(part, content)
    return manifest


def read(path: Path) -> Iterator[tuple[Part, Iterator[bytes]]]:
    """The parts of a verified archive, each with its lines.

    Raises:
        Invalid: as `verify`, before the first part.
    """
    for part in verify(path).parts:
        with gzip.open(path.parent / part.name, "rb") as lines:
            yield part, iter(lines)


def prune(folder: Path, *, before: int) -> list[str]:
    """Remove archives whose cut-off lies before that time, but of each kind never the newest that verifies.

    Where no archive of a kind verifies, all of them stay: somebody may still get something out of them.

    Returns:
        The names of the manifests removed.
    """
    with locked(folder):
        names = [path.name for path in archives(folder)]
        gone = past(names, before=before, good=lambda name: _is_good(folder / name))
        for name in gone:
            (folder / name).unlink()
        sync_folder(folder)  # an archive goes with its manifest: a part that no manifest lists is nobody's
        _drop_orphans(folder)
    return gone


def _is_good(path: Path) -> bool:
    try:
        verify(path)
    except Invalid:
        return False
    return True


class _Checked:
    """Passes bytes on to a file and keeps their number and checksum."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._bytes = 0

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        self._bytes += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def part(self, stem: str, label: str, count: int) -> Part:
        digest = self._hash.hexdigest()
        return Part(name=f"{stem}-{digest[:16]}.gz", label=label, count=count, bytes=self._bytes, sha256=digest)


def _write_part(folder: Path, stem: str, label: str, pieces: Iterable[bytes]) -> Part:
    def fill(file: BinaryIO) -> Part:
        checked, count = _Checked(file), 0
        with gzip.GzipFile("", "wb", _LEVEL, checked, mtime=0) as packed:
            for count, piece in enumerate(pieces, 1):  # noqa: B007  # used after the loop
                packed.write(piece)
        return checked.part(stem, label, count)

    return write_whole(folder, fill, lambda part: part.name)


def _read_manifest(path: Path) -> Manifest:
    try:
        return unseal(path.name, path.read_bytes())
    except FileNotFoundError:
        raise Invalid(f"{path.name}: absent") from None


def _drop_orphans(folder: Path) -> None:
    """Remove parts that no manifest lists, left by a killed writer or by a run that was replaced."""
    listed: set[str] = set()
    unreadable: set[str] = set()
    for path in archives(folder):
        try:
            listed.update(part.name for part in _read_manifest(path).parts)
        except Invalid:
            unreadable.add(path.name)
    names = (path.name for path in folder.glob("*.gz"))
    for name in orphans(names, listed=frozenset(listed), unreadable=frozenset(unreadable)):
        (folder / name).unlink()
    sync_folder(folder)
