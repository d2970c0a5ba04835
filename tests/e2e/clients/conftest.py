"""The API as users have it, and the exporters that OpenTelemetry ships for Python, pointed at it.

A server of our own that can be stopped and started again, the API in a process of its own, and what is in the stream.
"""

import hashlib
import hmac
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import pytest
from opentelemetry.exporter.otlp.common.http import Compression
from opentelemetry.exporter.otlp.json.http import OTLPSpanExporter as JsonSpanExporter
from opentelemetry.exporter.otlp.json.http._log_exporter import OTLPLogExporter as JsonLogExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from redis import Redis

from kaizen_api import keys
from kaizen_api.processes import Processes
from kaizen_api.schema import Record
from kaizen_api.server import start_server

TENANT = "shop"
WAYS = ("protobuf", "protobuf gzip", "JSON", "JSON gzip")


@dataclass(frozen=True, slots=True)
class Running:
    """The API and its server, each a process."""

    url: str
    redis: Redis
    stop_server: Callable[[], None]
    start_server: Callable[[], str]

    def records(self, after: bytes = b"0") -> list[Record]:
        """What is in the stream after an entry."""
        found = self.redis.xrange(keys.stream(TENANT), min=b"(" + after)
        return [msgspec.msgpack.decode(fields[b"r"], type=Record) for _, fields in found]

    def stored(self, told: dict[str, Any]) -> dict[str, Any]:
        """What is sent, as it is stored: its user by a keyed hash."""
        user = hmac.new(self.redis.get(keys.USER_KEY), told["user"].encode(), hashlib.sha256).hexdigest()[:20]
        return {**told, "user": user}

    def last(self) -> bytes:
        """The last entry of the stream."""
        found = self.redis.xrevrange(keys.stream(TENANT), count=1)
        return found[0][0] if found else b"0"


@pytest.fixture(scope="module")
def api_of(home_of, ports, http, wait_until) -> Iterator[Callable[..., Running]]:
    """Starts the API over TCP, with settings as keyword arguments and a server that keeps what it has."""
    with Processes() as processes, ExitStack() as closing:

        def make(**settings: Any) -> Running:
            home = home_of(tenant=TENANT, **settings)
            log = home.folder / "log"
            start = partial(start_server, processes, home.folder / "redis", log=log)
            (port,) = ports(1)
            environment = {**home.environment, "KAIZEN_REDIS_URL": start()}
            command = [sys.executable, "-m", "kaizen_api.cli", "api", "--port", str(port)]
            processes.start("api", command, log=log, env=environment)
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: (http(f"{url}/readyz") or (0, ""))[0] == 200)
            redis = closing.enter_context(Redis.from_url(environment["KAIZEN_REDIS_URL"]))
            return Running(url=url, redis=redis, stop_server=partial(processes.stop, "redis"), start_server=start)

        yield make


@pytest.fixture(scope="module")
def running(api_of) -> Running:
    """An API with the settings it has by itself."""
    return api_of()


@pytest.fixture
def arrived(running) -> Callable[[], list[dict[str, Any]]]:
    """The fields that say something of each record that came since the test began; ids are the receiver's."""
    before = running.last()

    def look() -> list[dict[str, Any]]:
        records = [json.loads(msgspec.json.encode(record)) for record in running.records(before)]
        return [{name: value for name, value in record.items() if name != "id"} for record in records]

    return look


@pytest.fixture(params=WAYS)
def way(request) -> str:
    """How an exporter writes."""
    return request.param


@dataclass(frozen=True, slots=True)
class Client:
    """An application with the SDK: where it records, and how it sends what it recorded."""

    tracers: TracerProvider
    loggers: LoggerProvider
    spans: SpanExporter

    def tracer(self) -> Any:
        """Starts spans."""
        return self.tracers.get_tracer("an.application")

    def logger(self) -> Any:
        """Emits log records."""
        return self.loggers.get_logger("an.application")

    def export_again(self, spans: Sequence[ReadableSpan]) -> None:
        """What an exporter does whose answer was lost on its way."""
        assert self.spans.export(spans) is SpanExportResult.SUCCESS

    def send(self) -> None:
        """Exports what was recorded, and returns when it is answered."""
        assert self.tracers.force_flush()
        assert self.loggers.force_flush()


@pytest.fixture
def client_of(running) -> Iterator[Callable[..., Client]]:
    """Makes applications that send in a way; options go to the exporter of spans, those with `log_` to that of logs."""
    with ExitStack() as closing:

        def make(way: str, **options: Any) -> Client:
            spans, logs = _exporters(way, running.url, **options)
            resource = Resource({"service.name": "help"})
            tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
            tracers.add_span_processor(BatchSpanProcessor(spans, schedule_delay_millis=3_600_000))
            closing.callback(tracers.shutdown)
            loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
            loggers.add_log_record_processor(BatchLogRecordProcessor(logs, schedule_delay_millis=3_600_000))
            closing.callback(loggers.shutdown)
            return Client(tracers, loggers, spans)

        yield make


def _exporters(way: str, url: str, **options: Any) -> tuple[SpanExporter, LogRecordExporter]:
    protobuf = way.startswith("protobuf")
    spans, logs = (OTLPSpanExporter, OTLPLogExporter) if protobuf else (JsonSpanExporter, JsonLogExporter)
    compression = Compression.GZIP if way.endswith("gzip") else Compression.NONE
    of_logs = {name.removeprefix("log_"): value for name, value in options.items() if name.startswith("log_")}
    of_spans = {name: value for name, value in options.items() if not name.startswith("log_")}
    return (
        spans(f"{url}/v1/traces", compression=compression, **of_spans),
        logs(f"{url}/v1/logs", compression=compression, **of_logs),
    )
