"""CSV and TSV with a header: an interaction in each row, its columns named after the fields (see `cells`)."""

from collections.abc import Iterator

from kaizen_api.errors import Invalid
from kaizen_api.formats.cells import columns, fields
from kaizen_api.formats.contract import Format, Parse, Read, Sample
from kaizen_api.formats.records import made
from kaizen_api.formats.rows import Cells, Row, Rows
from kaizen_api.formats.source import Source
from kaizen_api.schema import Interaction


def _parser(delimiter: str) -> Parse:
    def parse(source: Source, start: int) -> Iterator[Read]:
        rows = Rows(source, delimiter)
        names = _header(rows)
        for row in rows.read(len(names)):
            if row.end > start:
                yield from _read(source.name, names, row)

    return parse


def _header(rows: Rows) -> list[str]:
    header = next(rows.read(), None)
    if header is None:
        raise Invalid("there is no header: name the columns in the first row, `query` among them")
    if header.problem:
        raise Invalid(f"the header cannot be read: {header.problem}")
    return columns(header.cells)


def _read(name: str, names: list[str], row: Row) -> Iterator[Read]:
    for read in row.piece.reads(name, [_value(names, row)]):
        yield Read(read.place, read.line, row.end, read.value)


def _value(names: list[str], row: Row) -> Interaction | str:
    try:
        return row.problem or made(fields(names, row.cells))
    except Invalid as error:
        return str(error)


def _claims(sample: Sample, delimiter: str) -> bool:
    cells = Cells(delimiter)
    try:
        cells.take(sample.header)
    except Invalid:
        return False
    return "query" in (cell.strip().lower() for cell in cells.cells)


CSV = Format(
    name="csv",
    looks_like="a first line with column names between commas, `query` among them",
    claims=lambda sample: _claims(sample, ","),
    parse=_parser(","),
)
TSV = Format(
    name="tsv",
    looks_like="a first line with column names between tabs, `query` among them",
    claims=lambda sample: _claims(sample, "\t"),
    parse=_parser("\t"),
)
