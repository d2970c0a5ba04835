"""Logs written in the test, read back; and the parts of OTLP requests."""

import io
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from kaizen_api import formats
from kaizen_api.formats import Read, Refused
from kaizen_api.schema import Interaction


def as_bytes(log: Any) -> bytes:
    """Bytes as they are, text in UTF-8, anything else as JSONL."""
    if isinstance(log, bytes):
        return log
    return (log if isinstance(log, str) else "\n".join(map(json.dumps, log))).encode()


@pytest.fixture
def reads() -> Callable[..., list[Read]]:
    """Everything that a log called `log` gives."""

    def read(log: Any, **options: Any) -> list[Read]:
        return list(formats.read_stream(io.BytesIO(as_bytes(log)), name="log", **options))

    return read


@pytest.fixture
def taken(reads) -> Callable[..., list[Interaction]]:
    """The interactions of a log, which may hold nothing else."""

    def read(log: Any, **options: Any) -> list[Interaction]:
        values = [item.value for item in reads(log, **options)]
        assert not [value for value in values if isinstance(value, Refused)]
        return values

    return read


@pytest.fixture
def outcome(reads) -> Callable[..., list[Any]]:
    """In order: the query of each interaction, the line and reason of each refusal."""

    def read(log: Any, **options: Any) -> list[Any]:
        return [
            (item.line, item.value.reason) if isinstance(item.value, Refused) else item.value.query
            for item in reads(log, **options)
        ]

    return read


@pytest.fixture
def told() -> Callable[[Interaction], dict[str, Any]]:
    """The fields of an interaction that say something, without its id."""

    def fields(interaction: Interaction) -> dict[str, Any]:
        given = msgspec.structs.asdict(interaction)
        return {name: value for name, value in given.items() if value is not None and name != "id"}

    return fields


@pytest.fixture
def log_file(tmp_path) -> Callable[[str, Any], Any]:
    """A log on disk."""

    def write(name: str, log: Any | Iterable[Any]) -> Any:
        path = tmp_path / name
        path.write_bytes(as_bytes(log))
        return path

    return write


NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def value(given):
    match given:
        case bool():
            return {"boolValue": given}
        case int():
            return {"intValue": str(given)}
        case float():
            return {"doubleValue": given}
        case list():
            return {"arrayValue": {"values": [value(item) for item in given]}}
        case dict():
            return {"kvlistValue": {"values": attributes(given)}}
        case _:
            return {"stringValue": given}


def attributes(given):
    return [{"key": name, "value": value(item)} for name, item in given.items()]


def nanoseconds(second):
    return str(int((NOON + timedelta(seconds=second)).timestamp() * 1_000_000) * 1000)


def span(span_id, given, *, parent="", trace="t1", seconds=(0, 1), **more):
    return {
        "traceId": trace,
        "spanId": span_id,
        "parentSpanId": parent,
        "name": "a name",
        "startTimeUnixNano": nanoseconds(seconds[0]),
        "endTimeUnixNano": nanoseconds(seconds[1]),
        "attributes": attributes(given),
        "status": {},
        **more,
    }


def request(*spans, **resource):
    return {
        "resourceSpans": [{"resource": {"attributes": attributes(resource)}, "scopeSpans": [{"spans": list(spans)}]}]
    }


def record(name, given, *, second=0, **more):
    return {"timeUnixNano": nanoseconds(second), "eventName": name, "attributes": attributes(given), **more}


def logs(*records):
    return {"resourceLogs": [{"resource": {}, "scopeLogs": [{"logRecords": list(records)}]}]}


def said(role, *parts):
    return [{"role": role, "parts": [{"type": "text", "content": part} for part in parts]}]


QUESTION = said("system", "Be kind.") + said("user", "Where is my card?")
ANSWER = said("assistant", "On its way.")
TOOL_CALL = [{"role": "assistant", "parts": [{"type": "tool_call", "id": "1", "name": "track", "arguments": {}}]}]
CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "some",
    "gen_ai.request.model": "m1",
    "gen_ai.response.model": "m1-2026",
    "gen_ai.response.id": "r1",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.conversation.id": "c1",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 3,
    "gen_ai.input.messages": json.dumps(QUESTION),
    "gen_ai.output.messages": json.dumps(ANSWER),
    "user.id": "u1",
    "kaizen.entry_ids": ["e1", "e2"],
}
CHAT_TOLD = {
    "query": "Where is my card?",
    "response": "On its way.",
    "occurred_at": NOON + timedelta(seconds=1),
    "response_time": 1.0,
    "session_id": "c1",
    "user_id": "u1",
    "model": "m1-2026",
    "entry_ids": ["e1", "e2"],
    "metadata": {
        "provider": "some",
        "input_tokens": 12,
        "output_tokens": 3,
        "finish_reason": "stop",
        "service": "help",
    },
}
EVALUATION = {"gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": 0.75}


@pytest.fixture
def otlp() -> SimpleNamespace:
    """The builders and samples above."""
    return SimpleNamespace(
        value=value,
        attributes=attributes,
        span=span,
        request=request,
        record=record,
        logs=logs,
        said=said,
        TOOL_CALL=TOOL_CALL,
        QUESTION=QUESTION,
        ANSWER=ANSWER,
        CHAT=CHAT,
        CHAT_TOLD=CHAT_TOLD,
        EVALUATION=EVALUATION,
    )
