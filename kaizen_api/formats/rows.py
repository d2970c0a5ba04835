"""Rows of delimited text, in constant memory: fields may be quoted as RFC 4180 has it, and span lines.

A quote that is never closed, or closed where the field goes on, spoils its own line only: reading goes on with the next
one. Where quotes are often just text (with tabs, or in a single column) such a line is taken as it is.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kaizen_api.errors import Invalid
from kaizen_api.formats.pieces import Piece, lines
from kaizen_api.formats.source import MAX_RECORD_BYTES, Source

_QUOTED = re.compile(r'([^"]*+(?:""[^"]*+)*)"(?!")')
_LINE_END = "\r\n"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells, or the problem with them.

    Attributes:
        piece: Its first line, which is all of it where there is a problem.
        end: Offset behind its last line.
        cells: The cells.
        problem: Why there are none.
    """

    piece: Piece
    end: int
    cells: Sequence[str] = ()
    problem: str | None = None


class Rows:
    """The rows of a source, one after the other.

    Args:
        source: Read from its start.
        delimiter: Between the cells, one character.
    """

    def __init__(self, source: Source, delimiter: str) -> None:
        self._lines = lines(source)
        self._again: deque[Piece] = deque()  # lines that turned out to be no part of the row before
        self._delimiter = delimiter

    def read(self, width: int | None = None) -> Iterator[Row]:
        """The rows from here on; with a width, rows of another number of cells are a problem."""
        while (piece := self._next()) is not None:
            if piece.problem:
                yield Row(piece, piece.end, problem=piece.problem)
            elif piece.data.strip():
                yield self._row(piece, width)

    def _next(self) -> Piece | None:
        return self._again.popleft() if self._again else next(self._lines, None)

    def _row(self, piece: Piece, width: int | None) -> Row:
        held = [piece]
        cells = Cells(self._delimiter)
        try:
            cells.take(_text(piece))
            while not cells.whole:
                self._more(held)
                cells.take(_text(held[-1]))
            self._check(cells.cells, width)
        except Invalid as error:
            self._again.extendleft(reversed(held[1:]))
            return self._as_it_is(piece, width) or Row(piece, piece.end, problem=str(error))
        return Row(piece, held[-1].end, cells.cells)

    def _more(self, held: list[Piece]) -> None:
        """Adds the next line to those held.

        Raises:
            Invalid: there is none, or they are too many.
        """
        line = self._next()
        if line is not None:
            held.append(line)
        if line is None or line.problem or line.end - held[0].start > MAX_RECORD_BYTES:
            raise Invalid('a quote is opened and never closed: close it, and write a quote inside of a text twice ("")')

    def _check(self, cells: Sequence[str], width: int | None) -> None:
        if width is not None and len(cells) != width:
            raise Invalid(
                f"{len(cells)} columns where the header has {width}: quote texts that hold the delimiter or span lines"
            )

    def _as_it_is(self, piece: Piece, width: int | None) -> Row | None:
        """The row without a meaning of quotes, where that is likelier and fits."""
        try:
            text = _text(piece).rstrip(_LINE_END)
        except Invalid:
            return None
        cells = [text] if width == 1 else text.split(self._delimiter)
        plain = width == 1 or (self._delimiter == "\t" and len(cells) == width)
        return Row(piece, piece.end, cells) if plain else None


def _text(piece: Piece) -> str:
    try:
        return piece.data.decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"not UTF-8 ({error.reason}): save the log as UTF-8") from None


class Cells:
    """The cells of a row in the making: those that are whole, and the open one whose quote is not closed yet."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._open: list[str] | None = None
        self.cells: list[str] = []

    @property
    def whole(self) -> bool:
        """Whether no quote is open."""
        return self._open is None

    def take(self, line: str) -> None:
        """Takes a line with its end.

        Raises:
            Invalid: a cell goes on behind its closing quote.
        """
        text = line.rstrip(_LINE_END)
        if self._open is not None:
            position = self._close(line, 0)
        elif '"' in text:
            position = self._cell(line, text, 0)
        else:
            self.cells += text.split(self._delimiter)
            return
        while position < len(text):
            if not text.startswith(self._delimiter, position):
                raise Invalid('a cell goes on behind its closing quote: write a quote inside of a text twice ("")')
            position = self._cell(line, text, position + 1)

    def _cell(self, line: str, text: str, position: int) -> int:
        """Takes the cell that starts here; where it ends."""
        if text.startswith('"', position):
            self._open = []
            return self._close(line, position + 1)
        end = text.find(self._delimiter, position)
        end = len(text) if end < 0 else end
        self.cells.append(text[position:end])
        return end

    def _close(self, line: str, position: int) -> int:
        """Takes the open cell up to its closing quote, or all of the line; where that ends."""
        held = self._open or []
        closed = _QUOTED.match(line, position)
        if closed is None:
            self._open = [*held, line[position:]]
            return len(line)
        self.cells.append("".join((*held, closed[1])).replace('""', '"'))
        self._open = None
        return closed.end()
