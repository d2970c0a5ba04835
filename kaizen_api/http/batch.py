"""A body's interactions: one JSON object, an array of them, or a line each.

Guarantee: an item that is wrong or too long is refused with its index and the reason, in the words of `kaizen push`,
and takes none of the good ones along.
"""

import asyncio
import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from kaizen_api.errors import Invalid
from kaizen_api.formats.pieces import TOO_LONG
from kaizen_api.formats.remedies import remedied
from kaizen_api.formats.source import MAX_RECORD_BYTES
from kaizen_api.http.answers import Refusal
from kaizen_api.http.body import is_short
from kaizen_api.http.malformed import complaint, is_json
from kaizen_api.http.problems import ProblemError
from kaizen_api.intake import Intake, decode, decode_array
from kaizen_api.schema import Interaction, Record

MAX_ITEMS = 100_000
"""Interactions in one request."""

LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
"""Media types of one JSON object a line."""

JSON = frozenset({"application/json", "text/json"})

_BOM = b"\xef\xbb\xbf"
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = re.compile(rb"\s*+\{")
_GAP = re.compile(r"[ \t\n\r,]*+")
_NEXT = json.JSONDecoder(parse_int=float)
_NOT_OBJECT = 'not an interaction: send each as a JSON object, like {"query": "How do I reset my PIN?"}'


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


def make_batch(items: Iterable[tuple[int, bytes | Interaction | Refusal]], intake: Intake) -> Batch:
    """Records of items that are good, and a refusal with its index for each that is not."""
    records, refused = list[Record](), list[Refusal]()
    now = time.time()
    for index, item in items:
        made = item if isinstance(item, Refusal) else _record(item, intake, index=index, now=now)
        (refused if isinstance(made, Refusal) else records).append(made)  # type: ignore[arg-type]  # told apart above
    return Batch(records, refused)


def _record(item: bytes | Interaction, intake: Intake, *, index: int, now: float) -> Record | Refusal:
    if isinstance(item, bytes) and len(item) > MAX_RECORD_BYTES:
        return Refusal(index=index, reason=TOO_LONG)
    try:
        return intake.record(decode(item) if isinstance(item, bytes) else item, now=now)
    except Invalid as error:
        return Refusal(index=index, reason=_reason(item, error))
    except RecursionError:
        return Refusal(index=index, reason="nested too deep: send `metadata` flat")


def _reason(item: bytes | Interaction, error: Invalid) -> str:
    if isinstance(item, bytes):
        if wrong := complaint(item):
            return wrong
        if not _OBJECT.match(item):
            return _NOT_OBJECT
    return remedied(str(error))


def _items(body: bytes, media: str) -> Sequence[bytes | Interaction]:
    text = body.removeprefix(_BOM).strip()
    if not text:
        raise ProblemError(400, "the body is empty: send an interaction as JSON, an array of them, or one a line")
    items = _lines(text) if media in LINES else _array(text) if text.startswith(b"[") else _one_or_lines(text)
    if len(items) > MAX_ITEMS:
        raise ProblemError(413, f"{len(items)} interactions in one request, {MAX_ITEMS} at most: send them in parts")
    return items


def _lines(text: bytes) -> list[bytes]:
    return [line for line in text.split(b"\n") if line.strip()]


def _array(text: bytes) -> Sequence[bytes | Interaction]:
    if len(text) <= MAX_RECORD_BYTES and (whole := decode_array(text)) is not None:
        return whole
    try:
        return [bytes(item) for item in _ARRAY.decode(text)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return list(_lenient(text))


def _lenient(text: bytes) -> Iterator[bytes]:
    """The elements, also where NaN, half of a surrogate pair or bytes that are no UTF-8 make one of them no JSON."""
    array = text.decode(errors="surrogateescape")
    try:
        _NEXT.decode(array)
    except (ValueError, RecursionError) as error:
        raise _not_json(text, error) from None
    position = _next(array, 1)
    while array[position] != "]":
        _, end = _NEXT.raw_decode(array, position)
        yield array[position:end].encode(errors="surrogateescape")
        position = _next(array, end)


def _next(array: str, end: int) -> int:
    """Where the next element begins, or the array ends."""
    gap = _GAP.match(array, end)
    return gap.end() if gap else end


def _one_or_lines(text: bytes) -> list[bytes]:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        first, newline, _ = text.partition(b"\n")
        if newline and _is_object(first):
            return _lines(text)
        if not is_json(text):
            raise _not_json(text, error) from None
    return [text]


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line.decode(errors="surrogateescape")), dict)
    except (ValueError, RecursionError):
        return False


def _not_json(text: bytes, error: Exception) -> ProblemError:
    return ProblemError(400, f"the body cannot be read: {complaint(text) or error}")
