"""A real server for the session, an empty database for each test, and nothing left behind that should expire."""

import itertools
import os
import re
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from kaizen_api.config import KaizenConfig
from kaizen_api.processes import Processes
from kaizen_api.server import start_server

EXPIRES = re.compile(
    r":(seen|asked|vectors|claim|assignments|named|unembedded|voices|driven)(:|$)|^kz:\{breaker:|^kz:pace:"
)
"""Keys whose line in `kaizen_api/keys.py` promises a time to live."""


CLOCK = Path(__file__).with_name("clock.c")


@pytest.fixture(autouse=True, scope="session")
def _own_environment():
    """The settings of whoever runs the tests are none of theirs."""
    for name in [name for name in os.environ if name.startswith("KAIZEN_") and name != "KAIZEN_DATA"]:
        del os.environ[name]


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[str]:
    """URL of a real server, without persistence."""
    folder = tmp_path_factory.mktemp("server")
    with Processes() as processes:
        yield start_server(processes, folder, log=folder / "log", persistent=False)


@pytest.fixture
def redis(server) -> Iterator[Redis]:
    """A client of the real server, whose database is empty before, and holds nothing that should expire after."""
    client = Redis.from_url(server)
    client.flushall()
    yield client
    names = [name.decode() for name in client.keys("kz:*")]
    lasting = [name for name in names if EXPIRES.search(name) and client.ttl(name) == -1]  # -2: it expired just now
    client.close()
    assert not lasting, "keys.py promises that these expire"


@pytest.fixture
def config(redis, server, tmp_path) -> KaizenConfig:
    """Settings for the real server, with the fast embedder."""
    return KaizenConfig(redis_url=server, data_dir=tmp_path, embedder="static")


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    """Waits for a condition and returns its value."""

    def wait(condition: Callable[[], Any], *, seconds: float = 60.0) -> Any:
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, "it did not come true in time"
            time.sleep(0.01)
        return value

    return wait


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data; what needs it says so where it is absent."""
    folder = Path(os.environ.get("KAIZEN_DATA") or Path(__file__).parents[1] / "../shared/data").resolve()
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}: set KAIZEN_DATA")
    return folder


@pytest.fixture(scope="session")
def clock_shim(tmp_path_factory) -> Path:
    """A library that moves the wall clock of a process that preloads it; see clock.c."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler or not sys.platform.startswith("linux"):
        pytest.skip("moving the clock of a process takes Linux and a C compiler: install gcc")
    library = tmp_path_factory.mktemp("clock") / "clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, CLOCK, "-ldl"], check=True)
    return library


class Clock:
    """The wall clock of the processes that are started with its environment."""

    def __init__(self, shim: Path, file: Path) -> None:
        self._file = file
        self.set(0)
        self.environment = {**os.environ, "LD_PRELOAD": str(shim), "CLOCK_OFFSET": str(file)}

    def set(self, seconds: float) -> None:
        """So far from the true time."""
        self.offset = seconds
        # In place, for the file is mapped.
        with self._file.open("r+b" if self._file.exists() else "wb") as out:
            out.write(struct.pack("q", round(seconds * 1_000_000)))

    def advance(self, seconds: float) -> None:
        """So much further; negative: back."""
        self.set(self.offset + seconds)


@pytest.fixture
def make_clock(clock_shim, tmp_path) -> Callable[[], Clock]:
    """Clocks that tests move."""
    number = itertools.count()
    return lambda: Clock(clock_shim, tmp_path / f"clock-{next(number)}")
