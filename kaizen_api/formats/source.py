"""The bytes of one log, from a file or a stream, decompressed where they are gzip.

Reading never raises for what is wrong with the bytes: a log that breaks off ends early, and `damage` says why.
"""

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Any, BinaryIO, cast

from kaizen_api.errors import Invalid

MAX_RECORD_BYTES = 4 * 1024 * 1024
"""Longest record (a line, an element of an array) that is read; a longer one is refused and passed over unheld."""

CHUNK_BYTES = 64 * 1024
"""What is read at once where lines do not matter."""

BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"


class _Prefixed(io.RawIOBase):
    """Bytes that were looked at already, then the rest of the stream."""

    def __init__(self, prefix: Iterable[bytes], stream: BinaryIO) -> None:
        self._prefixes = iter(prefix)
        self._prefix = memoryview(b"")
        self._read = getattr(stream, "read1", stream.read)  # what a pipe has now, not what it may have later

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._prefix and (following := next(self._prefixes, b"")):
            self._prefix = memoryview(following)
        data = self._prefix[: len(buffer)] or self._read(len(buffer))
        self._prefix = self._prefix[len(data) :]
        buffer[: len(data)] = data
        return len(data)


def _behind(prefix: Iterable[bytes], stream: BinaryIO) -> BinaryIO:
    return io.BufferedReader(_Prefixed(prefix, stream), CHUNK_BYTES)


def _decompressed(stream: BinaryIO) -> BinaryIO:
    start = stream.read(len(_GZIP))
    whole = _behind([start], stream)
    return cast("BinaryIO", gzip.GzipFile(fileobj=whole)) if start == _GZIP else whole


def _is_too_long(line: bytes) -> bool:
    """Whether a line that was read up to a byte more than a record has is no record."""
    return len(line) > MAX_RECORD_BYTES and not line.endswith(b"\n")


def spans_lines(head: bytes) -> bool:
    """Whether a log that begins so is an array, or an object over several lines, and not a record on each line."""
    text = head.removeprefix(BOM).lstrip()
    line, ended, _ = text.partition(b"\n")
    line = line.rstrip()
    return text.startswith(b"[") or bool(ended and line.startswith(b"{") and line.endswith((b"{", b"[", b",")))


class Source:
    """One log to read: once, or again where the stream can seek.

    Args:
        stream: Binary, readable; it stays open, and is read from where it stands.
        name: What places call it.
    """

    def __init__(self, stream: BinaryIO, *, name: str) -> None:
        self.name = name
        self.damage: str | None = None
        self.first = b""
        self.exhausted = False
        self._stream = stream
        self._origin = stream.tell() if stream.seekable() else None
        self._begun = False
        self._reader = self._opened()

    @property
    def rewindable(self) -> bool:
        """Whether it can be read twice."""
        return self._origin is not None

    def head(self, lines: int) -> bytes:
        """Its first lines, as many of them as fit the longest record's size; only before `begin`.

        A line that is too long for a record is passed over unheld, unless there is nothing else. Afterwards `exhausted`
        says whether a head of more lines would be the same.
        """
        got: list[bytes] = []
        seen: list[Iterable[bytes]] = []
        first: bytes | None = None
        room = MAX_RECORD_BYTES
        while len(got) < lines and room > 0 and (line := self.readline(MAX_RECORD_BYTES + 1)):
            if _is_too_long(line) and not spans_lines(b"".join([*got, line])):
                first = b"".join([*got, line[:CHUNK_BYTES]]) if first is None else first
                seen.append(self._stand_in(len(line)))
            else:
                got.append(line[:room])
                seen.append([line])
                room -= len(line)
        head = b"".join(got)
        self.exhausted = len(got) < lines
        self.first = head if first is None else first
        self._reader = _behind(chain.from_iterable(seen), self._reader)
        return head if head.strip() else self.first

    def _stand_in(self, begun: int) -> Iterator[bytes]:
        """As many blanks as the line has that has begun so, which is refused for its length alone; its end is kept."""
        length, ended = begun, False
        while not ended and (data := self.readline(CHUNK_BYTES)):
            length, ended = length + len(data), data.endswith(b"\n")
        chunks, rest = divmod(length - ended, CHUNK_BYTES)
        return chain(repeat(b" " * CHUNK_BYTES, chunks), [b" " * rest + b"\n" * ended])

    def begin(self, start: int = 0) -> int:
        """Goes to an offset and gives the number of the line there, from 1.

        Raises:
            Invalid: the log is shorter than that, or would have to be read a second time and cannot.
        """
        if self._begun:
            self._rewind()
        self._begun = True
        lines = 1
        left = start
        while left:
            chunk = self.read(min(left, CHUNK_BYTES))
            if not chunk:
                raise Invalid(f"{self.name} ends before byte {start}: it is not the log begun earlier, start from 0")
            left -= len(chunk)
            lines += chunk.count(b"\n")
        return lines

    def _rewind(self) -> None:
        if self._origin is None:
            raise Invalid(f"{self.name} has to be read twice and cannot seek: save it as a file first")
        self._stream.seek(self._origin)
        self.damage = None
        self._reader = self._opened()

    def _opened(self) -> BinaryIO:
        try:
            return _decompressed(self._stream)
        except OSError as error:
            return io.BytesIO(self._damaged(error))

    def readline(self, limit: int) -> bytes:
        """The next line with its end, or as much of it as the limit allows; nothing at the end or at damage."""
        try:
            return self._reader.readline(limit)
        except (OSError, EOFError, zlib.error) as error:
            return self._damaged(error)

    def read(self, size: int) -> bytes:
        """So many bytes, fewer only at the end or at damage."""
        try:
            return self._reader.read(size)
        except (OSError, EOFError, zlib.error) as error:
            return self._damaged(error)

    def _damaged(self, error: Exception) -> bytes:
        self.damage = f"the rest cannot be read ({error}): copy the log again from where it came"
        return b""
