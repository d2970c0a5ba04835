"""A server that a test may freeze, kill and restart, and what stands in a stream."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NotConnected

from kaizen_api import Interaction, KaizenConfig, keys
from kaizen_api.schema import Record
from kaizen_api.server import server_binary


@dataclass
class Server:
    folder: Path
    options: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None
    clients: list[Redis] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/s"

    def start(self) -> None:
        """With its data, if it had any."""
        arguments = ["--port", "0", "--unixsocket", f"{self.folder}/s", "--dir", str(self.folder), "--save", ""]
        self.process = subprocess.Popen(
            [server_binary(), *arguments, "--appendonly", "yes", *self.options], stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 30
        while not self.answers():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except NotConnected:
            return False

    def client(self) -> Redis:
        self.clients.append(Redis.from_url(self.url))
        return self.clients[-1]

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        for client in self.clients:
            client.close()
        self.clients.clear()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def new_server(tmp_path_factory):
    """Starts servers of the test's own."""
    started = []

    def start(*options):
        started.append(Server(tmp_path_factory.mktemp("s"), list(options)))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def own_server(new_server):
    return new_server()


@pytest.fixture
def own_config(own_server, tmp_path):
    """Settings for it; nothing has to be asked before the first push."""
    return KaizenConfig(redis_url=own_server.url, data_dir=tmp_path, user_key="k")


@pytest.fixture
def stored():
    """The records in a tenant's stream."""

    def read(redis, tenant="default"):
        return [msgspec.msgpack.decode(fields[b"r"], type=Record) for _, fields in redis.xrange(keys.stream(tenant))]

    return read


@pytest.fixture
def many():
    """Interactions with ids."""

    def make(number, prefix="q"):
        return [Interaction(query=f"{prefix} {index}", id=f"{prefix}-{index}") for index in range(number)]

    return make
