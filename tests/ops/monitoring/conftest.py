"""The tools that operators have, as the tests run them."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

OPS = Path(__file__).parents[3] / "ops"


@pytest.fixture(scope="session")
def ops() -> Path:
    """What is deployed."""
    return OPS


@pytest.fixture(scope="session")
def tool() -> Callable[[str, str], str]:
    """Gives the path of a command, or the test says what it lacks."""

    def find(name: str, package: str) -> str:
        path = shutil.which(name)
        if path is None:
            pytest.skip(f"no {name} on PATH: install Debian's package {package}")
        return path

    return find


@pytest.fixture(scope="session")
def promtool(tool) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs promtool beside the rules."""
    path = tool("promtool", "prometheus")

    def run(*args: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [path, *map(str, args)], cwd=OPS / "prometheus", capture_output=True, text=True, check=False, timeout=120
        )

    return run


@pytest.fixture(scope="session")
def amtool(tool) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs amtool."""
    path = tool("amtool", "prometheus-alertmanager")

    def run(*args: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([path, *map(str, args)], capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Gives a port that nobody listens on."""

    def find() -> int:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            return int(one.getsockname()[1])

    return find


class Prometheus:
    """A real one."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **query: str) -> Any:
        """What its API answers, None while it does not."""
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=20) as got:
                return json.load(got)["data"]
        except (urllib.error.URLError, ConnectionError):
            return None

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of a query; one that is refused is an error."""
        query = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{query}", timeout=20) as got:
            return list(json.load(got)["data"]["result"])


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Starts a server of an operator; all are ended with the module."""
    folder, running = tmp_path_factory.mktemp("servers"), []

    def run(*command: Any, **environment: str) -> "subprocess.Popen[bytes]":
        with (folder / f"log{len(running)}").open("w") as out:
            words, own = [*map(str, command)], {**os.environ, **environment}
            running.append(subprocess.Popen(words, cwd=folder, stdout=out, stderr=out, env=own))
        return running[-1]

    yield run
    for process in running:
        process.terminate()
    for process in running:
        process.wait(30)


@pytest.fixture(scope="module")
def prometheus(start, tool, free_port, tmp_path_factory) -> Callable[..., Prometheus]:
    """Starts a Prometheus with that configuration."""

    def run(config: str, *flags: str) -> Prometheus:
        folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
        (folder / "prometheus.yml").write_text(config)
        paths = (f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}")
        start(tool("prometheus", "prometheus"), *paths, f"--web.listen-address=127.0.0.1:{port}", *flags)
        server = Prometheus(f"http://127.0.0.1:{port}")
        deadline = time.monotonic() + 60
        while server.get("status/runtimeinfo") is None:
            assert time.monotonic() < deadline, "Prometheus does not start"
            time.sleep(0.05)
        return server

    return run


class Exporter:
    """A real one, and the server that it looks at."""

    def __init__(self, address: str, url: str) -> None:
        self.address, self.redis_url = address, url
        self.redis = Redis.from_url(url)

    @property
    def up(self) -> bool:
        """Whether it serves what Redis holds."""
        try:
            with urllib.request.urlopen(f"http://{self.address}/kaizen/metrics", timeout=20) as got:
                return b"kaizen_up 1" in got.read()
        except (urllib.error.URLError, ConnectionError):
            return False


@pytest.fixture(scope="module")
def exporter(start, server, free_port) -> Iterator[Exporter]:
    """A process of its own, as it is deployed."""
    port = free_port()
    serve = ("-m", "uvicorn", "--factory", "kaizen_api.metrics.exporter:create", "--port", port)
    start(sys.executable, *serve, KAIZEN_REDIS_URL=server)
    one = Exporter(f"127.0.0.1:{port}", server)
    one.redis.flushall()
    deadline = time.monotonic() + 60
    while not one.up:
        assert time.monotonic() < deadline, "the exporter does not start"
        time.sleep(0.05)
    yield one
    one.redis.flushall()
    one.redis.close()
