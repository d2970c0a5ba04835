"""Spans where OpenTelemetry is loaded: whose they are, what they hold and what never; nothing where it is not."""

import json
import logging
import os
import subprocess
import sys

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kaizen_api import Interaction, jobs, spans
from kaizen_api.config import traces_wanted
from kaizen_api.http import create_app
from kaizen_api.intake import Intake
from kaizen_api.logs import JsonLines
from kaizen_api.tracing import _Ours

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = CALLER[:-1] + "0"
COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.fixture
def recorded(monkeypatch):
    """The spans that ended."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer(spans.SCOPE)
    monkeypatch.setattr(spans, "_tracer", lambda: tracer)
    return exporter.get_finished_spans


def identity(context):
    return f"{context.trace_id:032x}-{context.span_id:016x}"


def test_a_span_goes_on_its_callers_trace_and_is_carried_on(recorded):
    with spans.span("outer", parent=CALLER, tenant="acme"):
        carried = spans.carried()[spans.TRACEPARENT]
        with spans.span("inner"):
            spans.note(passages=3)
            spans.event("breaker", state="open")
    inner, outer = recorded()
    assert identity(outer.parent) == CALLER[3:52]
    assert carried == f"00-{identity(outer.context)}-01"
    assert inner.parent.span_id == outer.context.span_id
    assert (outer.attributes, inner.attributes) == ({"kaizen.tenant": "acme"}, {"kaizen.passages": 3})
    assert [event.name for event in inner.events] == ["breaker"]


@given(st.text())
def test_a_header_of_no_use_begins_a_trace_of_its_own(header):
    assert spans._under(header) is None


@pytest.mark.parametrize("header", ["", CALLER[:-3], f"00-{'0' * 32}-{'1' * 16}-01", CALLER.upper(), CALLER + "x"])
def test_so_do_those_that_look_like_one(header):
    assert spans._under(header) is None


def test_an_error_is_told_by_its_class_alone(recorded):
    with pytest.raises(ValueError, match="jane"), spans.span("work"):
        raise ValueError("jane@example.com asked how to reset")
    (span,) = recorded()
    assert span.attributes["error.type"] == "ValueError"
    assert "jane" not in span.to_json()
    assert not span.status.is_ok


def test_links_are_those_of_different_traces_up_to_a_limit(recorded):
    traces = [f"{number:032x}-{number:016x}" for number in range(1, 200)]
    with spans.span("commit", links=[trace for trace in traces for _ in range(2)]):
        pass
    (span,) = recorded()
    assert [identity(link.context) for link in span.links] == traces[: spans.MOST_LINKS]


def test_a_record_notes_the_span_that_brought_it_and_its_id_stays_the_same(recorded):
    intake, said = Intake(b"key"), Interaction(query="How do I reset my PIN?")
    before = intake.record(said, now=0)
    with spans.span("request"):
        within = intake.record(said, now=0)
    assert (before.trace, before.id) == (None, "c0f928a9456d9a5d891fbbfff")
    assert within.id == before.id, "sent again under another trace it is counted once"
    assert within.trace == identity(recorded()[0].context)


def test_what_is_not_recorded_is_noted_nowhere(recorded):
    with spans.span("request", parent=UNSAMPLED):
        assert spans.here() is None
        assert spans.carried()[spans.TRACEPARENT].endswith("-00"), "nor further on"
    assert recorded() == ()


def test_jobs_carry_the_span_that_asked_for_them_and_those_of_others_do_not(recorded):
    with spans.span("request"):
        ours, theirs = {"eta": "later"}, {}
        jobs._stamp(jobs.FILL, ours)
        jobs._stamp("other", theirs)
    assert ours[spans.TRACEPARENT][3:-3] == identity(recorded()[0].context)
    assert theirs == {}


def test_a_line_of_the_log_names_its_span(recorded):
    record = logging.LogRecord("kaizen", logging.INFO, __file__, 1, "said", (), None)
    record.insight_id, record.gap_id = "i1", None
    with spans.span("work"):
        line = json.loads(JsonLines().format(record))
    assert f"{line['trace_id']}-{line['span_id']}" == identity(recorded()[0].context)
    assert line["insight_id"] == "i1"
    assert "gap_id" not in line
    assert "trace_id" not in json.loads(JsonLines().format(record))


def test_what_other_libraries_record_is_not_sent():
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    processor = _Ours(exporter)
    provider.add_span_processor(processor)
    for scope in ("fastapi", spans.SCOPE):
        provider.get_tracer(scope).start_span(scope).end()
    provider.shutdown()
    assert [span.name for span in exporter.get_finished_spans()] == [spans.SCOPE]


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        (COLLECTOR, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({**COLLECTOR, "OTEL_SDK_DISABLED": "true"}, False),
        ({**COLLECTOR, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({**COLLECTOR, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, False),
        ({**COLLECTOR, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
    ],
    ids=["nothing", "a collector", "one for traces", "disabled", "none", "grpc", "http"],
)
def test_opentelemetrys_own_variables_switch_it_on(environment, wanted):
    assert traces_wanted(environment) is wanted


LOADED = """
import sys
import kaizen_worker.serve, kaizen_worker.app, kaizen_api.spans
kaizen_worker.app.app.loader.import_default_modules()
sending = ("opentelemetry.exporter", "kaizen_api.tracing", "kaizen_worker.spans")
print(sorted(name for name in sys.modules if name.startswith(sending)))
del sys.modules["opentelemetry.trace"]  # which FastAPI loads, and redis where it is installed
with kaizen_api.spans.span("x", tenant="acme"):
    kaizen_api.spans.note(a=1), kaizen_api.spans.event("e"), kaizen_api.spans.failed("E")
print(kaizen_api.spans.here(), kaizen_api.spans.carried(), kaizen_api.spans.ids())
"""


def test_off_nothing_that_sends_is_loaded_and_without_opentelemetry_all_calls_do_nothing():
    own = {**os.environ, "KAIZEN_REDIS_URL": "redis://127.0.0.1:1"}  # nobody connects
    done = subprocess.run(
        [sys.executable, "-c", LOADED], env=own, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout == "[]\nNone {} {}\n", done.stderr


async def test_a_request_is_a_span_without_what_was_looked_up(recorded, api_config):
    sent = []
    app = create_app(api_config, None, send_spans=lambda: sent.append(True))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
            await client.post("/v1/interactions", json={"query": "my secret"}, headers={"traceparent": CALLER})
            await client.get("/v1/gaps/g1")
            await client.get("/v1/gaps/g1?q=my+secret")
            await client.get("/v1/gaps/my%20secret")
            await client.get("/v1/my-secret")
            await client.get("/v1/knowledge?q=my+secret")
            await client.get("/livez")
        assert not sent
    assert sent == [True]
    names = ["POST /v1/interactions", *["GET /v1/gaps/{object_id}"] * 3, "GET", "GET /v1/knowledge"]
    assert [span.name for span in recorded()] == names
    assert not any("secret" in span.to_json() for span in recorded())
    ingest, found, *_, failed = recorded()
    assert identity(ingest.parent) == CALLER[3:52]
    assert (ingest.kind, ingest.attributes["kaizen.tenant"]) == (trace.SpanKind.SERVER, api_config.tenant)
    assert (found.attributes["kaizen.object_id"], found.attributes["http.response.status_code"]) == ("g1", 404)
    assert found.status.status_code is trace.StatusCode.UNSET, "what was asked for is wrong, not we"
    assert failed.status.status_code is trace.StatusCode.ERROR
