"""Events folded into interactions, by session and order, in bounded memory.

An interaction begins with its query and ends when its session's next query comes, or with the log: results may come
after the completion. At most `MAX_OPEN` interactions of `MAX_OPEN_BYTES` together stay open; of more, the one that was
silent longest ends. Events without a session are of one session of their own.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kaizen_api.errors import Invalid
from kaizen_api.formats.contract import Read, Refused
from kaizen_api.formats.moments import seconds
from kaizen_api.formats.pieces import Piece
from kaizen_api.formats.records import breakdowns, made
from kaizen_api.formats.spans import error_type
from kaizen_api.formats.turns import turn_id
from kaizen_api.masking import mask
from kaizen_api.schema import MAX_NAMES, Interaction

MAX_OPEN = 10_000
MAX_OPEN_BYTES = 32 * 1024 * 1024

_BEGINS = "daniel_query_received"
_COMPLETES = "daniel_query_completed"
_FAILS = "daniel_error"
_UPDATES = "consciousness_update"
_FILTERS = "filter_applied"
EVENTS: Mapping[str, Mapping[str, str]] = {
    _BEGINS: {},
    _COMPLETES: {"processing_time": "response_time", "answer": "response"},
    _FAILS: {"error_type": "error", "type": "error", "message": "error"},
    _UPDATES: {"level": "consciousness_level"},
    "tool_invoked": {"tool_name": "tool", "name": "tool"},
    _FILTERS: {"filter": "filter", "filter_name": "filter", "name": "filter"},
    "critics_result": {"scores": "critics"},
}
"""Each event, with the names in its data that mean a field of an interaction; of several, the first counts."""

_OWN = frozenset(Interaction.__struct_fields__) - {"query", "metadata", "session_id"}
_ANY_QUERY = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the log, understood."""

    name: str
    at: datetime | None
    session: str | None
    data: Mapping[str, Any]
    piece: Piece


@dataclass(slots=True)
class _Open:
    """An interaction that may still get more."""

    begun: Event
    fields: dict[str, Any]
    metadata: dict[str, Any]
    size: int = 0
    filters: list[str] = field(default_factory=list)
    level: Any = None  # the last update's, for when the completion says none
    ended: datetime | None = None


class Fold:
    """The interactions that are open, and what ends them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: OrderedDict[str | None, _Open] = OrderedDict()  # by session, the one silent longest first
        self._starts: OrderedDict[int, str | None] = OrderedDict()  # sessions by the offset where theirs began
        self._bytes = 0
        self._end_of_log = 0

    def take(self, event: Event) -> Iterator[Read]:
        """Takes an event; gives what it ends.

        Raises:
            Invalid: it does not fit; what was open goes on without it.
        """
        self._end_of_log = event.piece.end
        if event.name == _BEGINS:
            yield from self._end(event.session, event.piece.start)
            self._begin(event)
        elif (current := self._open.get(event.session)) is not None:
            _merge(current, event)
            self._grow(current, event)
        elif event.name != _UPDATES:
            raise Invalid(f"`{event.name}` without a query before it in its session: export from an earlier line on")
        while self._bytes > MAX_OPEN_BYTES or len(self._open) > MAX_OPEN:
            yield from self._end(next(iter(self._open)), event.piece.end)

    def rest(self) -> Iterator[Read]:
        """Ends everything that is open, in the order of the log."""
        for session in list(self._starts.values()):
            yield from self._end(session, self._end_of_log)

    def refusal(self, piece: Piece, reason: str) -> Read:
        """A line that did not fit."""
        place = piece.place(self._name)
        return Read(place, piece.line, self._done(piece.end), Refused(place, reason))

    def _done(self, offset: int) -> int:
        """Up to where everything was given, of what was read up to an offset."""
        return next(iter(self._starts), offset)

    def _begin(self, event: Event) -> None:
        query = event.data.get("query")
        fields, metadata = _understood(event)
        made({"query": query, "session_id": event.session})
        current = _Open(event, {**fields, "query": query}, metadata)
        self._open[event.session] = current
        self._starts[event.piece.start] = event.session
        self._grow(current, event)

    def _grow(self, current: _Open, event: Event) -> None:
        self._open.move_to_end(event.session)
        current.size += len(event.piece.data)
        self._bytes += len(event.piece.data)

    def _end(self, session: str | None, offset: int) -> Iterator[Read]:
        current = self._open.pop(session, None)
        if current is None:
            return
        piece = current.begun.piece
        del self._starts[piece.start]
        self._bytes -= current.size
        place = piece.place(self._name)
        yield Read(place, piece.line, self._done(offset), _interaction(current, place))


def _understood(event: Event) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of an interaction, and the metadata, that an event sets.

    Raises:
        Invalid: a wrong type or range; the text names the field.
    """
    own = _OWN if event.name == _BEGINS else _OWN - {"id"}  # other events may have ids of their own
    aliases = EVENTS[event.name]
    given = {name: value for name, value in event.data.items() if value is not None}
    fields = {name: given[name] for name in own & given.keys()}
    for alias, meaning in aliases.items():
        if alias in given:
            fields.setdefault(meaning, given[alias])
    if event.name == _FAILS:
        fields["error"] = error_type(fields.get("error"), "error")
    made({"query": _ANY_QUERY, **{name: value for name, value in fields.items() if name in own}})
    said = given.get("metadata")
    rest = {name: value for name, value in given.items() if name not in {*_OWN, *aliases, "query", "session_id"}}
    return fields, breakdowns({**(said if isinstance(said, Mapping) else {}), **rest})


def _merge(current: _Open, event: Event) -> None:
    fields, metadata = _understood(event)
    if event.name == _UPDATES:
        current.level = fields.pop("consciousness_level", current.level)
    if event.name == _FILTERS and isinstance(used := fields.pop("filter", None), str):
        current.filters = [*current.filters, used][-MAX_NAMES:]
    if event.name == _COMPLETES or (event.name == _FAILS and current.ended is None):
        current.ended = event.at
    first = {name: current.fields[name] for name in ("tool", "error") if name in current.fields}
    critics = {**current.fields.get("critics", {}), **fields.get("critics", {})}
    current.fields.update(fields, **first)
    if critics:
        current.fields["critics"] = critics
    current.metadata.update(metadata)


def _interaction(current: _Open, place: str) -> Interaction | Refused:
    begun, fields = current.begun, current.fields
    at = current.ended or begun.at or fields.get("occurred_at")
    filters = {"filters": current.filters} if current.filters else {}
    derived = {
        "id": None if at else turn_id(begun.session or "", begun.piece.line, *_masked(fields)),
        "consciousness_level": current.level,
        "response_time": seconds(begun.at, current.ended),
    }
    whole = {
        **derived,
        **fields,
        "session_id": begun.session,
        "occurred_at": at,
        "metadata": {**breakdowns(current.metadata), **filters} or None,
    }
    try:
        return made(whole)
    except Invalid as error:
        return Refused(place, str(error))


def _masked(fields: Mapping[str, Any]) -> tuple[str, str]:
    return mask(fields["query"]), mask(fields.get("response") or "")
