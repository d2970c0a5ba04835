"""Cells of a table: the text of each column becomes the type of its field.

A column is named after a field of the interaction, `critics.NAME`, `metadata.NAME`, or anything else, which is kept
under `metadata`. A blank cell means that there is nothing. Feedback is −1..1 or a word (`up`, `down`, …, see `scores`).
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from kaizen_api.errors import Invalid
from kaizen_api.formats.moments import moment
from kaizen_api.formats.scores import word
from kaizen_api.masking import mask
from kaizen_api.schema import Interaction

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_TRUE = frozenset({"true", "yes", "1", "t", "y"})
_FALSE = frozenset({"false", "no", "0", "f", "n"})
_SHOWN = 40
_FIELDS = frozenset(Interaction.__struct_fields__)


def columns(header: Sequence[str]) -> list[str]:
    """The names of the columns: fields in any case count as the field.

    Raises:
        Invalid: no column `query`, a column without a name, or a name that stands twice.
    """
    names = [_column(cell.strip()) for cell in header]
    twice = sorted({name for name in names if names.count(name) > 1})
    if "query" not in names:
        raise Invalid(f"no column `query` in the header, which has {', '.join(names)[:200]}: name the asked texts so")
    if "" in names or twice:
        raise Invalid(f"the header has columns without a name or with the same one ({', '.join(twice)}): rename them")
    return names


def _column(name: str) -> str:
    return name.lower() if name.lower() in _FIELDS else name


def fields(names: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    """The fields of an interaction from a row.

    Raises:
        Invalid: a cell does not fit its column; the text names the column.
    """
    found: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=True):
        if cell.strip():
            field, dot, inner = name.partition(".")
            if dot and field in _DOTTED:
                _nest(found, field, {inner: _DOTTED[field](cell, name)})
            elif name in _OBJECTS:
                _nest(found, name, _object(cell, name))
            elif name in _FIELDS:
                found[name] = _TYPES.get(name, _text)(cell, name)
            else:
                _nest(found, "metadata", {name: cell})
    return found


def _nest(found: dict[str, Any], field: str, inner: Mapping[str, Any]) -> None:
    found[field] = {**found.get(field, {}), **inner}


def _text(cell: str, _: str) -> str:
    return cell


def _number(cell: str, name: str) -> float:
    if not _NUMBER.fullmatch(cell.strip()) or not math.isfinite(float(cell)):
        raise _wrong(cell, name, "a finite number with a decimal point")
    return float(cell)


def _feedback(cell: str, name: str) -> float:
    said = word(cell)
    return _number(cell, name) if said is None else 2 * said - 1


def _boolean(cell: str, name: str) -> bool:
    said = cell.strip().lower()
    if said not in _TRUE | _FALSE:
        raise _wrong(cell, name, "true or false")
    return said in _TRUE


def _names(cell: str, name: str) -> list[str]:
    if cell.lstrip().startswith("["):
        listed: list[str] = _json(cell, name, list[str], "a JSON array of ids, or ids with ; between them")
        return listed
    return [part.strip() for part in cell.split(";") if part.strip()]


def _object(cell: str, name: str) -> dict[str, Any]:
    value: dict[str, Any] = _json(cell, name, dict[str, Any], f"a JSON object; columns `{name}.NAME` do as well")
    return value


def _json(cell: str, name: str, shape: Any, expected: str) -> Any:
    try:
        return msgspec.json.decode(cell, type=shape)
    except (ValueError, RecursionError):
        raise _wrong(cell, name, expected) from None


def _wrong(cell: str, name: str, expected: str) -> Invalid:
    shown = mask(cell.strip())
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    return Invalid(f"`{name}` is `{shown}`: give {expected}")


_OBJECTS = frozenset({"critics", "metadata"})
_DOTTED: Mapping[str, Callable[[str, str], Any]] = {"critics": _number, "metadata": _text}
_TYPES: Mapping[str, Callable[[str, str], Any]] = {
    "occurred_at": moment,
    "response_time": _number,
    "feedback": _feedback,
    "consciousness_level": _number,
    "accepted": _boolean,
    "entry_ids": _names,
}
