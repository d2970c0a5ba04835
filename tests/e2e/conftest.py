"""Whole installations as users have them: real processes, folders of their own, and a look at what is left of them."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 180.0
"""Seconds for what takes a few on an idle machine."""


@dataclass(frozen=True, slots=True)
class Home:
    """A user of this machine: everything Kaizen may write lies in one folder, which marks its processes too."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def environment(self) -> dict[str, str]:
        for name in ("home", "tmp"):
            (self.folder / name).mkdir(exist_ok=True)
        own = {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp"), "PATH": os.environ["PATH"]}
        fast = {"KAIZEN_EMBEDDER": "static", "OMP_NUM_THREADS": "1"}
        return {**own, **fast, "KAIZEN_DATA_DIR": str(self.data), **self.settings}

    def start(self, *args: Any) -> "subprocess.Popen[str]":
        """A command in the background; what it says on standard error goes to `errors`."""
        with (self.folder / "errors").open("a") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "kaizen_api.cli", *map(str, args), "--json"],
                env=self.environment,
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def run(self, *args: Any) -> dict[str, Any]:
        """The document that a command prints, which must succeed."""
        with self.start(*args) as process:
            text = process.communicate(timeout=PATIENCE)[0]
        assert process.returncode == 0, (args, text, (self.folder / "errors").read_text())
        return json.loads(text)

    @contextmanager
    def up(self, *args: Any) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
        """`kaizen up` on free ports: (process, the line it printed)."""
        named = zip(("--port", "--exporter-port", "--flower-port"), free_ports(3), strict=True)
        ports = [part for pair in named for part in pair]
        with self.start("up", *ports, *args) as process:
            try:
                line = process.stdout.readline()
                assert line, (self.folder / "errors").read_text()
                yield process, json.loads(line)
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)

    def published(self) -> dict[str, int]:
        """Part → pid as `kaizen up` last published them, workers by their number."""
        pids = json.loads((self.data / "up.json").read_text())["pids"]
        workers = pids.pop("workers")
        return pids | {f"worker{number}": pid for number, pid in enumerate(workers, start=1)}

    def processes(self) -> list[int]:
        """Whatever is alive with this folder in its command line or environment."""
        mark = str(self.folder).encode()
        seen = (one for one in Path("/proc").iterdir() if one.name.isdigit())
        return [int(one.name) for one in seen if any(mark in _read(one / part) for part in ("cmdline", "environ"))]

    def leftovers(self) -> list[str]:
        """What is in the user's home and folder of temporary files."""
        return [str(path) for name in ("home", "tmp") for path in (self.folder / name).rglob("*")]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def free_ports(number: int) -> list[int]:
    """Ports that differ and that nobody listens on."""
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture(scope="session")
def ports() -> Callable[[int], list[int]]:
    """Gives so many free ports."""
    return free_ports


@pytest.fixture(scope="module")
def home_of(tmp_path_factory) -> Callable[..., Home]:
    """Makes homes, each in a folder of its own, with settings as keyword arguments."""

    def make(**settings: Any) -> Home:
        named = {f"KAIZEN_{name.upper()}": str(value) for name, value in settings.items()}
        return Home(tmp_path_factory.mktemp("home"), named)

    return make


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., Any]:
    """Waits for a condition and returns its value; whole modules share what they wait for, and have patience."""

    def wait(condition: Callable[[], Any], *, seconds: float = PATIENCE) -> Any:
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, "it did not come true in time"
            time.sleep(0.05)
        return value

    return wait


@pytest.fixture(scope="session")
def http() -> Callable[..., Any]:
    """Asks a URL, with a body posts it: (status, text), None where nobody answers; `login` is user:password."""

    def ask(url: str, body: Any = None, *, kind: str = "application/json", login: str = "") -> tuple[int, str] | None:
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(url, data=content, headers={"Content-Type": kind})
        if login:
            request.add_header("Authorization", f"Basic {base64.b64encode(login.encode()).decode()}")
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return None

    return ask


@pytest.fixture(scope="session")
def items(http) -> Callable[[str], list[dict[str, Any]]]:
    """All items of a list of the API, page by page."""

    def every(url: str) -> list[dict[str, Any]]:
        found, cursor = [], ""
        while True:
            page = json.loads(http(f"{url}?limit=100{cursor}")[1])
            found += page["items"]
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"

    return every
