"""JSON objects out of an array, or out of text where one object spans many lines, in constant memory.

Brackets are counted outside of strings, so an object is cut out before it is understood, and a bad one between good
ones is refused alone. Where an object is never closed, only those that stand alone on one line are read after it:
nothing else tells where the next one begins.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

import msgspec

from kaizen_api.formats.pieces import TOO_LONG, Piece
from kaizen_api.formats.source import BOM, CHUNK_BYTES, MAX_RECORD_BYTES, Source

_NOT_OBJECT = "not a JSON object: a log holds one object for each record"
_UNCLOSED = "a bracket is not closed: mend it; after it, only objects that stand alone on one line are read"

_GAP = re.compile(rb"[\s,]*+")
_STRAY = re.compile(rb"[^{\[\]\n]++")
_FLAT = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*")*', re.DOTALL)  # up to a bracket or an open string
_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*', re.DOTALL)
_OPENER = {b"}": b"{", b"]": b"["}
_MAX_DEPTH = 100_000
"""Deeper than any decoder follows: an object that deep counts as not closed."""


def values(source: Source, start: int = 0) -> Iterator[Piece]:
    """The elements of a top-level array, and objects side by side, from an offset where one of them ended."""
    in_array = start > 0 and source.first.removeprefix(BOM).lstrip().startswith(b"[")
    scanner = _Scanner(line=source.begin(start), offset=start, in_array=in_array)
    chunks = iter(lambda: source.read(CHUNK_BYTES), b"")
    for chunk in chunks:
        yield from scanner.scan(chunk)
        if scanner.lost:
            break
    if scanner.lost or scanner.inside:
        unclosed = scanner.element(_UNCLOSED)
        yield replace(unclosed, end=unclosed.start)  # what stands in it comes yet
        yield from scanner.single_lines(chunks)
    if source.damage:
        yield Piece(scanner.line, scanner.offset, scanner.offset, problem=source.damage)


class _Scanner:
    """Follows brackets and strings through chunks, and holds the element it is in."""

    def __init__(self, *, line: int, offset: int, in_array: bool) -> None:
        self.line, self.offset = line, offset  # of the next byte
        self.lost = False
        self._element = (line, offset)
        self._index = -1 if offset == 0 else None  # unknown where reading starts in between
        self._in_array = in_array
        self._open = bytearray()  # brackets that are not closed yet, the innermost last
        self._in_string = self._escaped = False
        self._held = bytearray()
        self._too_long = False
        self._rest = b""

    @property
    def inside(self) -> bool:
        """Whether an element has begun and not ended."""
        return bool(self._open)

    def element(self, problem: str | None = None) -> Piece:
        """The element that ends here."""
        line, start = self._element
        problem = problem or (TOO_LONG if self._too_long else None)
        data = b"" if problem else bytes(self._held)
        return Piece(line, start, self.offset, data, problem, self._index if self._in_array else None)

    def scan(self, chunk: bytes) -> Iterator[Piece]:
        """The elements that end in this chunk."""
        position = len(BOM) if self.offset == 0 and chunk.startswith(BOM) else 0
        self.offset += position
        while position < len(chunk) and not self.lost:
            if self._open:
                end = self._inside(chunk, position)
                self._hold(chunk[position:end])
                if not self._open:
                    yield self.element()
            else:
                end, stray = self._between(chunk, position)
                self._pass(chunk[position:end])
                if stray:
                    yield self.element(_NOT_OBJECT)
            position = end
        self._rest = chunk[position:]

    def _pass(self, data: bytes) -> None:
        self.offset += len(data)
        self.line += data.count(b"\n")

    def _hold(self, data: bytes) -> None:
        self._pass(data)
        self._too_long = self._too_long or len(self._held) + len(data) > MAX_RECORD_BYTES
        if self._too_long:
            self._held.clear()
        else:
            self._held += data

    def _between(self, chunk: bytes, position: int) -> tuple[int, bool]:
        """Where to go on, and whether something stands there that is no object; at most one bracket further."""
        gap = _GAP.match(chunk, position)
        if gap and gap.end() > position:
            return gap.end(), False
        byte = chunk[position : position + 1]
        if byte == b"]" or (byte == b"[" and not self._in_array):
            self._in_array = byte == b"["
            return position + 1, False
        self._begin()
        if byte in b"{[":
            self._open += byte
            self._held += byte
            return position + 1, False
        stray = _STRAY.match(chunk, position)
        return (stray.end() if stray else position + 1), True

    def _begin(self) -> None:
        self._element = (self.line, self.offset)
        self._held.clear()
        self._too_long = self._in_string = False
        if self._index is not None:
            self._index += 1

    def _inside(self, chunk: bytes, position: int) -> int:
        """Goes on to behind the next bracket that counts, or to the end of the chunk."""
        if self._in_string:
            position = self._string(chunk, position)
        if self._in_string or position == len(chunk):
            return len(chunk)
        flat = _FLAT.match(chunk, position)
        position = flat.end() if flat else position
        byte = chunk[position : position + 1]
        if byte == b'"':
            self._in_string = True
            return position + 1
        self._bracket(byte)
        return position + len(byte)

    def _string(self, chunk: bytes, position: int) -> int:
        """Goes on to behind the quote that ends the string, or to the end of the chunk."""
        skipped = _STRING.match(chunk, position + self._escaped)
        end = skipped.end() if skipped else len(chunk)
        self._escaped = chunk[end : end + 1] == b"\\"
        self._in_string = chunk[end : end + 1] != b'"'
        return len(chunk) if self._in_string else end + 1

    def _bracket(self, byte: bytes) -> None:
        opener = _OPENER.get(byte)
        if opener is None:
            self._open += byte
            self.lost = len(self._open) > _MAX_DEPTH
        elif (found := self._open.rfind(opener)) >= 0:
            del self._open[found:]
        else:
            self.lost = True

    def single_lines(self, chunks: Iterable[bytes]) -> Iterator[Piece]:
        """From an element that is not closed: the objects that stand alone on one line."""
        line, offset = (self.line, self.offset) if self._too_long else self._element
        rest = b""
        for chunk in chain((bytes(self._held), self._rest), chunks, (b"\n",)):
            *texts, rest = (rest + chunk).split(b"\n")
            for text in texts:
                if (data := text.strip(b" \t\r,]")) and _is_object(data):
                    yield Piece(line, offset, offset + len(text), data)
                line, offset = line + 1, offset + len(text) + 1
            if len(rest) > MAX_RECORD_BYTES:
                offset, rest = offset + len(rest), b""


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (ValueError, RecursionError):
        return False
