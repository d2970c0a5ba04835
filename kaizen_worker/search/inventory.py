"""Which files of a folder are read, and how: regular ones, inside of the folder, of a known kind and a bounded size."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from kaizen_api.errors import Invalid
from kaizen_worker.search.documents import SUFFIXES

MAX_FILES = 20_000
"""Files that are read, the first of the walk."""

MAX_BYTES = 16_000_000
"""Size of a file that is read; a larger one is skipped."""


@dataclass(frozen=True, slots=True)
class File:
    """One file as it was seen; whatever touches it makes it another."""

    name: str  # relative to the folder, with /
    size: int  # bytes
    version: tuple[int, int, int]  # inode, and ns since the epoch at which content and rights last changed


@dataclass(frozen=True, slots=True)
class Inventory:
    """A folder as it was seen: what is to be read, and what is not and why, each by name."""

    files: tuple[File, ...]
    skipped: tuple[tuple[str, str], ...]


def take(folder: Path) -> Inventory:
    """Look through the folder; reads no file. Hidden files and files of other kinds are passed over in silence."""
    root = folder.resolve()
    files: list[File] = []
    skipped: list[tuple[str, str]] = []
    for path in _walk(root):
        own = path.relative_to(root).as_posix()
        name = own.encode(errors="backslashreplace").decode()
        if len(files) == MAX_FILES:
            skipped.append((name, f"it and all after it are more than {MAX_FILES} files"))
            break
        try:
            files.append(_file(path, own, root))
        except OSError as error:  # its text would tell the machine's paths
            skipped.append((name, error.strerror or "unreadable"))
        except Invalid as error:
            skipped.append((name, str(error)))
    return Inventory(tuple(sorted(files, key=lambda file: file.name)), tuple(skipped))


def read(folder: Path, file: File) -> bytes:
    """The content of a file of the inventory.

    Raises:
        Invalid: it is not what it was: too large, not regular, or a link that leaves the folder.
        OSError: it cannot be read.
    """
    root = folder.resolve()
    path = _inside(root / file.name, root)
    # A pipe that took the file's place must not block us, nor a link lead us out, nor one that took a folder's place.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as content:  # noqa: PTH123  # a descriptor, not a path
        status = os.fstat(descriptor)
        if not os.path.samestat(status, _inside(path, root).stat()):
            raise Invalid("it changed while it was opened")
        _check(status)
        return content.read(MAX_BYTES)


def _walk(root: Path) -> Iterator[Path]:
    """Files of known kinds, and links to folders, which are never followed; however deep the folders lie."""
    waiting = [root]
    while waiting:
        for place, folders, names in islice(os.walk(waiting.pop()), 1):  # one level: it calls itself for the others
            links = [name for name in folders if (Path(place) / name).is_symlink()]
            inner = sorted(name for name in folders if not name.startswith(".") and name not in links)
            waiting += [Path(place) / name for name in reversed(inner)]
            wanted = [name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith(".")]
            yield from (Path(place) / name for name in sorted([*wanted, *links]))


def _file(path: Path, name: str, root: Path) -> File:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise Invalid("a name that is not UTF-8") from None
    status = _inside(path, root).stat()
    _check(status)
    return File(name, status.st_size, (status.st_ino, status.st_mtime_ns, status.st_ctime_ns))


def _inside(path: Path, root: Path) -> Path:
    real = Path(os.path.realpath(path, strict=True))  # Path.resolve has an error of its own for loops
    if not real.is_relative_to(root):
        raise Invalid("a link that leaves the folder")
    return real


def _check(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Invalid("not a regular file")
    if status.st_size > MAX_BYTES:
        raise Invalid(f"{status.st_size} bytes, over {MAX_BYTES}")
