"""Whatever the bytes are: interactions, refusals, or a log that cannot be read, and nothing else."""

import gzip
import io
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen_api import formats
from kaizen_api.errors import Invalid
from kaizen_api.formats import Refused, interactions_from_logs, interactions_from_traces
from kaizen_api.formats.attributes import NAMES
from kaizen_api.schema import Interaction

KEYS = [
    *("query", "messages", "role", "content", "parts", "conversations", "from", "value", "conversation", "metadata"),
    *("conversation_hash", "timestamp", "hashed_ip", "tool_calls", "function", "event", "data", "session_id", "scores"),
    *("filter", "processing_time", "consciousness_level", "critics", "error", "feedback", "trace_id", "traceId", "id"),
    *("name", "type", "input", "output", "start_time", "end_time", "latency", "level", "string_value", "observations"),
    *("parent_observation_id", "observation_id", "trace", "resourceSpans", "resourceLogs", "resource", "scopeSpans"),
    *("scopeLogs", "spans", "logRecords", "attributes", "key", "stringValue", "intValue", "arrayValue", "kvlistValue"),
    *("values", "spanId", "parentSpanId", "startTimeUnixNano", "timeUnixNano", "events", "eventName", "body", "status"),
]
WORDS = [
    *("user", "assistant", "human", "gpt", "tool", "", " ", "chat", "LLM", "TOOL", "GENERATION", "ERROR", "a", "b"),
    *("daniel_query_received", "daniel_query_completed", "daniel_error", "tool_invoked", "filter_applied"),
    *(
        "critics_result",
        "consciousness_update",
        "gen_ai.evaluation.result",
        "gen_ai.client.inference.operation.details",
    ),
    *(
        "2026-01-31T09:30:00Z",
        "9999-12-31",
        "1700000000000000000",
        "9" * 30,
        "-5",
        "\0",
        '[{"role": "user"}]',
        '{"a": "b',
    ),
    *(name for names in NAMES.values() for name in names),
    *(
        "gen_ai.prompt.0.role",
        "gen_ai.prompt.0.content",
        "annotations.0.annotation.name",
        "session.evaluations.0.score",
    ),
]
SCALARS = st.sampled_from(WORDS) | st.sampled_from([None, True, False, 0, 1, -1, 0.5, 1e300, -1e17, 10**30])
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEYS, *WORDS]), inner, max_size=5),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(KEYS), JSON, max_size=6)
ATTRIBUTES = st.lists(
    st.fixed_dictionaries({"key": st.sampled_from(WORDS), "value": st.dictionaries(st.sampled_from(KEYS), JSON)}),
    max_size=6,
)
ITEMS = st.fixed_dictionaries(
    {"attributes": ATTRIBUTES},
    optional={
        **dict.fromkeys(("traceId", "spanId", "parentSpanId", "status", "endTimeUnixNano", "body", "eventName"), JSON),
        "events": st.lists(st.fixed_dictionaries({"name": SCALARS, "attributes": ATTRIBUTES}), max_size=2),
    },
)
MESSAGES = st.lists(st.dictionaries(st.sampled_from(["role", "content", "from", "value"]), JSON), max_size=4)
RECORDS = st.one_of(
    OBJECTS,
    st.builds(lambda record, name, listed: {**record, name: listed}, OBJECTS, st.sampled_from(KEYS), MESSAGES),
    st.builds(lambda record, event, data: {**record, "event": event, "data": data}, OBJECTS, SCALARS, OBJECTS),
    st.builds(lambda items: {"resourceSpans": [{"scopeSpans": [{"spans": items}]}]}, st.lists(ITEMS, max_size=3)),
    st.builds(lambda items: {"resourceLogs": [{"scopeLogs": [{"logRecords": items}]}]}, st.lists(ITEMS, max_size=3)),
)
DAMAGE = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 3), st.binary(max_size=2)), max_size=3)
NAMED = st.sampled_from([None, *formats.FORMATS])
START = st.integers(0, 400)


def log_of(records, indent, damage):
    log = bytearray(json.dumps(records, indent=indent).encode() if indent else b"\n".join(map(_line, records)))
    for place, removed, added in damage:
        log[place : place + removed] = added
    return bytes(log)


def _line(record):
    return json.dumps(record).encode()


def read(log, name, start=0):
    """What a log gives; the promise is that nothing but `Invalid` gets out."""
    try:
        items = list(formats.read_stream(io.BytesIO(log), name="log", format=name, start=start))
    except Invalid:
        return []
    for item in items:
        assert isinstance(item.value, Interaction | Refused)
        assert 0 <= item.offset <= max(len(log), start)
        assert item.place.startswith("log")
    return items


@given(st.binary(max_size=300), NAMED, START)
@settings(max_examples=300, deadline=None)
def test_any_bytes(log, name, start):
    read(log, name, start)


@given(st.text(st.sampled_from('{}[]",:\\ \n\tquery5'), max_size=120), NAMED)
@settings(max_examples=300, deadline=None)
def test_anything_that_looks_like_json_or_a_table(text, name):
    read(text.encode(), name)
    read(f"query,critics,entry_ids,occurred_at,accepted\n{text}".encode(), "csv")
    read(f"query\tmetadata\tfeedback\n{text}".encode(), "tsv")


@given(st.binary(max_size=60), st.integers(0, 60))
@settings(max_examples=100, deadline=None)
def test_any_gzip(content, end):
    read(gzip.compress(b'{"query": "a"}\n' + content)[:end], None)
    read(b"\x1f\x8b" + content, "kaizen")


@given(st.lists(RECORDS, max_size=4), st.sampled_from([None, 1]), DAMAGE, NAMED)
@settings(max_examples=400, deadline=None)
def test_anything_that_looks_like_a_log(records, indent, damage, name):
    log = log_of(records, indent, damage)
    assert read(log, name) == read(log, name)


@given(RECORDS)
@settings(max_examples=300, deadline=None)
def test_any_payload(record):
    for convert in (interactions_from_traces, interactions_from_logs):
        assert all(isinstance(value, Interaction | Refused) for value in convert(record))
