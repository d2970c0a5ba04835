"""What becomes of exports that are refused in part, come twice, or find Redis down or the stream full."""

import json
import logging
import threading
from contextlib import contextmanager

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.json.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto_json.collector.trace.v1.trace_service import ExportTraceServiceResponse as JsonResponse
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import set_span_in_context
from requests import Session

from kaizen_api import keys

START = 1_790_000_000_000_000_000
FUTURE = 2 * START
FULL = 1000
"""Interactions that the stream of these tests takes."""


@pytest.fixture(scope="module")
def running(api_of):
    return api_of(stream_max_length=FULL)


@pytest.fixture(autouse=True)
def _empty(running):
    """What came before was worked off."""
    running.redis.xtrim(keys.stream("shop"), maxlen=0)


def ask(client, question, *, start=START):
    """Records a call; its span has ended."""
    said = {"input": ("user", question), "output": ("assistant", "so")}
    texts = {f"gen_ai.{side}.messages": json.dumps([{"role": who, "content": it}]) for side, (who, it) in said.items()}
    span = client.tracer().start_span("chat", attributes={"gen_ai.operation.name": "chat", **texts}, start_time=start)
    span.end(start + 1)
    return span


@pytest.fixture
def replies():
    """What the exporter's own session gets as answers: (status, content)."""
    return []


@pytest.fixture
def session(replies):
    """A session for the exporter that keeps its replies: of itself the exporter looks at their status only."""
    with Session() as session:
        session.hooks["response"].append(lambda reply, **_: replies.append((reply.status_code, reply.content)))
        yield session


def test_a_bad_span_among_good_ones_is_told_in_protobuf(client_of, session, replies, arrived):
    client = client_of("protobuf gzip", session=session)
    for question, start in (("good", START), ("too early", FUTURE), ("good as well", START)):
        ask(client, question, start=start)
    client.send()
    ((status, content),) = replies
    partial = ExportTraceServiceResponse.FromString(content).partial_success
    assert (status, partial.rejected_spans) == (200, 1)
    assert "more than 24 h in the future" in partial.error_message
    assert [record["query"] for record in arrived()] == ["good", "good as well"]
    ask(client, "good")
    client.send()
    assert replies[1:] == [(200, b"")]


def test_a_bad_span_among_good_ones_is_told_in_json(running, client_of, http, arrived):
    client, memory = client_of("JSON"), InMemorySpanExporter()
    client.tracers.add_span_processor(SimpleSpanProcessor(memory))
    for question, start in (("good", START), ("too early", FUTURE), ("good as well", START)):
        ask(client, question, start=start)
    body = encode_spans(memory.get_finished_spans()).to_json().encode()
    status, content = http(f"{running.url}/v1/traces", body)
    partial = JsonResponse.from_json(content).partial_success
    assert (status, partial.rejected_spans) == (200, 1)
    assert "more than 24 h in the future" in partial.error_message
    assert [record["query"] for record in arrived()] == ["good", "good as well"]


def test_an_evaluation_apart_from_what_it_scores_is_refused_and_told(client_of, session, replies, arrived):
    """The span came by one request, its evaluation comes by another."""
    client = client_of("protobuf", log_session=session)
    span = ask(client, "how?")
    given = {"gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": 0.5}
    around = set_span_in_context(span)
    client.logger().emit(LogRecord(event_name="gen_ai.evaluation.result", attributes=given, context=around))
    client.send()
    ((status, content),) = replies
    partial = ExportLogsServiceResponse.FromString(content).partial_success
    assert (status, partial.rejected_log_records) == (200, 1)
    assert "belongs to no interaction" in partial.error_message
    assert [record["query"] for record in arrived()] == ["how?"]


def test_what_is_exported_twice_counts_once(client_of, way, arrived):
    client, memory = client_of(way), InMemorySpanExporter()
    client.tracers.add_span_processor(SimpleSpanProcessor(memory))
    for number in range(5):
        ask(client, f"question {number}")
    client.send()
    for _ in range(2):
        client.export_again(memory.get_finished_spans())
    assert [record["query"] for record in arrived()] == [f"question {number}" for number in range(5)]


@contextmanager
def sending(client):
    """The client sends, in a thread, and has succeeded at the end."""
    failures = []

    def send():
        try:
            client.send()
        except AssertionError as failure:
            failures.append(failure)

    thread = threading.Thread(target=send)
    thread.start()
    yield
    thread.join()
    assert failures == []


@pytest.fixture
def retrying(caplog, wait_until):
    """Waits until an exporter says that it will try again; it has not given up so far."""
    caplog.set_level(logging.WARNING, logger="opentelemetry")

    def wait():
        wait_until(lambda: [text for text in caplog.messages if "Transient error" in text], seconds=20)

    yield wait
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_while_redis_is_down_the_exporter_tries_again(running, client_of, way, retrying, arrived):
    client = client_of(way, timeout=60)
    for number in range(700):  # two requests
        ask(client, f"{way} {number}")
    running.stop_server()
    with sending(client):
        retrying()
        running.start_server()
    assert sorted(record["query"] for record in arrived()) == sorted(f"{way} {number}" for number in range(700))


def test_while_the_stream_is_full_the_exporter_tries_again(running, client_of, way, retrying, arrived):
    client = client_of(way, timeout=60)
    for number in range(FULL):
        ask(client, f"{way} first {number}")
    client.send()
    assert len(arrived()) == FULL
    ask(client, f"{way} later")
    with sending(client):
        retrying()
        assert len(arrived()) == FULL
        running.redis.xtrim(keys.stream("shop"), maxlen=0)
    assert [record["query"] for record in arrived()] == [f"{way} later"]
