import gzip
import json

import msgspec
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from kaizen_api import keys
from kaizen_api.http.protobuf import decode_request
from kaizen_api.schema import Record

PROTOBUF = {"Content-Type": "application/x-protobuf"}
START = 1_760_000_000_000_000_000


def put(attributes, **values):
    for name, value in values.items():
        attribute = attributes.add()
        attribute.key = name.replace("__", ".")
        kind = {bool: "bool_value", str: "string_value", int: "int_value", float: "double_value"}[type(value)]
        setattr(attribute.value, kind, value)


def span_request(*questions):
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    put(resource.resource.attributes, service__name="shop")
    spans = resource.scope_spans.add().spans
    for number, question in enumerate(questions, start=1):
        span = spans.add()
        span.trace_id, span.span_id = number.to_bytes(16, "big"), number.to_bytes(8, "big")
        span.name = "chat"
        span.start_time_unix_nano, span.end_time_unix_nano = START, START + 1_500_000_000
        asked = json.dumps([{"role": "user", "parts": [{"type": "text", "content": question}]}])
        told = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "so"}]}])
        put(span.attributes, gen_ai__operation__name="chat", gen_ai__request__model="m")
        put(span.attributes, gen_ai__input__messages=asked, gen_ai__output__messages=told)
    other = spans.add()
    other.trace_id, other.span_id, other.name = b"\xfe" * 16, b"\xfe" * 8, "GET /"
    return request


def log_request(question):
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.time_unix_nano = START
    record.event_name = "gen_ai.client.inference.operation.details"
    asked = json.dumps([{"role": "user", "parts": [{"type": "text", "content": question}]}])
    told = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "so"}]}])
    put(record.attributes, gen_ai__operation__name="chat", gen_ai__input__messages=asked)
    put(record.attributes, gen_ai__output__messages=told)
    return request


def stored(redis):
    return [msgspec.msgpack.decode(fields[b"r"], type=Record) for _, fields in redis.xrange(keys.stream("acme"))]


async def test_protobuf_and_json_are_the_same_interactions(client, api_redis):
    encoded = span_request("how?", "why?").SerializeToString()
    answer = await client.post("/v1/traces", content=encoded, headers=PROTOBUF)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-protobuf")
    assert answer.content == b""
    records = stored(api_redis)
    assert [(record.query, record.response, record.response_time, record.model) for record in records] == [
        ("how?", "so", 1.5, "m"),
        ("why?", "so", 1.5, "m"),
    ]
    document = json.dumps(decode_request(encoded, "traces"))
    again = await client.post("/v1/traces", content=document, headers={"Content-Type": "application/json"})
    assert (again.status_code, again.json()) == (200, {})
    assert stored(api_redis) == records  # the same ids: nothing is counted twice


async def test_logs(client, api_redis):
    encoded = gzip.compress(log_request("how?").SerializeToString())
    answer = await client.post("/v1/logs", content=encoded, headers={**PROTOBUF, "Content-Encoding": "gzip"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert [(record.query, record.response) for record in stored(api_redis)] == [("how?", "so")]


async def test_what_cannot_be_taken_is_partial_success(client, api_redis):
    request = span_request("good", "in the far future")
    span = request.resource_spans[0].scope_spans[0].spans[1]
    span.start_time_unix_nano, span.end_time_unix_nano = START * 4, START * 4 + 1_000_000_000
    encoded = request.SerializeToString()
    answer = await client.post("/v1/traces", content=encoded, headers=PROTOBUF)
    assert answer.status_code == 200
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert partial.rejected_spans == 1
    assert "future" in partial.error_message
    assert [record.query for record in stored(api_redis)] == ["good"]
    document = decode_request(encoded, "traces")
    partial = (await client.post("/v1/traces", json=document)).json()["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert "future" in partial["errorMessage"]


async def test_rejected_logs_are_counted_in_their_own_field(client):
    request = log_request("in the far future")
    request.resource_logs[0].scope_logs[0].log_records[0].time_unix_nano = START * 4
    answer = await client.post("/v1/logs", content=request.SerializeToString(), headers=PROTOBUF)
    assert ExportLogsServiceResponse.FromString(answer.content).partial_success.rejected_log_records == 1


def test_protobuf_reads_as_the_protocols_json():
    request = span_request("x")
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.status.code = 2
    put(span.attributes, flag=False, count=3, share=0.5)
    attribute = span.attributes.add()
    attribute.key, attribute.value.bytes_value = "raw", b"\x00\xff"
    attribute = span.attributes.add()
    attribute.key = "list"
    attribute.value.array_value.values.add().string_value = "one"
    (read,) = decode_request(request.SerializeToString(), "traces")["resourceSpans"][0]["scopeSpans"][0]["spans"][:1]
    assert (read["traceId"], read["spanId"]) == ("0" * 31 + "1", "0" * 15 + "1")
    assert (read["startTimeUnixNano"], read["status"]) == (START, {"code": 2})
    values = {attribute["key"]: attribute["value"] for attribute in read["attributes"]}
    assert values["flag"] == {"boolValue": False}
    assert values["count"] == {"intValue": 3}
    assert values["share"] == {"doubleValue": 0.5}
    assert values["raw"] == {"bytesValue": "AP8="}
    assert values["list"] == {"arrayValue": {"values": [{"stringValue": "one"}]}}


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs"])
@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"\xff\xff\xff", PROTOBUF, 400),
        (b"not json", {"Content-Type": "application/json"}, 400),
        (b"[]", {"Content-Type": "application/json"}, 400),
        (b'{"resourceSpans": ' + b"[" * 20_000, {"Content-Type": "application/json"}, 400),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"", {**PROTOBUF, "Content-Encoding": "zstd"}, 415),
    ],
)
async def test_what_is_no_otlp_is_a_problem(client, path, content, headers, status):
    answer = await client.post(path, content=content, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"resourceSpans": None, "resourceLogs": None},
        {"resourceSpans": [], "resourceLogs": [], "later": 5},
        {"resourceSpans": [{"scopeSpans": [{"spans": [{}, {"attributes": [{"key": 1}]}]}]}]},
        {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "soon", "body": 5}]}]}]},
    ],
)
async def test_odd_contents_never_fail(client, document):
    for path in ("/v1/traces", "/v1/logs"):
        answer = await client.post(path, json=document)
        assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize(
    ("signal", "document", "place"),
    [
        ("traces", [], "the body"),
        ("traces", 5, "the body"),
        ("traces", {"resourceSpans": 5}, "resourceSpans"),
        ("traces", {"resourceSpans": {}}, "resourceSpans"),
        ("traces", {"resourceSpans": [5]}, "resourceSpans[0]"),
        ("traces", {"resourceSpans": [{"resource": []}]}, "resourceSpans[0].resource"),
        ("traces", {"resourceSpans": [{"scopeSpans": "x"}]}, "resourceSpans[0].scopeSpans"),
        ("traces", {"resourceSpans": [{"scopeSpans": [{"spans": 5}]}]}, "scopeSpans[0].spans"),
        ("traces", {"resourceSpans": [{"scopeSpans": [{"spans": [{}, 5]}]}]}, "spans[1]"),
        ("traces", {"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": {}}]}]}]}, "spans[0].attributes"),
        ("logs", {"resourceLogs": 5}, "resourceLogs"),
        ("logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [5]}]}]}, "logRecords[0]"),
    ],
)
async def test_a_wrong_shape_is_a_problem_that_names_the_field(client, api_redis, signal, document, place):
    answer = await client.post(f"/v1/{signal}", json=document)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert f"{place}: expected" in answer.json()["detail"]
    assert stored(api_redis) == []


async def test_without_redis_exporters_are_told_to_retry(serve, unreachable_config):
    client = await serve(unreachable_config)
    answer = await client.post("/v1/traces", content=span_request("x").SerializeToString(), headers=PROTOBUF)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")  # 1 would use up an exporter's tries
