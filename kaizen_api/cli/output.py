"""What commands print: a JSON document or text for people on standard output, everything else on standard error.

Nothing that came from a log, a model or an argument reaches the terminal as a control sequence, or as
a line of its own.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kaizen_api.cli.options import Session
from kaizen_api.cli.terminal import as_json
from kaizen_api.printable import one_line
from kaizen_api.rendering import plain

_READABLE = 24
"""Characters in a line below which a text of several words is no pleasure to read."""

_GAP = 2
"""Blanks between columns."""


def echo(text: str) -> None:
    """A line of text for people."""
    click.echo(one_line(text))


def emit(session: Session, document: Any, show: Callable[[Any], None]) -> None:
    """One result: as JSON with `--json`, else as `show` prints it; `document` may hold structs."""
    rendered = plain(document)
    if session.json:
        click.echo(as_json(rendered))
    else:
        show(rendered)


def note(text: str) -> None:
    """A line about what goes on, on standard error."""
    click.echo(one_line(text), err=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Rows of values; numbers to the right, and a word where there are none.

    What is one word (an id, a number, a status) is never broken, so that it can be copied. Where the terminal is too
    narrow for that beside texts of `_READABLE` characters, each row stands by itself, a line for each value.
    """
    filled = [["" if cell is None else cell for cell in row] for row in rows]
    if not filled:
        echo(empty)
        return
    numeric = [all(isinstance(row[index], int | float) for row in filled) for index in range(len(columns))]
    cells = [[_text(f"{cell:.3g}" if isinstance(cell, float) else cell) for cell in row] for row in filled]
    console, heads = Console(highlight=False), [_text(name) for name in columns]
    below = [[row[index] for row in cells] for index in range(len(columns))]
    needed = sum(_needed([head, *column]) for head, column in zip(heads, below, strict=True))
    if needed + _GAP * (len(columns) - 1) > console.width:
        console.print(_one_by_one(heads, cells))
    else:
        console.print(_beside(heads, cells, numeric))


def _needed(column: Sequence[Text]) -> int:
    """Cells of the terminal that a column takes at least."""
    widest = max(text.cell_len for text in column)
    return widest if _is_words(column) else min(widest, max(_READABLE, _longest_word(column)))


def _is_words(column: Sequence[Text]) -> bool:
    """Whether it is one word below its head."""
    return all(" " not in text.plain for text in column[1:])


def _longest_word(column: Sequence[Text]) -> int:
    words = [word for text in column for word in text.plain.split()]
    return min(max(map(cell_len, words), default=0), 2 * _READABLE)


def _beside(heads: Sequence[Text], rows: Sequence[Sequence[Text]], numeric: Sequence[bool]) -> Table:
    grid = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for index, head in enumerate(heads):
        words = _is_words([head, *(row[index] for row in rows)])
        grid.add_column(head, justify="right" if numeric[index] else "left", overflow="fold", no_wrap=words)
    for row in rows:
        grid.add_row(*row)
    return grid


def _one_by_one(heads: Sequence[Text], rows: Sequence[Sequence[Text]]) -> Table:
    grid = Table(box=None, pad_edge=False, show_header=False)
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for place, row in enumerate(rows):
        if place:
            grid.add_row("", "")
        for head, cell in zip(heads, row, strict=True):
            if cell.plain:
                grid.add_row(head, cell)
    return grid


def details(pairs: Iterable[tuple[str, Any]]) -> None:
    """Names with values, one below the other; lists item by item, nothing for what is empty."""
    grid = Table(box=None, pad_edge=False, show_header=False)
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        lines = value if isinstance(value, list) else [value]
        for index, line in enumerate(line for line in lines if line not in (None, "", {})):
            grid.add_row("" if index else _text(name), _text(line))
    Console(highlight=False).print(grid)


def _text(value: object) -> Text:
    """As it is: no markup in it is obeyed either."""
    return Text(one_line(str(value)))
