"""Sends the spans of this process to the collector that the environment names; loaded only where it names one.

Guarantee: a span that has ended is sent within `OTEL_BSP_SCHEDULE_DELAY` (5 s), by a thread of its own, and at the end
of the process at once. A collector that is away or hangs holds up no work: of spans, 2,048 wait for it
(`OTEL_BSP_MAX_QUEUE_SIZE`), the oldest are lost first, and the end of a process waits `END_SECONDS` at most. What other
libraries record here is not sent: it may hold addresses and the texts of errors.
"""

import os
import socket
from functools import cache
from threading import Thread

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from kaizen_api.spans import SCOPE

END_SECONDS = 2.0
"""How long the end of a process waits for its last spans to be taken."""


class _Ours(BatchSpanProcessor):
    """Takes what this package records and nothing else."""

    def on_end(self, span: ReadableSpan) -> None:
        """One span that has ended."""
        if span.instrumentation_scope is not None and span.instrumentation_scope.name == SCOPE:
            super().on_end(span)


@cache
def begin(service: str) -> TracerProvider | None:
    """Send the spans of this process from now on; after a fork, for the thread that sends does not survive one.

    Args:
        service: What it is called unless `OTEL_SERVICE_NAME` says otherwise.

    Returns:
        What holds the spans; None where whoever started this process traces it already.
    """
    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return None
    own = {"service.name": service, "service.instance.id": f"{socket.gethostname()}:{os.getpid()}"}
    resource = Resource.create(own).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)  # that would wait for half a minute
    provider.add_span_processor(_Ours(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider


def end(service: str) -> None:
    """Send what is left, in bounded time; nothing is recorded after."""
    provider = begin(service)
    if provider is not None:  # its own time-outs are not kept: it is left behind as a thread that ends with us
        last = Thread(target=provider.shutdown, daemon=True)
        last.start()
        last.join(END_SECONDS)
