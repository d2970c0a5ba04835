"""Archives on disk: gzip parts and a sealed manifest that is written last.

An archive exists only if its manifest verifies: what is cut short, altered by a single byte, renamed or lost is refused
with the file named. The same content under the same cut-off gives the same bytes, so a re-run changes nothing; a part's
name carries its checksum, so that a re-run with other content never touches the parts of the archive it replaces.
"""

import gzip
import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

import msgspec

from kaizen_api.errors import Invalid
from kaizen_worker.store.durable import locked, sweep, sync_folder, write_whole

SUFFIX = ".manifest.json"

_LEVEL = 6
_STAMP = r"-\d{8}T\d{6}\.\d{6}Z"
_MANIFEST = re.compile(rf"(?P<kind>.+)(?P<stamp>{_STAMP}){re.escape(SUFFIX)}")
_PART = re.compile(rf"(?P<stem>.+{_STAMP})-[0-9a-f]{{16}}\.gz")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Part(msgspec.Struct, frozen=True):
    """One gzip file of an archive."""

    name: str  # of the file
    label: str  # what is in it
    count: int  # pieces
    bytes: int  # of the file
    sha256: str  # of the file


class Manifest(msgspec.Struct, frozen=True):
    """What an archive holds."""

    kind: str
    cutoff: int  # us since the epoch
    count: int  # pieces of all parts
    parts: list[Part]

    @property
    def stem(self) -> str:
        """How the names of the archive's files begin; they sort by time."""
        return _stem(self.kind, self.cutoff)


class _Sealed(msgspec.Struct, frozen=True):
    manifest: Manifest
    sha256: str  # of the manifest's encoding


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
        write_whole(folder, lambda file: file.write(_seal(manifest)), lambda _: manifest.stem + SUFFIX)
        _drop_orphans(folder)
    return folder / (manifest.stem + SUFFIX)


def archives(folder: Path) -> list[Path]:
    """The manifests in a folder, the oldest of a kind first; nothing is verified."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if _MANIFEST.fullmatch(path.name))


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
            intact = file.stat().st_size == part.bytes and _digest(content) == part.sha256
        if not intact:
            raise Invalid(f"{part.name}: not as it was written ({part.bytes} bytes, sha256 {part.sha256})")
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
        limit = _stem("", before)
        past = [path for path in _replaceable(folder) if _split(path)[1] < limit]
        for path in past:
            path.unlink()
        sync_folder(folder)  # an archive goes with its manifest: a part that no manifest lists is nobody's
        _drop_orphans(folder)
    return [path.name for path in past]


def _replaceable(folder: Path) -> Iterator[Path]:
    """The archives that have a good one of their kind beside them."""
    kinds: dict[str, list[Path]] = {}
    for path in archives(folder):
        kinds.setdefault(_split(path)[0], []).append(path)
    for paths in kinds.values():
        if good := next(filter(_is_good, reversed(paths)), None):
            yield from (path for path in paths if path != good)


def _split(path: Path) -> tuple[str, str]:
    """Kind and stamp of a manifest."""
    match = _MANIFEST.fullmatch(path.name)
    return (match["kind"], match["stamp"]) if match else ("", "")


def _stem(kind: str, cutoff: int) -> str:
    return f"{kind}-{_EPOCH + timedelta(microseconds=cutoff):%Y%m%dT%H%M%S.%fZ}"


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


def _seal(manifest: Manifest) -> bytes:
    digest = hashlib.sha256(msgspec.json.encode(manifest)).hexdigest()
    return msgspec.json.encode(_Sealed(manifest, digest)) + b"\n"


def _read_manifest(path: Path) -> Manifest:
    try:
        content = path.read_bytes()
        manifest = msgspec.json.decode(content, type=_Sealed).manifest
    except FileNotFoundError:
        raise Invalid(f"{path.name}: absent") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path.name}: not a manifest ({error})") from None
    if _seal(manifest) != content:
        raise Invalid(f"{path.name}: not as it was written")
    if path.name != manifest.stem + SUFFIX or any(Path(part.name).name != part.name for part in manifest.parts):
        raise Invalid(f"{path.name}: its name is not the one it was written under ({manifest.stem}{SUFFIX})")
    return manifest


def _digest(content: BufferedReader) -> str:
    return hashlib.file_digest(content, "sha256").hexdigest()


def _drop_orphans(folder: Path) -> None:
    """Remove parts that no manifest lists, left by a killed writer or by a run that was replaced.

    Where a manifest cannot be read, the parts that may be its own stay.
    """
    listed: set[str] = set()
    unreadable: set[str] = set()
    for path in archives(folder):
        try:
            listed.update(part.name for part in _read_manifest(path).parts)
        except Invalid:
            unreadable.add(path.name.removesuffix(SUFFIX))
    for path in folder.glob("*.gz"):
        match = _PART.fullmatch(path.name)
        if match and path.name not in listed and match["stem"] not in unreadable:
            path.unlink()
    sync_folder(folder)
