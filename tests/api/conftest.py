"""A real server for the tests of the thin side: one a session, emptied before each test that asks for it."""

import pytest
import redis

from kaizen_api.config import KaizenConfig
from kaizen_api.processes import Processes
from kaizen_api.server import start_server


@pytest.fixture(scope="session")
def server_url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redis")
    with Processes() as processes:
        yield start_server(processes, folder, log=folder / "log", persistent=False)


@pytest.fixture
def api_redis(server_url):
    with redis.Redis.from_url(server_url) as client:
        client.flushall()
        yield client


@pytest.fixture
def api_server(server_url, api_redis):
    """The URL of an empty server."""
    del api_redis
    return server_url


@pytest.fixture
def api_config(api_server, tmp_path):
    return KaizenConfig(redis_url=api_server, data_dir=tmp_path, tenant="acme")


@pytest.fixture
def unreachable_config(tmp_path):
    """Nobody listens there."""
    return KaizenConfig(redis_url=f"unix://{tmp_path}/none.sock", data_dir=tmp_path, tenant="acme")
