"""ops/redis.conf with the users of ops/secrets.sh: a real server takes it, and Kaizen gets along with its rights."""

import socket

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, ConnectionError, NoPermissionError, ResponseError  # noqa: A004  # redis' own

from kaizen_api import Interaction, Producer, keys
from kaizen_api.checks import run_checks
from kaizen_api.config import KaizenConfig
from kaizen_api.processes import Processes
from kaizen_api.server import server_binary
from kaizen_worker.engine import KaizenEngine


@pytest.fixture(scope="module")
def guarded(root, secrets, tmp_path_factory):
    """URL of a server with our file, and what its password is replaced by."""
    folder = tmp_path_factory.mktemp("guarded")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    users, password = (secrets / "redis_acl").read_text(), (secrets / "redis_password").read_text()
    settings = folder / "redis.conf"
    text = (root / "ops/redis.conf").read_text().replace("/run/secrets/redis_acl", str(folder / "acl"))
    settings.write_text(text.replace("dir /data", f"dir {folder}") + f"\nport {port}\nbind 127.0.0.1\n")
    (folder / "acl").write_text(users)
    with Processes() as processes:
        processes.start("redis", [server_binary(), str(settings)], log=folder / "log")
        yield f"127.0.0.1:{port}", password


@pytest.fixture
def answering(guarded, wait_until):
    """Returns once the server answers the user `health`: as the health check of the container asks."""
    place, _ = guarded

    def pong():
        try:
            return Redis.from_url(f"redis://health:none@{place}").ping()
        except ConnectionError:
            return False

    return wait_until(pong)


@pytest.mark.usefixtures("answering")
def test_nobody_gets_in_without_the_password(guarded):
    place, _ = guarded
    with pytest.raises(AuthenticationError):
        Redis.from_url(f"redis://{place}").ping()
    with pytest.raises(AuthenticationError):
        Redis.from_url(f"redis://kaizen:wrong@{place}").ping()
    with pytest.raises(NoPermissionError):
        Redis.from_url(f"redis://health:none@{place}").get(keys.ROLLUP)


@pytest.mark.usefixtures("answering")
def test_kaizen_may_what_it_needs_and_no_more(guarded):
    place, password = guarded
    client = Redis.from_url(f"redis://kaizen:{password}@{place}")
    for refused in ("FLUSHALL", "CONFIG GET maxmemory", "KEYS *", "SHUTDOWN", "ACL LIST"):
        with pytest.raises(NoPermissionError):
            client.execute_command(*refused.split())
    with pytest.raises(NoPermissionError):
        client.set("another", 1)


@pytest.mark.usefixtures("answering")
def test_the_same_rights_do_for_a_cluster_and_for_replicas(guarded):
    place, password = guarded
    client = Redis.from_url(f"redis://kaizen:{password}@{place}")
    with pytest.raises(ResponseError, match="cluster support disabled"):  # asked, and not refused for want of a right
        client.execute_command("CLUSTER SLOTS")
    assert client.wait(0, 1) == 0
    assert client.info("replication")["role"] == "master"
    with pytest.raises(NoPermissionError):
        client.execute_command("CLUSTER", "RESET")


@pytest.mark.usefixtures("answering")
async def test_the_loop_runs_with_these_rights(guarded, tmp_path):
    place, password = guarded
    url = f"redis://kaizen:{password}@{place}/0"
    config = KaizenConfig(redis_url=url, data_dir=tmp_path, embedder="static", use_celery_tasks=False)
    with Producer(config) as producer:
        for number in range(30):
            producer.push(Interaction(query=f"How do I reset the PIN of card {number}?", error="timeout"))
    async with KaizenEngine(config) as engine:
        cycle = await engine.analyze()
    assert cycle.interactions == 30
    seen = {check.name: check for check in run_checks(config, only=("server",))}
    assert {name: check.ok for name, check in seen.items()} == {
        "redis": True,
        "eviction": True,
        "memory": True,
        "persistence": True,
    }
    assert not any(check.remedy for check in seen.values())
