"""A real server for the session, an empty database for each test, and nothing left behind that should expire."""

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from kaizen_api.config import KaizenConfig
from kaizen_api.processes import Processes
from kaizen_api.server import start_server

EXPIRES = re.compile(r":(seen|asked|vectors|claim|assignments|named|unembedded)(:|$)|^kz:\{breaker:")
"""Keys whose line in `kaizen_api/keys.py` promises a time to live."""


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
    lasting = [name for name in names if EXPIRES.search(name) and client.ttl(name) < 0]
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
