"""Langfuse exports: observations, traces and scores, as JSONL or arrays, mixed in any order.

The API's camelCase and the blob export's snake_case are both read, and so are pages of the API (`{"data": […]}`) and
traces with their observations and scores inside. An empty string means nothing, and a time without a zone is UTC.
Latency is end − start: what Langfuse writes as latency is seconds in some exports and milliseconds in others, and
counts (as seconds) only where an end is missing.

A trace is the outermost span, its observations are under it: where both say what was asked, the trace is the
interaction. Tools, retrievals, embeddings, guardrails and evaluations are steps, and no interactions.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from kaizen_api.errors import Invalid
from kaizen_api.formats.contract import Format, Sample
from kaizen_api.formats.join import joined
from kaizen_api.formats.messages import answered, asked, called
from kaizen_api.formats.moments import later, moment
from kaizen_api.formats.records import breakdowns, named
from kaizen_api.formats.scores import Score, finite
from kaizen_api.formats.spans import Part, Row, Scope, Span, Verdict, error_type, part_of

_STEPS = frozenset({"TOOL", "RETRIEVER", "EMBEDDING", "EVALUATOR", "GUARDRAIL", "EVENT"})
_MODEL_CALL = "GENERATION"
_CAPITAL = re.compile("(?<=[a-z0-9])([A-Z])")
_TARGETS: tuple[tuple[str, Scope], ...] = (
    ("observation_id", "span"),
    ("trace_id", "trace"),
    ("session_id", "session"),
)
_SCORE_FIELDS = frozenset({"value", "string_value", "data_type"})
_OBSERVATION_FIELDS = frozenset({"trace_id", "parent_observation_id", "start_time"})
_TRACE_FIELDS = frozenset({"observations", "scores", "session_id", "input"})
_BREAKDOWNS = ("name", "environment", "release", "version", "status_message")
_MAX_LABEL = 64
_MAX_PAGES = 3
"""How deep pages may lie in each other."""


@lru_cache(maxsize=1024)
def _snake(name: str) -> str:
    return _CAPITAL.sub(r"_\1", name).lower()


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record in snake_case, without what is empty."""
    return {_snake(name): value for name, value in record.items() if value is not None and value not in ("", [], {})}


def _kind(row: Mapping[str, Any]) -> str | None:
    if "name" in row and _SCORE_FIELDS & row.keys() and any(target in row for target, _ in _TARGETS):
        return "score"
    if _OBSERVATION_FIELDS & row.keys():
        return "observation"
    return "trace" if "id" in row and _TRACE_FIELDS & row.keys() else None


def _inside(record: Mapping[str, Any], depth: int = _MAX_PAGES) -> Iterator[Mapping[str, Any]]:
    """The records of a page of the API, of any nesting, or the record itself."""
    listed, trace = record.get("data"), record.get("trace")
    if isinstance(listed, list) and depth:
        for item in listed:
            yield from _inside(item, depth - 1) if isinstance(item, Mapping) else ()
    elif isinstance(trace, Mapping) and "observations" in record:
        yield {**trace, "observations": record["observations"], "scores": record.get("scores") or trace.get("scores")}
    else:
        yield record


def _rows(record: Mapping[str, Any]) -> Iterator[Row | Invalid]:
    for inner in _inside(record):
        row = _row(inner)
        kind = _kind(row)
        if kind == "score":
            yield from _verdicts([row], {})
        elif kind is not None:
            yield from _attempt(row, is_trace=kind == "trace")
        else:
            yield Invalid("neither an observation, nor a trace, nor a score: export those")


def _attempt(row: Mapping[str, Any], *, is_trace: bool) -> Iterator[Row | Invalid]:
    """A trace or an observation, and what lies in it; a wrong time spoils only itself."""
    trace = named(row.get("id") if is_trace else row.get("trace_id")) or ""
    try:
        yield _span(row, trace, is_trace=is_trace)
    except Invalid as error:
        yield error
    for observation in _objects(row.get("observations")):
        yield from _attempt({"trace_id": trace, **_row(observation)}, is_trace=False)
    about = {"trace_id": trace} if is_trace else {"trace_id": trace, "observation_id": row.get("id")}
    yield from _verdicts([_row(score) for score in _objects(row.get("scores"))], about)


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _span(row: Mapping[str, Any], trace: str, *, is_trace: bool) -> Span:
    of_trace = f"trace:{trace}" if trace else ""
    kind = str(row.get("type", "SPAN")).upper()
    start = moment(row.get("timestamp" if is_trace else "start_time"), "start_time")
    error = error_type(row.get("status_message"), "error") if row.get("level") == "ERROR" else None
    query, answer, tool = asked(row.get("input")), answered(row.get("output")), called(row.get("output"))
    part = part_of(speaks=kind == _MODEL_CALL, query=query, answer=answer, error=error, tool=tool)
    return Span(
        trace=trace,
        id=of_trace if is_trace else named(row.get("id")) or "",
        part=Part.STEP if kind in _STEPS else part,
        parent="" if is_trace else named(row.get("parent_observation_id")) or of_trace,
        session=named(row.get("session_id")),
        user=named(row.get("user_id")),
        query=query,
        answer=answer,
        start=start,
        end=moment(row.get("end_time"), "end_time") or _after(start, row.get("latency")),
        error=error,
        model=named(row.get("provided_model_name", row.get("model"))),
        tool=named(row.get("name")) if kind == "TOOL" else tool,
        is_trace=is_trace,
        metadata=_metadata(row),
    )


def _after(start: datetime | None, latency: Any) -> datetime | None:
    passed = finite(latency)
    return None if passed is None else later(start, int(passed * 1e6))


def _metadata(row: Mapping[str, Any]) -> dict[str, Any]:
    said = row.get("metadata")
    return breakdowns({**(said if isinstance(said, Mapping) else {}), **{name: row.get(name) for name in _BREAKDOWNS}})


def _verdicts(rows: list[dict[str, Any]], about: Mapping[str, Any]) -> Iterator[Row | Invalid]:
    for given in rows:
        row = {**about, **given}
        name = named(row.get("name"))
        target = next(((scope, row[field]) for field, scope in _TARGETS if named(row.get(field))), None)
        if name is None or target is None:
            yield Invalid("a score without a name, or without an observation, trace or session: export those fields")
        elif (score := _score(name, row)) is not None:
            trace = named(row.get("trace_id")) or ""
            yield Verdict(
                score=score, scope=target[0], target=str(target[1]), trace=trace, id=named(row.get("id")) or ""
            )


def _score(name: str, row: Mapping[str, Any]) -> Score | None:
    """The score, or nothing where it is a comment in words."""
    value = finite(row.get("value"))
    label = row.get("string_value", row.get("value"))
    short = label if isinstance(label, str) and len(label) <= _MAX_LABEL else None
    return Score(name, value, short) if value is not None or short else None


def _claims(sample: Sample) -> bool:
    return sample.has(lambda record: any(_kind(_row(inner)) for inner in _inside(record)))


FORMAT = Format(
    name="langfuse",
    looks_like="JSON objects with `trace_id` or `traceId`: Langfuse observations, traces, scores",
    claims=_claims,
    parse=joined(_rows),
)
