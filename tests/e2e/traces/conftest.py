"""A collector of spans that listens on this machine, workers that send to it, and one that never answers."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from kaizen_api.stack.services import worker


@dataclass(frozen=True, slots=True)
class Seen:
    """One span as it arrived; ids in hexadecimal."""

    name: str
    trace: str
    id: str
    parent: str
    service: str
    attributes: dict[str, Any]
    links: list[str]
    events: list[str]
    failed: bool


@dataclass(slots=True)
class Collector:
    """What arrived so far."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def named(self, name: str) -> list[Seen]:
        return [span for span in list(self.seen) if span.name == name]

    def take(self, body: bytes) -> None:
        self.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = _plain(resource.resource.attributes)["service.name"]
            self.seen += [_seen(span, service) for scope in resource.scope_spans for span in scope.spans]


def _seen(span, service):
    return Seen(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        service=service,
        attributes=_plain(span.attributes),
        links=[f"{link.trace_id.hex()}-{link.span_id.hex()}" for link in span.links],
        events=[event.name for event in span.events],
        failed=span.status.code == span.status.STATUS_CODE_ERROR,
    )


def _plain(attributes):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@contextmanager
def listening(answer: Callable[[BaseHTTPRequestHandler, bytes], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            answer(self, self.rfile.read(int(self.headers["Content-Length"])))

        def log_message(self, *_):
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """One that takes everything."""
    taken = Collector()

    def answer(handler, body):
        taken.take(body)
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with listening(answer) as url:
        taken.url = url
        yield taken


@pytest.fixture
def hung() -> Iterator[str]:
    """One that takes the request and never says so, until the test is over."""
    over = threading.Event()
    with listening(lambda _handler, _body: over.wait(60)) as url:
        yield url
        over.set()


@pytest.fixture
def settings(redis, server, tmp_path) -> dict[str, str]:
    """The environment of workers with a folder to search."""
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "cards.md").write_text(
        "# Cards\n\nTo reset the PIN of a card, open the menu Cards and choose Reset.\n"
    )
    own = {
        "KAIZEN_REDIS_URL": server,
        "KAIZEN_DATA_DIR": str(tmp_path / "data"),
        "KAIZEN_DOCUMENTS_PATH": str(documents),
        "KAIZEN_EMBEDDER": "static",
        "OMP_NUM_THREADS": "1",
        "OTEL_BSP_SCHEDULE_DELAY": "600000",  # what arrives was sent by the end of a process, not by the time
    }
    return {**os.environ, **own}


@pytest.fixture
def start_worker(settings, tmp_path) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Starts workers of one child each."""
    started = []

    def start(*arguments: str, **variables: str) -> "subprocess.Popen[bytes]":
        argv = [sys.executable, *worker(len(started) + 1).argv[1:], *arguments]
        with (tmp_path / "workers.log").open("ab") as log:
            started.append(subprocess.Popen(argv, env={**settings, **variables}, stdout=log, stderr=log))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
