"""A body's interactions: one JSON object, an array of them, or a line each.

Guarantee: an item that is wrong is refused with its index and the reason, and takes none of the good ones along.
"""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from kaizen_api.errors import Invalid
from kaizen_api.http.answers import Refusal
from kaizen_api.http.body import is_short
from kaizen_api.http.malformed import complaint
from kaizen_api.http.problems import ProblemError
from kaizen_api.intake import Intake, decode, decode_array, from_mapping
from kaizen_api.schema import Interaction, Record

MAX_ITEMS = 100_000
"""Interactions in one request."""

LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
"""Media types of one JSON object a line."""

JSON = frozenset({"application/json", "text/json"})

_BOM = b"\xef\xbb\xbf"
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])

Item = bytes | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a body comes to."""

    records: Sequence[Record]
    refused: Sequence[Refusal]


async def read_batch(body: bytes, media: str, intake: Intake) -> Batch:
    """The records of a body.

    Raises:
        ProblemError: 400 it is not JSON at all, 413 too many items.
    """

    def read() -> Batch:
        return make_batch(enumerate(_items(body, media)), intake)

    return read() if is_short(body) else await asyncio.to_thread(read)


def make_batch(items: Iterable[tuple[int, Item | Interaction | Refusal]], intake: Intake) -> Batch:
    """Records of items that are good, and a refusal with its index for each that is not."""
    records, refused = list[Record](), list[Refusal]()
    now = time.time()
    for index, item in items:
        made = item if isinstance(item, Refusal) else _record(item, intake, index=index, now=now)
        (refused if isinstance(made, Refusal) else records).append(made)  # type: ignore[arg-type]  # told apart above
    return Batch(records, refused)


def _record(item: Item | Interaction, intake: Intake, *, index: int, now: float) -> Record | Refusal:
    try:
        return intake.record(_interaction(item), now=now)
    except Invalid as error:
        return Refusal(index=index, reason=(complaint(item) if isinstance(item, bytes) else None) or str(error))
    except RecursionError:
        return Refusal(index=index, reason="nested too deep: send `metadata` flat")


def _interaction(item: Item | Interaction) -> Interaction:
    if isinstance(item, Interaction):
        return item
    if isinstance(item, bytes):
        return decode(item)
    if not isinstance(item, Mapping):
        raise Invalid("not an interaction: expected an object")
    return from_mapping(item)


def _items(body: bytes, media: str) -> Sequence[Item | Interaction]:
    text = body.removeprefix(_BOM).strip()
    if not text:
        raise ProblemError(400, "the body is empty: send an interaction as JSON, an array of them, or one a line")
    items = _lines(text) if media in LINES else _array(text) if text.startswith(b"[") else _one_or_lines(text)
    if len(items) > MAX_ITEMS:
        raise ProblemError(413, f"{len(items)} interactions in one request, {MAX_ITEMS} at most: send them in parts")
    return items


def _lines(text: bytes) -> list[Item]:
    return [line for line in text.split(b"\n") if line.strip()]


def _array(text: bytes) -> Sequence[Item | Interaction]:
    if (whole := decode_array(text)) is not None:
        return whole
    try:
        return [bytes(item) for item in _ARRAY.decode(text)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _lenient(text)


def _lenient(text: bytes) -> Sequence[Item]:
    """One item with NaN, or with bytes that are no UTF-8, makes the array no JSON; the others are good all the same."""
    try:
        items: list[Item] = json.loads(text.decode(errors="surrogateescape"))
    except (ValueError, RecursionError) as error:
        raise _not_json(text, error) from None
    return items


def _one_or_lines(text: bytes) -> list[Item]:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        first, newline, _ = text.partition(b"\n")
        if newline and _is_object(first):
            return _lines(text)
        raise _not_json(text, error) from None
    return [text]


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line.decode(errors="surrogateescape")), dict)
    except (ValueError, RecursionError):
        return False


def _not_json(text: bytes, error: Exception) -> ProblemError:
    return ProblemError(400, f"the body cannot be read: {complaint(text) or error}")
