"""Spans of traces: what Langfuse observations and OpenTelemetry spans have in common, and how one is an interaction.

In a trace, many spans repeat the same question: the request, the agent in it, each call of a model. The interaction is
the outermost span that says what was asked and answered; `join` finds it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, Literal

from kaizen_api.formats.moments import seconds
from kaizen_api.formats.records import made
from kaizen_api.formats.scores import Bounds, Score, fields_of
from kaizen_api.formats.turns import digest
from kaizen_api.masking import mask
from kaizen_api.schema import Interaction

_MAX_TYPE_CHARACTERS = 64
_MAX_TYPE_WORDS = 3


class Part(IntEnum):
    """What a span is to its trace."""

    OTHER = 0
    """Neither asks nor answers: a web request, a database call."""

    ANSWER = 1
    """Says what was asked, and how that ended."""

    UNFINISHED = 2
    """Asks and ends in a tool call: another span answers."""

    SILENT = 3
    """A call of a model whose texts were not recorded."""

    STEP = 4
    """A step on the way (tool, retrieval, evaluation): nothing under it is a conversation with a user."""


class Row:
    """What a record of a trace format gives: spans and verdicts."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span(Row):
    """One span; ids are empty where there is none.

    Attributes:
        is_trace: It stands for its whole trace: it ends when, and fails as, the spans right under it do.
    """

    trace: str
    id: str
    part: Part
    parent: str = ""
    session: str | None = None
    user: str | None = None
    query: str = ""
    answer: str = ""
    start: datetime | None = None
    end: datetime | None = None
    error: str | None = None
    model: str | None = None
    tool: str | None = None
    response_id: str = ""
    entry_ids: list[str] | None = None
    is_trace: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def asked(self) -> str:
        """Hash of the masked question."""
        return digest(mask(self.query))


Scope = Literal["span", "trace", "session", "response"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Row):
    """A score and what it is about.

    Attributes:
        scope: Kind of the target.
        target: Its id.
        trace: The trace of a span that is the target; of other targets, the one to fall back on.
        id: Tells scores of one target apart, so that one that is repeated counts once.
    """

    score: Score
    scope: Scope
    target: str
    trace: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the rest of a trace tells about its interaction.

    Attributes:
        start: When the first span that asks the same began.
        end: When the last span right under it ended, and `error`, the type of error there, where it is the trace.
        scores: All that is said about it.
    """

    session: str | None = None
    user: str | None = None
    model: str | None = None
    tool: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    error: str | None = None
    scores: Iterable[Score] = ()


def part_of(*, speaks: bool, query: str, answer: str, error: str | None, tool: str | None) -> Part:
    """The part of a span that may speak with a user.

    Args:
        speaks: Whether a call without texts is a call of a model, which ought to have some.
        query: What was asked.
        answer: What was answered.
        error: Type of the error it ended in.
        tool: The tool that its output calls.
    """
    if not query.strip():
        return Part.SILENT if speaks else Part.OTHER
    return Part.UNFINISHED if tool and not answer and not error else Part.ANSWER


def interaction_of(span: Span, around: Around, bounds: Callable[[str], Bounds]) -> Interaction:
    """The interaction that a span is.

    Its id derives from trace and question, so that spans of one question, however they are batched, count once.

    Raises:
        Invalid: a wrong type or range; the text names the field.
    """
    scored = fields_of(around.scores, bounds)
    end = span.end or around.end
    metadata = {**span.metadata, **(scored["metadata"] or {})}
    fields = {
        **scored,
        "id": f"{digest(span.trace)}.{span.asked}" if span.trace else None,
        "occurred_at": end or span.start,
        "session_id": span.session or around.session,
        "user_id": span.user or around.user,
        "query": span.query,
        "response": span.answer or None,
        "response_time": seconds(around.start or span.start, end),
        "error": span.error or around.error,
        "entry_ids": span.entry_ids,
        "model": span.model or around.model,
        "tool": span.tool or around.tool,
        "metadata": metadata or None,
    }
    return made(fields)


def error_type(*said: Any) -> str | None:
    """The type of an error: the first of these that says one, without the message after it; long ones are `error`."""
    texts = (text.strip() for text in said if isinstance(text, str))
    first = next((text for text in texts if text), None)
    if first is None:
        return None
    kind = first.partition(":")[0].strip()
    return kind[:_MAX_TYPE_CHARACTERS] if 0 < len(kind.split()) <= _MAX_TYPE_WORDS else "error"
