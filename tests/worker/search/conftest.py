"""A server that answers as a test says, and an internet whose names and public addresses lead to it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import httpcore
import pytest

from kaizen_api.config import KaizenConfig
from kaizen_worker.search import build
from kaizen_worker.search.web import Door

PUBLIC = "93.184.216.34"


class Asked(NamedTuple):
    path: str
    query: dict
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Contract(ThreadingHTTPServer):
    """Answers each request by `answer`: (status, headers, body), or a function of the handler that writes by itself."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[Asked] = []
        self.answer = lambda _asked: (200, {}, b"")
        self.over = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def always(self, status, body=b"", kind="application/json", **headers):
        self.answer = lambda _asked: reply(status, body, kind, **headers)

    def handle_error(self, request, client_address):
        """Whoever asked hung up: so be it."""


def reply(status, body=b"", kind="application/json", **headers):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return status, {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}, body


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), dict(self.headers), body)
        self.server.asked.append(asked)
        answer = self.server.answer(asked)
        if callable(answer):
            return answer(self)
        status, headers, content = answer
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        return None

    do_POST = do_GET  # noqa: N815  # as the library names it

    def drip(self, *, every=0.02, piece=b" ", kind="application/json"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        while not self.server.over.wait(every):
            self.wfile.write(piece)

    def log_message(self, *args):
        """Nothing on the terminal."""


class Internet(httpcore.SyncBackend):
    """Names have the addresses that a test gives them, one answer after the other; public addresses lead to servers."""

    def __init__(self):
        self.names = {}
        self.places = {}
        self.looked_up = []
        self.connected = []

    def resolve(self, host, _port):
        self.looked_up.append(host)
        answers = [[host]] if host == "127.0.0.1" else self.names.get(host)
        if answers is None:
            raise OSError("no such name")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        self.connected.append(host)
        host, port = self.places.get(host, (host, port))
        return super().connect_tcp(host, port, timeout, local_address, socket_options)


@pytest.fixture
def contract():
    with Contract() as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield server
        server.over.set()
        server.shutdown()
        serving.join()


@pytest.fixture
def internet(contract):
    net = Internet()
    net.names["site.example"] = [[PUBLIC]]
    net.places[PUBLIC] = ("127.0.0.1", contract.server_port)
    return net


@pytest.fixture
def door(internet):
    def door(**bounds):
        return Door(**{"seconds": 5.0, "resolve": internet.resolve, "sockets": internet, **bounds})

    return door


@pytest.fixture
def source(config, redis, contract, door):
    """Builds a source whose server is the contract's; its turns cost no time unless a test is about them."""

    def build_one(name, *, url=None, contact=None, **given):
        defaults = {"key": "sk-secret-0123456789", "index": "docs", "per_minute": 60_000}
        settings = {**defaults, **given, "url": url or contract.url}
        chosen = KaizenConfig(
            redis_url=config.redis_url,
            data_dir=config.data_dir,
            search_sources=[name],
            search={name: settings},
            search_contact=contact,
        )
        [built] = build(chosen, redis=lambda: redis, door=door())
        return built

    return build_one
