"""What an archive says of itself: its parts with their checksums, under a seal of its own, and the names of its files.

A single byte that differs from what was sealed is refused, with the file named.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import msgspec

from kaizen_api.errors import Invalid

SUFFIX = ".manifest.json"

_PIECE = 1 << 20  # bytes
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

    @property
    def name(self) -> str:
        """Of its file."""
        return self.stem + SUFFIX


class _Sealed(msgspec.Struct, frozen=True):
    manifest: Manifest
    sha256: str  # of the manifest's encoding


def seal(manifest: Manifest) -> bytes:
    """What its file holds."""
    digest = hashlib.sha256(msgspec.json.encode(manifest)).hexdigest()
    return msgspec.json.encode(_Sealed(manifest, digest)) + b"\n"


def unseal(name: str, content: bytes) -> Manifest:
    """The manifest in a file of that name.

    Raises:
        Invalid: it is not as it was written, or was under another name; the text names the file.
    """
    try:
        manifest = msgspec.json.decode(content, type=_Sealed).manifest
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{name}: not a manifest ({error})") from None
    if seal(manifest) != content:
        raise Invalid(f"{name}: not as it was written")
    if name != manifest.name or any(Path(part.name).name != part.name for part in manifest.parts):
        raise Invalid(f"{name}: its name is not the one it was written under ({manifest.name})")
    return manifest


def check(part: Part, content: BinaryIO) -> None:
    """Read all of a part's file, from its beginning.

    Raises:
        Invalid: it is not as it was written; the text names it.
    """
    digest, size = hashlib.sha256(), 0
    while piece := content.read(_PIECE):
        digest.update(piece)
        size += len(piece)
    if (size, digest.hexdigest()) != (part.bytes, part.sha256):
        raise Invalid(f"{part.name}: not as it was written ({part.bytes} bytes, sha256 {part.sha256})")


def named(names: Iterable[str]) -> list[str]:
    """Those that are names of manifests, the oldest of a kind first."""
    return sorted(name for name in names if _MANIFEST.fullmatch(name))


def past(names: Sequence[str], *, before: int, good: Callable[[str], bool]) -> list[str]:
    """Of these manifests those whose cut-off lies before that time, but of each kind never the newest that is good.

    Where no archive of a kind is good, all of them stay: somebody may still get something out of them.

    Args:
        names: As `named` gives them.
        before: us since the epoch.
        good: Whether the archive of that name verifies.
    """
    limit, kinds = _stem("", before), dict[str, list[str]]()
    for name in names:
        kinds.setdefault(_split(name)[0], []).append(name)
    found: list[str] = []
    for same in kinds.values():
        old = [name for name in same if _split(name)[1] < limit]
        kept = next(filter(good, reversed(same)), None) if old else None
        found += [name for name in old if kept is not None and name != kept]
    return found


def orphans(names: Iterable[str], *, listed: frozenset[str], unreadable: frozenset[str]) -> list[str]:
    """Those that are names of parts of no archive.

    Args:
        names: Of files.
        listed: Names of parts that a manifest lists.
        unreadable: Names of manifests that cannot be read: the parts that may be theirs stay.
    """
    stems = {name.removesuffix(SUFFIX) for name in unreadable}
    parts = ((name, _PART.fullmatch(name)) for name in names if name not in listed)
    return [name for name, match in parts if match and match["stem"] not in stems]


def _stem(kind: str, cutoff: int) -> str:
    return f"{kind}-{_EPOCH + timedelta(microseconds=cutoff):%Y%m%dT%H%M%S.%fZ}"


def _split(name: str) -> tuple[str, str]:
    """Kind and stamp of a manifest."""
    match = _MANIFEST.fullmatch(name)
    return (match["kind"], match["stamp"]) if match else ("", "")
