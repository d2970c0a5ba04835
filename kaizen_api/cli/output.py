"""What commands print: a JSON document or text for people on standard output, everything else on standard error.

Nothing that came from a log, a model or an argument reaches the terminal as a control sequence.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kaizen_api.cli.options import Session
from kaizen_api.cli.terminal import as_json, printable
from kaizen_api.rendering import plain


def echo(text: str) -> None:
    """A line of text for people."""
    click.echo(printable(text))


def emit(session: Session, document: Any, show: Callable[[Any], None]) -> None:
    """One result: as JSON with `--json`, else as `show` prints it; `document` may hold structs."""
    rendered = plain(document)
    if session.json:
        click.echo(as_json(rendered))
    else:
        show(rendered)


def note(text: str) -> None:
    """A line about what goes on, on standard error."""
    click.echo(printable(text), err=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Rows of values; numbers to the right, and a word where there are none."""
    filled = [["" if cell is None else cell for cell in row] for row in rows]
    if not filled:
        echo(empty)
        return
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        numeric = all(isinstance(row[index], int | float) for row in filled)
        grid.add_column(_text(name), justify="right" if numeric else "left", overflow="fold")
    for row in filled:
        grid.add_row(*(_text(f"{cell:.3g}" if isinstance(cell, float) else cell) for cell in row))
    Console(highlight=False).print(grid)


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
    return Text(printable(str(value)))
