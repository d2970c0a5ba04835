"""Records of a log that holds JSON, decoded one at a time.

Every failure to decode is an `Invalid` that says what to do about it; of a key that stands twice in an object, the last
one counts.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

import msgspec

from kaizen_api.errors import Invalid
from kaizen_api.formats.contract import Parse, Read
from kaizen_api.formats.pieces import Piece, lines
from kaizen_api.formats.remedies import remedied
from kaizen_api.formats.source import Source, spans_lines
from kaizen_api.formats.values import values
from kaizen_api.intake import from_mapping
from kaizen_api.schema import Interaction

MAX_DEPTH = 32
"""Deepest nesting of `metadata` that is taken."""

T = TypeVar("T")

Converted = Interaction | Invalid
"""What a record gives: interactions, and an error as a value for each part that is none."""

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_MAX_BREAKDOWN = 256
_MAX_BREAKDOWNS = 48
_ONE_OBJECT = "a record is one object, in a JSONL log on a line of its own"
_TOO_DEEP = "nested too deeply: send flat fields"


def pieces(source: Source, start: int = 0) -> Iterator[Piece]:
    """The records, one a line, or the elements of an array or of text that spans lines; blank lines left out.

    `source.first` decides which: it has to hold at least the first line.
    """
    cut = values if spans_lines(source.first) else lines
    return (piece for piece in cut(source, start) if piece.problem or piece.data.strip())


def decoded(data: bytes) -> dict[str, Any]:
    """The object that a record is.

    Raises:
        Invalid: not UTF-8, not JSON, not an object, or too deep; the text names the remedy.
    """
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.ValidationError as error:
        raise Invalid(f"not a record ({error}): {_ONE_OBJECT}") from None
    except UnicodeDecodeError as error:
        raise Invalid(f"not UTF-8 ({error.reason}): save the log as UTF-8") from None
    except msgspec.DecodeError as error:
        raise Invalid(f"not JSON: {error}{_hint(data)}") from None
    except RecursionError:
        raise Invalid(_TOO_DEEP) from None


def _hint(data: bytes) -> str:
    if b"NaN" in data or b"Infinity" in data:
        return "; NaN and Infinity are no JSON, write null"
    if _SURROGATE.search(data):
        return "; half of a surrogate pair is no text, leave it out"
    return f"; {_ONE_OBJECT}"


def made(fields: Mapping[str, Any]) -> Interaction:
    """The interaction with these fields, unknown ones under `metadata`.

    Raises:
        Invalid: a wrong type or range, or a blank query; the text names the field.
    """
    try:
        return checked(from_mapping(fields))
    except Invalid as error:
        raise Invalid(remedied(str(error))) from None


def checked(interaction: Interaction) -> Interaction:
    """The interaction itself.

    Raises:
        Invalid: a blank query, or metadata nested too deeply.
    """
    if not interaction.query.strip():
        raise Invalid("`query` is blank: every interaction needs the text that was asked")
    if interaction.metadata and _depth(interaction.metadata) > MAX_DEPTH:
        raise Invalid(f"`metadata` is {_TOO_DEEP}")
    return interaction


def breakdowns(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Of the fields of a foreign record, those to break down by: short texts and numbers, no lists and no objects."""
    plain = (
        (name, value)
        for name, value in fields.items()
        if (isinstance(value, str) and 0 < len(value) <= _MAX_BREAKDOWN) or isinstance(value, int | float)
    )
    return dict(islice(plain, _MAX_BREAKDOWNS))


def named(value: Any) -> str | None:
    """A value that names something, as text; None for what names nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    return str(value)


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level and depth <= MAX_DEPTH:
        inner: list[Any] = []
        for item in level:
            inner.extend(item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
        depth, level = depth + 1, inner
    return depth


def by_piece(convert: Callable[[bytes], Iterable[Converted]]) -> Parse:
    """A parser that understands each record by itself, from its bytes."""

    def parse(source: Source, start: int) -> Iterator[Read]:
        for piece in pieces(source, start):
            yield from piece.reads(source.name, converted(piece, convert))

    return parse


def by_record(convert: Callable[[dict[str, Any]], Iterable[Converted]]) -> Parse:
    """A parser that understands each record by itself, from its fields."""
    return by_piece(lambda data: convert(decoded(data)))


def converted(piece: Piece, convert: Callable[[bytes], Iterable[T | Invalid]]) -> list[T | str]:
    """What a record gives, in order: values, and reasons where there is none."""
    if piece.problem:
        return [piece.problem]
    try:
        return [str(value) if isinstance(value, Invalid) else value for value in convert(piece.data)]
    except Invalid as error:
        return [str(error)]
    except RecursionError:
        return [_TOO_DEEP]
