"""A bounded queue on disk, for what is pushed while Redis is away or pushes back.

Guarantee: what `add` returned from is given by `first` in the order it came, by this process or the next one, until
`forget_first`; `kill -9` loses none of it. A power loss costs what was added since the last `sync`, which a producer
calls after each attempt that failed, about once a second.

Files of one folder (0700), each written by one process (0600) and locked by it with flock for as long as it lives:
records one after another, each with its length and CRC-32. What a process left is locked, and given before its own, by
whoever uses the folder next or finds nothing of its own to give. A process that was killed after an append and before
the file was dropped leaves records that are appended already: their ids make that harmless for as long as Redis knows
them (`metrics_retention_days`).
"""

import errno
import fcntl
import logging
import os
import secrets
import struct
import time
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kaizen_api.errors import Backpressure, Unavailable
from kaizen_api.producer.batch import MAX_BATCH, Pair

SEGMENT_BYTES = 4 * 2**20
"""Length from which on a file is left for the next."""

_LOG = logging.getLogger("kaizen.producer")
_SUFFIX = ".spool"
_HEAD = struct.Struct("<II")  # bytes of the record, their CRC-32
_CHUNK = 2**20
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Pair)


@dataclass(slots=True)
class _Segment:
    """One open, locked file."""

    path: Path
    descriptor: int
    start: int  # where the first record begins that was not forgotten
    end: int


class Spool:
    """The queue of one process.

    Args:
        folder: Where; one a tenant.
        limit: Bytes it may hold, with what others left.
    """

    lasting = True

    def __init__(self, folder: Path, *, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._segments = deque[_Segment]()  # in the order in which they are given
        self._own: _Segment | None = None  # the last of them, if this process writes it
        self._read_to = 0
        self._opened = False
        self._process = os.getpid()

    def __str__(self) -> str:
        return f"{sum(each.end - each.start for each in self._segments)} bytes in {self._folder}"

    def add(self, pair: Pair) -> None:
        """Keep one.

        Raises:
            Backpressure: the spool is full.
            Unavailable: the disk does not take it.
        """
        body = _ENCODER.encode(pair)
        frame = _HEAD.pack(len(body), zlib.crc32(body)) + body
        with self._using():
            self._open()
            if sum(each.end for each in self._segments) + len(frame) > self._limit:
                raise Backpressure(
                    f"{self} wait for Redis, and this one was not taken: see why Redis takes none, or raise "
                    "KAIZEN_SPOOL_BYTES"
                )
            self._write(frame)

    @contextmanager
    def _using(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unavailable(
                f"the spool {self._folder} cannot be used ({error}): make room, or correct that"
            ) from None

    def _write(self, frame: bytes) -> None:
        if self._own is None or self._own.end >= SEGMENT_BYTES:
            self.sync()
            self._own = self._create()
            self._segments.append(self._own)
        written = os.write(self._own.descriptor, frame)
        if written < len(frame):
            os.ftruncate(self._own.descriptor, self._own.end)
            raise OSError(errno.ENOSPC, "the disk is full")
        self._own.end += written

    def _create(self) -> _Segment:
        """A new file, ours, its name on the disk."""
        segment = None
        while segment is None:  # another took it for a leftover between its making and its locking
            path = self._folder / f"{time.time_ns():020}-{secrets.token_hex(4)}{_SUFFIX}"
            segment = _lock(path, os.O_CREAT | os.O_EXCL | os.O_APPEND)
        folder = os.open(self._folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        return segment

    def _open(self) -> None:
        if not self._opened:
            self._adopt()
            self._opened = True

    def _adopt(self) -> bool:
        """Lock what others left, and put it before one's own, the oldest first; whether anything waits then."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        known = {each.path for each in self._segments}
        for path in sorted(self._folder.glob(f"*{_SUFFIX}"), reverse=True):
            with suppress(FileNotFoundError):
                if path not in known and (segment := _lock(path)) is not None:
                    self._segments.appendleft(segment)
        return self._waits()

    def first(self) -> list[Pair]:
        """The first batch; empty where nothing waits."""
        with self._using():
            self._open()
            while self._waits() or self._adopt():
                segment = self._segments[0]
                pairs, self._read_to = _read(segment)
                if pairs:
                    return pairs
                self._forget(segment)
        return []

    def _waits(self) -> bool:
        return any(each.end > each.start or each is not self._own for each in self._segments)

    def forget_first(self) -> None:
        """Drop what `first` gave last."""
        with self._using():
            self._forget(self._segments[0])

    def _forget(self, segment: _Segment) -> None:
        segment.start = self._read_to
        if segment.start < segment.end:
            return
        if segment is self._own:
            os.ftruncate(segment.descriptor, 0)
            segment.start = segment.end = 0
        else:
            self._segments.popleft()
            segment.path.unlink(missing_ok=True)
            os.close(segment.descriptor)

    def sync(self) -> None:
        """Have it on the disk, so that a power loss does not cost it."""
        if self._own is not None:
            with self._using():
                os.fsync(self._own.descriptor)

    def release(self) -> None:
        """Leave it to the next process; after a fork, to the parent, whose lock stays."""
        for each in self._segments:
            if not each.end and self._process == os.getpid():
                each.path.unlink(missing_ok=True)
            os.close(each.descriptor)
        self._segments.clear()
        self._own, self._opened = None, False


def _lock(path: Path, flags: int = 0) -> _Segment | None:
    """The file opened and locked; None if it is another's, or was dropped by the one whose it was."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        status = os.fstat(descriptor)
        if status.st_nlink:
            return _Segment(path, descriptor, 0, status.st_size)
    os.close(descriptor)
    return None


def _read(segment: _Segment) -> tuple[list[Pair], int]:
    """Up to a batch from the segment's start on, and where it ends; what is damaged is left out, and told."""
    pairs, place = list[Pair](), segment.start
    data = memoryview(os.pread(segment.descriptor, _CHUNK, place))
    while len(pairs) < MAX_BATCH and place < segment.end:
        rest = data[place - segment.start :]
        length, check = _HEAD.unpack_from(rest) if len(rest) >= _HEAD.size else (0, 0)
        after = place + _HEAD.size + length
        if len(rest) < _HEAD.size or after > segment.start + len(data):
            if segment.start + len(data) < segment.end and place > segment.start:
                break  # the next chunk has it whole
            _LOG.warning("%s: its last %d bytes were cut off with their process", segment.path, segment.end - place)
            return pairs, segment.end
        body = rest[_HEAD.size : _HEAD.size + length]
        if zlib.crc32(body) == check:
            pairs.append(_DECODER.decode(body))
        else:
            _LOG.warning("%s: a record of %d bytes is damaged and left out", segment.path, length)
        place = after
    return pairs, place
