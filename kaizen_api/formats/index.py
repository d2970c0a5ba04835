"""Who belongs to whom in a log of spans and scores, in bounded memory.

A private SQLite database, which spills to a temporary file when it is large and goes when it is closed. It holds ids
(users' among them), names of models, tools and scores, times and numbers, never a question or an answer. Places are
integers that grow along the log.
"""

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from kaizen_api.formats.moments import EPOCH
from kaizen_api.formats.scores import Bounds, Score
from kaizen_api.formats.spans import Around, Part, Row, Span, Verdict
from kaizen_api.formats.turns import digest

_SCHEMA = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE spans (key TEXT PRIMARY KEY, place INTEGER, trace TEXT, parent TEXT, session TEXT, response TEXT,
                    asked TEXT, began INTEGER, ended INTEGER, error TEXT, part INTEGER) WITHOUT ROWID;
CREATE TABLE traces (trace TEXT PRIMARY KEY, session TEXT, user TEXT, model TEXT, tool TEXT) WITHOUT ROWID;
CREATE TABLE verdicts (place INTEGER PRIMARY KEY, key TEXT UNIQUE, scope TEXT, target TEXT, trace TEXT,
                       name TEXT, value REAL, label TEXT);
BEGIN;
"""
_SETTLED = """
CREATE INDEX by_trace ON spans (trace, part, place); CREATE INDEX by_response ON spans (response) WHERE response <> '';
CREATE INDEX by_parent ON spans (parent, place) WHERE parent <> '';
CREATE INDEX by_question ON spans (trace, asked, part, began);
CREATE TABLE bounds (name TEXT PRIMARY KEY, least REAL, greatest REAL) WITHOUT ROWID;
INSERT INTO bounds SELECT name, min(value), max(value) FROM verdicts WHERE value IS NOT NULL GROUP BY name;
CREATE TABLE outermost (key TEXT PRIMARY KEY, place INTEGER, trace TEXT, session TEXT, began INTEGER) WITHOUT ROWID;
CREATE TABLE owners (owner TEXT, place INTEGER, PRIMARY KEY (owner, place)) WITHOUT ROWID;
CREATE INDEX by_place ON owners (place);
"""
_OUTERMOST_INDEXES = """
CREATE INDEX last_of_trace ON outermost (trace, began, place);
CREATE INDEX last_of_session ON outermost (session, began, place);
"""
_OUTERMOST = """
INSERT INTO outermost SELECT key, place, trace, coalesce(spans.session, traces.session), began
FROM spans LEFT JOIN traces USING (trace) WHERE key = ?
"""
_LAST = {
    "trace": "SELECT key FROM outermost WHERE trace = ? ORDER BY began DESC, place DESC LIMIT 1",
    "session": "SELECT key FROM outermost WHERE session = ? ORDER BY began DESC, place DESC LIMIT 1",
}
_MAX_ANCESTORS = 256
_MICROSECOND = timedelta(microseconds=1)


class Index:
    """What a first reading of a log keeps for the second one."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Gives the temporary file back."""
        self._database.close()

    def _one(self, sql: str, *values: Any) -> Any:
        return self._database.execute(sql, values).fetchone()

    def add(self, row: Row, place: int) -> None:
        """Takes note of a row of the log."""
        if isinstance(row, Span):
            self._add_span(row, place)
        elif isinstance(row, Verdict):
            self._add_verdict(row, place)

    def _add_verdict(self, row: Verdict, place: int) -> None:
        score = row.score
        within = row.trace if row.scope == "span" else ""  # ids of spans are unique in their trace only
        key = digest(row.scope, row.target, within, score.name, row.id or f"{score.value} {score.label}")
        self._database.execute(
            "INSERT OR IGNORE INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (place, key, row.scope, row.target, row.trace, score.name, score.value, score.label),
        )

    def _add_span(self, span: Span, place: int) -> None:
        parent = digest(span.trace, span.parent) if span.parent else ""
        asked = span.asked if span.part is Part.UNFINISHED else ""
        ids = (_key(span, place), place, span.trace, parent, span.session, span.response_id)
        self._database.execute(
            "INSERT OR REPLACE INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*ids, asked, _number(span.start), _number(span.end), span.error, span.part),
        )
        facts = (span.session, span.user, span.model, span.tool)
        if span.trace and any(facts):
            self._database.execute(
                "INSERT INTO traces VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " session = coalesce(session, excluded.session), user = coalesce(user, excluded.user),"
                " model = coalesce(model, excluded.model), tool = coalesce(tool, excluded.tool)",
                (span.trace, *facts),
            )

    def settle(self) -> None:
        """Finds the outermost spans and the owners of the scores, once everything is in."""
        self._database.executescript(_SETTLED)
        answers = self._database.execute("SELECT key, parent FROM spans WHERE part = ?", (Part.ANSWER,))
        for key, parent in answers:
            if not any(part in (Part.ANSWER, Part.STEP) for above, part in self._upward(parent) if above != key):
                self._database.execute(_OUTERMOST, (key,))
        self._database.executescript(_OUTERMOST_INDEXES)
        for place, *about in self._database.execute("SELECT place, scope, target, trace FROM verdicts"):
            if owner := self._owner(*about):
                self._database.execute("INSERT INTO owners VALUES (?, ?)", (owner, place))

    def _upward(self, key: str) -> Iterator[tuple[str, int]]:
        """A span and those around it, with their parts."""
        for _ in range(_MAX_ANCESTORS):
            found = self._one("SELECT parent, part FROM spans WHERE key = ?", key)
            if not found:
                return
            yield key, found[1]
            key = found[0]

    def _owner(self, scope: str, target: str, trace: str) -> str | None:
        if scope in _LAST:
            return self._last(scope, target)
        by_response = "SELECT key FROM spans WHERE response = ? AND response <> ''"
        span = (digest(trace, target),) if scope == "span" else self._one(by_response, target)
        around = self._upward(span[0]) if span else ()
        outermost = (key for key, _ in around if self._one("SELECT 1 FROM outermost WHERE key = ?", key))
        return next(outermost, None) or (self._last("trace", trace) if trace else None)

    def _last(self, scope: str, target: str) -> str | None:
        found = self._one(_LAST[scope], target)
        return str(found[0]) if found else None

    def is_interaction(self, span: Span, place: int) -> bool:
        """Whether a span is the outermost that asks and answers."""
        return self._one("SELECT 1 FROM outermost WHERE key = ?", _key(span, place)) is not None

    def is_mute(self, span: Span, place: int) -> bool:
        """Whether a span is the first call of a model in a trace that holds no interaction."""
        if not span.trace:
            return True
        first = self._one(
            "SELECT min(place) FROM spans WHERE trace = ? AND part IN (?, ?)",
            *(span.trace, Part.UNFINISHED, Part.SILENT),
        )
        return bool(first[0] == place) and self._last("trace", span.trace) is None

    def is_orphan(self, place: int) -> bool:
        """Whether a score belongs to no interaction; one that repeats another is none."""
        kept = self._one("SELECT 1 FROM verdicts WHERE place = ?", place)
        return kept is not None and self._one("SELECT 1 FROM owners WHERE place = ?", place) is None

    def bounds(self, name: str) -> Bounds:
        """The least and the greatest number under a name that has one."""
        least, greatest = self._one("SELECT least, greatest FROM bounds WHERE name = ?", name)
        return float(least), float(greatest)

    def around(self, span: Span, place: int) -> Around:
        """What the rest of the log tells about an interaction."""
        facts = self._one("SELECT session, user, model, tool FROM traces WHERE trace = ?", span.trace)
        session, user, model, tool = facts or (None, None, None, None)
        key = _key(span, place)
        ended, error = self._under(key) if span.is_trace else (None, None)
        return Around(
            session=session,
            user=user,
            model=model,
            tool=tool,
            start=self._start(span),
            end=_moment(ended),
            error=error,
            scores=self._scores(key),
        )

    def _under(self, key: str) -> tuple[int | None, str | None]:
        """The last end, and the last error, right under a span."""
        by_parent = "FROM spans WHERE parent = ? AND parent <> ''"
        ended = self._one(f"SELECT max(ended) {by_parent}", key)[0]
        failed = self._one(f"SELECT error {by_parent} AND error IS NOT NULL ORDER BY place DESC LIMIT 1", key)
        return ended, failed and failed[0]

    def _start(self, span: Span) -> datetime | None:
        """When the first span that asks the same began."""
        same = (span.trace, span.asked, Part.UNFINISHED)
        began = self._one("SELECT min(began) FROM spans WHERE trace = ? AND asked = ? AND part = ?", *same)[0]
        return min((start for start in (_moment(began), span.start) if start), default=None)

    def _scores(self, owner: str) -> list[Score]:
        owned = "SELECT name, value, label FROM owners JOIN verdicts USING (place) WHERE owner = ? ORDER BY place"
        return [Score(*row) for row in self._database.execute(owned, (owner,))]


def _key(span: Span, place: int) -> str:
    """Tells a span from all others; one without an id is told by its place."""
    return digest(span.trace, span.id) if span.id else digest("", "", str(place))


def _number(moment: datetime | None) -> int | None:
    return (moment - EPOCH) // _MICROSECOND if moment else None


def _moment(number: int | None) -> datetime | None:
    return None if number is None else EPOCH + number * _MICROSECOND
