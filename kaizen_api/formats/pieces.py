"""A log cut into records, in constant memory: by lines here, by JSON values in `values`.

A record over `MAX_RECORD_BYTES` is refused without being held: its end is looked for in bounded chunks.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from kaizen_api.formats.contract import Read, Refused
from kaizen_api.formats.source import BOM, CHUNK_BYTES, MAX_RECORD_BYTES, Source
from kaizen_api.schema import Interaction

TOO_LONG = f"longer than {MAX_RECORD_BYTES // 1024 // 1024} MiB: split it, or leave out what Kaizen does not read"


@dataclass(frozen=True, slots=True)
class Piece:
    """One record, not yet understood.

    Attributes:
        line: Line on which it starts, from 1.
        start: Offset of its first byte.
        end: Offset behind its last byte.
        data: The record itself; nothing where there is a problem.
        problem: Why it cannot be read.
        index: Where it stands in its array, from 0.
    """

    line: int
    start: int
    end: int
    data: bytes = b""
    problem: str | None = None
    index: int | None = None

    def place(self, name: str) -> str:
        """Its place in the log of that name."""
        return f"{name}:{self.line}" if self.index is None else f"{name}:{self.line}[{self.index}]"

    def reads(self, name: str, values: list[Interaction | str]) -> Iterator[Read]:
        """What it gave, in order: interactions, and reasons where there is none.

        Only the last one counts the record as done, so that a reader who stops in between gets the rest later.
        """
        place = self.place(name)
        for number, value in enumerate(values, start=1):
            offset = self.end if number == len(values) else self.start
            yield Read(place, self.line, offset, Refused(place, value) if isinstance(value, str) else value)


def lines(source: Source, start: int = 0) -> Iterator[Piece]:
    """The lines of a log, blank ones included, from the line that starts at an offset."""
    number, offset = source.begin(start), start
    while data := source.readline(MAX_RECORD_BYTES + 1):
        whole = data.endswith(b"\n") or len(data) <= MAX_RECORD_BYTES
        end = offset + len(data) + (0 if whole else _pass_line(source))
        if whole:
            yield Piece(number, offset, end, data.removeprefix(BOM) if offset == 0 else data)
        else:
            yield Piece(number, offset, end, problem=TOO_LONG)
        number, offset = number + 1, end
    if source.damage:
        yield Piece(number, offset, offset, problem=source.damage)


def _pass_line(source: Source) -> int:
    """Reads to the end of a line; the bytes that took."""
    passed = 0
    while data := source.readline(CHUNK_BYTES):
        passed += len(data)
        if data.endswith(b"\n"):
            break
    return passed
