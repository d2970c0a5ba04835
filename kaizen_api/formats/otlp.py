"""OTLP traces and logs in JSON: OpenTelemetry's GenAI conventions, their older form, and OpenInference.

A file holds one export request on each line, as the collector's file exporter writes it. The same conversion serves
requests over HTTP, from a decoded request in the shape of OTLP's JSON (camelCase, ids in hex, times in ns).

Over HTTP a trace arrives in parts, and what one request holds decides. A span that asks what an earlier one of its
trace asked has the same id, so both count once; a score counts if what it scores is in the same request.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from kaizen_api.errors import Invalid
from kaizen_api.formats.attributes import DETAILS, EVALUATION, EXCEPTION, attributes, find, objects
from kaizen_api.formats.contract import Format, Refused
from kaizen_api.formats.genai import evaluation_of, feedback_of, span_of
from kaizen_api.formats.join import joined, joined_rows
from kaizen_api.formats.moments import EPOCH
from kaizen_api.formats.records import named
from kaizen_api.formats.spans import Row, error_type
from kaizen_api.schema import Interaction

_TRACES = ("resourceSpans", "scopeSpans", "spans")
_LOGS = ("resourceLogs", "scopeLogs", "logRecords")
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
        events = [(event.get("name"), attributes(event.get("attributes"))) for event in objects(item.get("events"))]
        told = {name: value for kind, given in events if kind in (DETAILS, EXCEPTION) for name, value in given.items()}
        given = {**resource, **told, **own}
        ids = (_id(item, "traceId"), _id(item, "spanId"), _id(item, "parentSpanId"))
        times = (_time(item.get("startTimeUnixNano")), _time(item.get("endTimeUnixNano")))
        span = span_of(given, ids, times, _error(item.get("status"), given, own))
        yield span
        yield from feedback_of(own, span)
        yield from (
            evaluation_of(given, trace=span.trace, span=span.id) for kind, given in events if kind == EVALUATION
        )


def _log_rows(payload: Mapping[str, Any]) -> Iterator[Row | Invalid]:
    for resource, item in _each(payload, _LOGS):
        own = attributes(item.get("attributes"))
        body = attributes(_listed(item.get("body")))
        kind = item.get("eventName") or own.get("event.name")
        ids = (_id(item, "traceId"), _id(item, "spanId"), "")
        if kind == EVALUATION:
            yield evaluation_of({**body, **own}, trace=ids[0], span=ids[1])
        elif kind == DETAILS:
            at = _time(item.get("timeUnixNano")) or _time(item.get("observedTimeUnixNano"))
            yield span_of({**resource, **body, **own}, ids, (None, at), error_type(find(own, "error")))


def _listed(body: Any) -> Any:
    """The entries of a log record's body, where it is an object."""
    held = body.get("kvlistValue") if isinstance(body, Mapping) else None
    return held.get("values") if isinstance(held, Mapping) else None


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
