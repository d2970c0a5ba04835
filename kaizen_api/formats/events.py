"""Kaizen's event log: `{"event", "timestamp", "data"}` on each line, folded into interactions by session and order.

| event | sets |
| --- | --- |
| daniel_query_received | begins an interaction: `query` |
| daniel_query_completed | the time, `processing_time` (s) as response time, `consciousness_level` |
| daniel_error | `error` |
| consciousness_update | the level, unless the completion says one; between interactions it is passed over |
| tool_invoked | the first tool |
| filter_applied | `filters` under metadata, in order |
| critics_result | `accepted`, `scores` as critics |

`data` may also hold any field of an interaction by its own name (`session_id`, `user_id`, `response`, `model`, …); what
else short it holds becomes metadata. An event that does not fit is refused on its own line, and the interaction goes on
without it. How events find each other is said in `fold`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kaizen_api.errors import Invalid
from kaizen_api.formats.contract import Format, Read
from kaizen_api.formats.fold import EVENTS, Event, Fold
from kaizen_api.formats.moments import moment
from kaizen_api.formats.pieces import Piece
from kaizen_api.formats.records import decoded, named, pieces
from kaizen_api.formats.source import Source


def _event(piece: Piece) -> Event:
    """The event that a record is.

    Raises:
        Invalid: no record, no known event, or a wrong type.
    """
    if piece.problem:
        raise Invalid(piece.problem)
    record = decoded(piece.data)
    name, data = record.get("event"), record.get("data")
    if not isinstance(name, str) or name not in EVENTS:
        raise Invalid(f"`event` is none that Kaizen knows: {', '.join(EVENTS)}")
    if data is not None and not isinstance(data, dict):
        raise Invalid("`data` is no object: put the fields of the event there")
    fields: dict[str, Any] = data or {}
    session = named(fields.get("session_id", record.get("session_id")))
    return Event(name=name, at=moment(record.get("timestamp"), "timestamp"), session=session, data=fields, piece=piece)


def _parse(source: Source, start: int) -> Iterator[Read]:
    fold = Fold(source.name)
    for piece in pieces(source, start):
        try:
            yield from fold.take(_event(piece))
        except Invalid as error:
            yield fold.refusal(piece, str(error))
    yield from fold.rest()


def _is_event(record: Mapping[str, Any]) -> bool:
    name = record.get("event")
    return isinstance(name, str) and ("data" in record or name in EVENTS)


FORMAT = Format(
    name="events",
    looks_like="JSON objects with `event` and `data`: Kaizen's event log",
    claims=lambda sample: sample.has(_is_event),
    parse=_parse,
)
