"""Spans and scores from attributes, by the table in `attributes`, whether a span or a log record carries them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from kaizen_api.errors import Invalid
from kaizen_api.formats.attributes import BREAKDOWNS, MESSAGES, MODEL_CALLS, STEPS, find, find_all, unflattened
from kaizen_api.formats.messages import answered, asked, called, used
from kaizen_api.formats.records import breakdowns, named
from kaizen_api.formats.scores import Score, finite
from kaizen_api.formats.spans import Part, Scope, Span, Verdict, part_of

_FEEDBACK: tuple[tuple[str, Scope], ...] = (
    ("annotations", "span"),
    ("evaluations", "span"),
    ("trace.annotations", "trace"),
    ("trace.evaluations", "trace"),
    ("session.annotations", "session"),
    ("session.evaluations", "session"),
)

_NO_TEXT = ("", "__REDACTED__")
"""The second is what OpenInference writes for a text that the application hides: it is nobody's question."""


def span_of(
    given: Mapping[str, Any],
    ids: tuple[str, str, str],
    times: tuple[datetime | None, datetime | None],
    error: str | None,
) -> Span:
    """A span from its attributes.

    Args:
        given: Attributes by name, those of its resource and of its details event included.
        ids: Of its trace, its own, and of its parent; empty where there is none.
        times: Its start and its end.
        error: Type of the error it ended in.
    """
    kind = str(find(given, "kind") or "").lower()
    query = next((text for value in find_all(given, "input") if (text := asked(value)) not in _NO_TEXT), "")
    answer = next((text for value in find_all(given, "output") if (text := answered(value)) not in _NO_TEXT), "")
    tool = next((name for value in find_all(given, "output") if (name := called(value))), None)
    before = next((name for value in find_all(given, "input") if (name := used(value))), None)
    part = part_of(speaks=kind in MODEL_CALLS, query=query, answer=answer, error=error, tool=tool)
    return Span(
        trace=ids[0],
        id=ids[1],
        parent=ids[2],
        part=Part.STEP if kind in STEPS else part,
        session=named(find(given, "session")),
        user=named(find(given, "user")),
        query=query,
        answer=answer,
        start=times[0],
        end=times[1],
        error=error,
        model=named(find(given, "model")) or named(_object(find(given, "parameters")).get("model")),
        tool=named(find(given, "tool")) or before or tool,
        response_id=named(find(given, "response_id")) or "",
        entry_ids=_names(find(given, "entry_ids")),
        metadata=_metadata(given),
    )


def _names(value: Any) -> list[str] | None:
    listed = value if isinstance(value, list) else [value]
    return [name for item in listed if (name := named(item))] or None


def _metadata(given: Mapping[str, Any]) -> dict[str, Any]:
    """What to break down by: OpenInference's `metadata`, a JSON string, and the names of the table."""
    found = {name: find(given, name) for name in BREAKDOWNS}
    single = {name: value[0] if isinstance(value, list) and value else value for name, value in found.items()}
    return breakdowns({**_object(given.get("metadata")), **single})


def _object(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    try:
        return msgspec.json.decode(value, type=dict[str, Any]) if isinstance(value, str) else {}
    except (ValueError, RecursionError):
        return {}


def texts_of(events: Iterable[tuple[str | None, Mapping[str, Any]]]) -> dict[str, Any]:
    """What the message events of a call say, as the attributes that today's conventions have for it.

    Args:
        events: Names and contents of the call's events, in order; those that are no message are passed over.
    """
    asked_with: list[Mapping[str, Any]] = []
    answers: list[Mapping[str, Any]] = []
    for name, given in events:
        role = MESSAGES.get(name or "")
        if role == "choice":
            answers.append(_choice(_content(given)))
        elif role:
            asked_with.append({"role": role, **_content(given)})
    texts = {"gen_ai.input.messages": asked_with, "gen_ai.output.messages": answers}
    return {name: messages for name, messages in texts.items() if messages}


def _content(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of a message: some write them as one JSON string."""
    return {**given, **_object(given.get("gen_ai.event.content"))}


def _choice(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    said = fields.get("message")
    return {"role": "assistant", **(said if isinstance(said, Mapping) else {"content": said})}


def feedback_of(given: Mapping[str, Any], span: Span) -> Iterator[Verdict]:
    """OpenInference's annotations and evaluations on a span, of itself, its trace, or its session."""
    targets: dict[Scope, str | None] = {"span": span.id, "trace": span.trace, "session": span.session}
    for name, scope in _FEEDBACK:
        for item in unflattened(given, name):
            score = (
                _score(item.get("name"), item.get("score"), item.get("label")) if isinstance(item, Mapping) else None
            )
            if score and (target := targets[scope]):
                identifier = named(item.get("identifier")) or ""
                yield Verdict(score=score, scope=scope, target=target, trace=span.trace, id=identifier)


def evaluation_of(given: Mapping[str, Any], *, trace: str, span: str) -> Verdict | Invalid:
    """An evaluation event: of the response that it names, or of the span that it belongs to."""
    score = _score(find(given, "score_name"), find(given, "score_value"), find(given, "score_label"))
    response = named(find(given, "response_id"))
    if score is None:
        return Invalid("an evaluation without a name, or without a value or a label")
    if response is None and not span:
        return Invalid("an evaluation that names neither a span nor a response: send it with one of them")
    return Verdict(score=score, scope="response" if response else "span", target=response or span, trace=trace)


def _score(name: Any, value: Any, label: Any) -> Score | None:
    number, short = finite(value), named(label)
    known = named(name)
    return Score(known, number, short) if known and (number is not None or short) else None
