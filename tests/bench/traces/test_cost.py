"""What traces and exemplars cost: a span and a record's note of it, off and on; the exemplars of a batch.

.venv/bin/python -m pytest -q -s tests/bench/traces
"""

import sys
import timeit

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kaizen_api import Interaction, spans
from kaizen_api.intake import Intake
from kaizen_api.metrics.table import observations
from kaizen_api.schema import Record
from kaizen_worker.store.stream import _exemplars


def micros(call, number):
    return min(timeit.repeat(call, number=number, repeat=5)) / number * 1e6


def one_span():
    with spans.span("search", source="folder", gap_id="g1"):
        spans.note(passages=3)


def told(what):
    intake, said = Intake(b"key"), Interaction(query="How do I reset my PIN?", id="q1")
    record = micros(lambda: intake.record(said, now=0), 20_000)
    print(
        f"{what}: a span {micros(one_span, 5_000):.1f} us, a note {micros(spans.here, 50_000):.2f} us of {record:.1f}"
    )


def test_a_span_off_and_on(monkeypatch):
    with monkeypatch.context() as absent:
        absent.delitem(sys.modules, "opentelemetry.trace")
        told("not loaded")
    told("loaded, nobody records")
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
    tracer = provider.get_tracer(spans.SCOPE)
    monkeypatch.setattr(spans, "_tracer", lambda: tracer)
    with spans.span("job"):
        told("recorded")
    provider.shutdown()


def test_the_exemplars_of_a_batch():
    records = [Record(id=f"q{n}", occurred_at=0, query="q", response_time=n % 70, trace="a" * 49) for n in range(500)]
    times = [record.response_time for record in records]
    counted = micros(lambda: observations("kaizen_response_time_seconds", times), 200)
    print(f"500 interactions: buckets {counted:.0f} us, exemplars {micros(lambda: _exemplars(records), 200):.0f} us")
