"""OTLP traces and logs in JSON: OpenTelemetry's GenAI conventions, their older form, and OpenInference.

A file holds one export request on each line, as the collector's file exporter writes it. The same conversion serves
requests over HTTP, from a decoded request in the shape of OTLP's JSON (camelCase, ids in hex, times in ns).

Over HTTP a trace arrives in parts, and what one request holds decides. A span that asks what an earlier one of its
trace asked has the same id, so both count once; a score counts if what it scores is in the same request.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kaizen_api.errors import Invalid
from kaizen_api.formats.attributes import (
    CONTENTS,
    DETAILS,
    EVALUATION,
    EXCEPTION,
    MESSAGES,
    attributes,
    find,
    objects,
    value_of,
)
from kaizen_api.formats.contract import Format, Refused
from kaizen_api.formats.genai import evaluation_of, feedback_of, span_of, texts_of
from kaizen_api.formats.join import joined, joined_rows
from kaizen_api.formats.moments import EPOCH
from kaizen_api.formats.records import named
from kaizen_api.formats.spans import Row, Span, error_type
from kaizen_api.schema import Interaction

_TRACES = ("resourceSpans", "scopeSpans", "spans")
_LOGS = ("resourceLogs", "scopeLogs", "logRecords")
_TELLING = CONTENTS | {EXCEPTION}
_FAILED = (2, "STATUS_CODE_ERROR")
_NS_IN_US = 1000

Attributes = Mapping[str, Any]


def interactions_from_traces(payload: Mapping[str, Any]) -> list[Interaction | Refused]:
    """The interactions of an OTLP trace export request.

    Args:
        payload: The request in the shape of its JSON: `{"resourceSpans": […]}`.

    Returns:
        In the order of the spans; a refusal's place is `spans[N]`, where N counts spans and scores from 0.
    """
    return _answers("spans", _span_rows(payload))


def interactions_from_logs(payload: Mapping[str, Any]) -> list[Interaction | Refused]:
    """The interactions of an OTLP log export request, `{"resourceLogs": […]}`; places are `logRecords[N]`."""
    return _answers("logRecords", _log_rows(payload))


def _answers(place: str, rows: Iterable[Row | Invalid]) -> list[Interaction | Refused]:
    try:
        understood = [str(row) if isinstance(row, Invalid) else row for row in rows]
    except RecursionError:
        return [Refused(place, "nested too deeply: send flat attributes")]
    return [
        Refused(f"{place}[{number}]", value) if isinstance(value, str) else value
        for number, value in joined_rows(understood)
    ]


def _rows(record: Mapping[str, Any]) -> Iterator[Row | Invalid]:
    if not record.keys() & {_TRACES[0], _LOGS[0]}:
        raise Invalid("neither `resourceSpans` nor `resourceLogs`: export traces or logs as OTLP JSON")
    yield from _span_rows(record)
    yield from _log_rows(record)


def _each(payload: Mapping[str, Any], path: tuple[str, str, str]) -> Iterator[tuple[Attributes, Mapping[str, Any]]]:
    """The spans or log records of a request, each with the attributes of its resource."""
    for group in objects(payload.get(path[0])):
        resource = group.get("resource")
        around = attributes(resource.get("attributes")) if isinstance(resource, Mapping) else {}
        for scope in objects(group.get(path[1])):
            for item in objects(scope.get(path[2])):
                yield around, item


def _span_rows(payload: Mapping[str, Any]) -> Iterator[Row | Invalid]:
    for resource, item in _each(payload, _TRACES):
        own = attributes(item.get("attributes"))
        events = [
            (named(event.get("name")), attributes(event.get("attributes"))) for event in objects(item.get("events"))
        ]
        told = {name: value for kind, given in events if kind in _TELLING for name, value in given.items()}
        given = {**resource, **texts_of(events), **told, **own}
        ids = (_id(item, "traceId"), _id(item, "spanId"), _id(item, "parentSpanId"))
        times = (_time(item.get("startTimeUnixNano")), _time(item.get("endTimeUnixNano")))
        span = span_of(given, ids, times, _error(item.get("status"), given, own))
        yield span
        yield from feedback_of(own, span)
        yield from (
            evaluation_of(given, trace=span.trace, span=span.id) for kind, given in events if kind == EVALUATION
        )


def _log_rows(payload: Mapping[str, Any]) -> Iterator[Row | Invalid]:
    calls: dict[tuple[str, str], list[_Said]] = {}
    for resource, item in _each(payload, _LOGS):
        own = attributes(item.get("attributes"))
        body = value_of(item.get("body"))
        given = {**body, **own} if isinstance(body, Mapping) else own
        kind = named(item.get("eventName")) or named(own.get("event.name")) or ""
        trace, span = _id(item, "traceId"), _id(item, "spanId")
        if kind == EVALUATION:
            yield evaluation_of(given, trace=trace, span=span)
        elif kind == DETAILS:
            yield span_of({**resource, **given}, (trace, span, ""), (None, _at(item)), error_type(find(own, "error")))
        elif kind in MESSAGES and span:
            calls.setdefault((trace, span), []).append(_Said(kind, given, {**resource, **own}, _at(item)))
        elif kind in MESSAGES:
            yield Invalid("a message event outside of a span: log it while the span of its call is current")
    yield from (_call(said, ids) for ids, said in calls.items())


@dataclass(frozen=True, slots=True)
class _Said:
    """A message of a call, logged by itself."""

    kind: str
    content: Attributes
    around: Attributes
    at: datetime | None


def _call(said: Sequence[_Said], ids: tuple[str, str]) -> Span:
    """The call that messages belong to which were logged one by one; when it began, they do not tell."""
    around = {name: value for each in said for name, value in each.around.items()}
    texts = texts_of((each.kind, each.content) for each in said)
    end = max((each.at for each in said if each.at), default=None)
    given = {"gen_ai.operation.name": "chat", **around, **texts}
    return span_of(given, (*ids, ""), (None, end), error_type(find(around, "error")))


def _at(item: Mapping[str, Any]) -> datetime | None:
    return _time(item.get("timeUnixNano")) or _time(item.get("observedTimeUnixNano"))


def _id(item: Mapping[str, Any], name: str) -> str:
    return named(item.get(name)) or ""


def _time(nanoseconds: Any) -> datetime | None:
    """A time of OTLP, a number in text; None for 0, which means unset, and for what is no time."""
    try:
        number = int(nanoseconds) if isinstance(nanoseconds, str | int) else 0
        return EPOCH + timedelta(microseconds=number // _NS_IN_US) if number > 0 else None
    except (ValueError, OverflowError):
        return None


def _error(status: Any, given: Attributes, own: Attributes) -> str | None:
    """The type of the error a span ended in: an exception that it recorded and survived is none."""
    failed = isinstance(status, Mapping) and status.get("code") in _FAILED
    if failed:
        return error_type(find(given, "error"), status.get("message"), "error")
    return error_type(own.get("error.type"))


FORMAT = Format(
    name="otlp",
    looks_like="JSON objects with `resourceSpans` or `resourceLogs`",
    claims=lambda sample: sample.has(lambda record: bool(record.keys() & {_TRACES[0], _LOGS[0]})),
    parse=joined(_rows),
)
