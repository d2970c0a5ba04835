"""Spans and scores of a log brought together, whatever their order, in bounded memory.

The log is read twice: first into an `Index`, then for the interactions, one after the other. A score of a span counts
for the interaction around it, a score of a trace or a session for the last interaction in there, and each counts once.
A score without an interaction in the same log is refused.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

from kaizen_api.errors import Invalid, Unavailable
from kaizen_api.formats.contract import Parse, Read
from kaizen_api.formats.index import Index
from kaizen_api.formats.pieces import Piece
from kaizen_api.formats.records import converted, decoded, pieces
from kaizen_api.formats.source import Source
from kaizen_api.formats.spans import Part, Row, Span, Verdict, interaction_of
from kaizen_api.schema import Interaction

Rows = Callable[[dict[str, Any]], Iterable[Row | Invalid]]

_ORPHAN = (
    "the score belongs to no interaction of this log: put the scores and what they score into one log or request, or "
    "the score into its span, as an event"
)
_MUTE = {
    Part.SILENT: "a call of a model without its texts: have the instrumentation record message content",
    Part.UNFINISHED: "ends in a tool call, and nothing in its trace answers: export whole traces",
}
_ROWS_BITS = 24
"""Places are the offset of a record and the number of the row in it; a record has less than 2²⁴ rows, being 4 MiB."""


def joined(rows: Rows) -> Parse:
    """A parser of a log whose records give spans and scores."""

    def of_record(data: bytes) -> Iterable[Row | Invalid]:
        return rows(decoded(data))

    def understand(piece: Piece) -> list[Row | str]:
        return converted(piece, of_record)

    def parse(source: Source, start: int) -> Iterator[Read]:
        if not source.rewindable:
            raise Invalid(f"{source.name} cannot be read twice, to join its scores: save it as a file first")
        with closing(Index()) as index:
            for piece in pieces(source):
                _note(index, understand(piece), piece.start)
            index.settle()
            for piece in pieces(source, start):
                yield from piece.reads(source.name, _values(index, understand(piece), piece.start))

    return _guarded(parse)


def _guarded(parse: Parse) -> Parse:
    def guarded(source: Source, start: int) -> Iterator[Read]:
        try:
            yield from parse(source, start)
        except sqlite3.Error as error:
            raise Unavailable(f"the temporary file for joining scores failed ({error}): make room in TMPDIR") from None

    return guarded


def joined_rows(rows: Sequence[Row | str]) -> list[tuple[int, Interaction | str]]:
    """The interactions of spans and scores that are all at hand, and reasons, each with the number of its row."""
    with closing(Index()) as index:
        _note(index, rows, 0)
        index.settle()
        values = ((number, _value(index, row, number)) for number, row in enumerate(rows))
        return [(number, value) for number, value in values if value is not None]


def _note(index: Index, rows: Iterable[Row | str], offset: int) -> None:
    for place, row in enumerate(rows, start=offset << _ROWS_BITS):
        if not isinstance(row, str):
            index.add(row, place)


def _values(index: Index, rows: Iterable[Row | str], offset: int) -> list[Interaction | str]:
    values = (_value(index, row, place) for place, row in enumerate(rows, start=offset << _ROWS_BITS))
    return [value for value in values if value is not None]


def _value(index: Index, row: Row | str, place: int) -> Interaction | str | None:
    if isinstance(row, str):
        return row
    if isinstance(row, Verdict):
        return _ORPHAN if index.is_orphan(place) else None
    if not isinstance(row, Span):
        return None
    if row.part is Part.ANSWER and index.is_interaction(row, place):
        try:
            return interaction_of(row, index.around(row, place), index.bounds)
        except Invalid as error:
            return str(error)
    return _MUTE[row.part] if row.part in _MUTE and index.is_mute(row, place) else None
