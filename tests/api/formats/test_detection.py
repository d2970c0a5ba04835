"""Which format a log is in."""

import json

import pytest

from kaizen_api import formats
from kaizen_api.errors import Invalid

MESSAGES = [{"role": "user", "content": "a"}]
SAMPLES = {
    "kaizen": {"query": "a", "messages": [], "event": "x", "data": {}},
    "openai": {"messages": MESSAGES},
    "sharegpt": {"id": "x", "conversations": [{"from": "human", "value": "a"}]},
    "lmsys": {"conversation_id": "x", "conversation": MESSAGES},
    "wildchat": {"conversation_hash": "x", "conversation": MESSAGES},
    "langfuse": {"id": "x", "traceId": "t", "type": "SPAN", "input": "a"},
    "otlp": {"resourceSpans": []},
    "events": {"event": "daniel_query_received", "data": {"query": "a"}},
}


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("shape", ["lines", "array", "indented", "after junk", "cut off"])
def test_a_format_is_told_by_its_records(name, shape):
    sample = SAMPLES[name]
    log = {
        "lines": json.dumps(sample) + "\n" + json.dumps(sample),
        "array": json.dumps([sample, sample]),
        "indented": json.dumps([sample, sample], indent=2),
        "after junk": "{junk\n\n" + json.dumps(sample),
        "cut off": json.dumps(sample) + "\n" + json.dumps(sample)[:10],
    }[shape]
    assert formats.detect(log.encode(), "log") == name


@pytest.mark.parametrize(
    "record",
    [
        {"resourceLogs": []},
        {"event": "daniel_error", "timestamp": 1},
        {"data": [SAMPLES["langfuse"]], "meta": {}},
        {"name": "tone", "value": 1, "trace_id": "t"},
        {"id": "t", "input": "a", "observations": []},
    ],
)
def test_other_records_of_these_formats(record):
    expected = "otlp" if "resourceLogs" in record else "events" if "event" in record else "langfuse"
    assert formats.detect(json.dumps(record).encode(), "log") == expected


def test_each_format_is_known_by_its_name():
    assert all(format_.name == name for name, format_ in formats.FORMATS.items())
    assert set(formats.FORMATS) == {*SAMPLES, "csv", "tsv"}


@pytest.mark.parametrize("log", [b"5", b"[1, 2]", b'{"x": 1}', b'{"event": {}}', b"a,b\n", b"\x00\x01\x02", b'"query'])
def test_what_no_format_claims_says_what_was_looked_for(log):
    with pytest.raises(Invalid) as refused:
        formats.detect(log, "log")
    assert all(f"{name}: " in str(refused.value) for name in formats.FORMATS)
