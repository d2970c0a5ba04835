"""Files that are there whole or not at all, whatever dies while they are written.

A file is written under a temporary name, synced, renamed, and the folder synced; what a killed process leaves is a
temporary file, which the next holder of the folder's lock sweeps away.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

TEMPORARY = ".kaizen-tmp-"
"""How the names of unfinished files begin."""

_LOCK = ".kaizen-lock"

T = TypeVar("T")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder, made if absent, against other writers; waits for them. A process that dies holds nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_whole(folder: Path, write: Callable[[BinaryIO], T], name: Callable[[T], str]) -> T:
    """Let `write` fill a file and `name` say, from what it returned, what it is to be called.

    The caller holds the folder's lock. If `write` raises, nothing stays.
    """
    temporary = folder / f"{TEMPORARY}{os.getpid()}"
    try:
        with temporary.open("wb") as file:
            written = write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / name(written))
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(folder)
    return written


def sync_folder(folder: Path) -> None:
    """Make renames and removals in the folder last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove what killed writers left; the caller holds the folder's lock."""
    for path in folder.glob(f"{TEMPORARY}*"):
        path.unlink(missing_ok=True)
