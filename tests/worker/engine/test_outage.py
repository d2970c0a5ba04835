"""An outage of Redis itself, in the middle of an attempt: it is not the interaction's fault, and nothing is buried."""

import os
import signal
from contextlib import suppress

import pytest
from redis import RedisError

from kaizen_api import Interaction, KaizenConfig, Producer, keys
from kaizen_api.errors import Unavailable
from kaizen_api.processes import Processes
from kaizen_api.server import server_binary, start_server
from kaizen_worker.engine import live
from kaizen_worker.engine.runtime import Runtime

OUTAGES = 3


@pytest.fixture
def mortal(tmp_path, wait_until):
    """A server to kill: URL, and what kills it and what starts it again."""
    with Processes() as processes:
        url = start_server(processes, tmp_path / "server", log=tmp_path / "log")

        def kill():
            os.kill(processes.pids["redis"], signal.SIGKILL)
            wait_until(lambda: "redis" not in processes.pids)

        def restart():
            settings = str(tmp_path / "server" / "redis.conf")
            processes.start("redis", [server_binary(), settings], log=tmp_path / "log")

        yield url, kill, restart


def test_killing_redis_in_the_middle_of_an_attempt_buries_nothing(mortal, tmp_path, monkeypatch, wait_until):
    url, kill, restart = mortal
    config = KaizenConfig(redis_url=url, data_dir=tmp_path / "data", embedder="static", max_deliveries=1)
    tenant = Runtime(config).tenant("default")
    with Producer(config) as producer:
        producer.append([Interaction(id="i", query="how do I freeze my card?")])
    embed = type(tenant.embedder).embed

    def lose_the_server(embedder, texts):
        kill()
        return embed(embedder, texts)

    for _ in range(OUTAGES):
        monkeypatch.setattr(type(tenant.embedder), "embed", lose_the_server)
        with pytest.raises(RedisError):
            live.consume(tenant, place="0")
        monkeypatch.undo()
        restart()
        wait_until(lambda: answers(tenant.redis))
        wait_until(lambda: not tenant.redis.exists(keys.claim("default", "consume:0")))
    assert live.consume(tenant, place="0") == 1
    assert tenant.redis.xlen(keys.dead("default")) == 0
    assert tenant.redis.hlen(keys.tries("default")) == 0
    tenant.redis.close()


def test_a_server_that_takes_no_writes_for_a_while_buries_nothing(config, redis, monkeypatch, wait_until):
    """It has lost its replicas while an attempt is under way."""
    tenant = Runtime(config.model_copy(update={"max_deliveries": 1})).tenant("default")
    with Producer(config) as producer:
        producer.append([Interaction(id="i", query="how do I freeze my card?")])
    embed = type(tenant.embedder).embed

    def refuse(embedder, texts):
        vectors = embed(embedder, texts)
        redis.config_set("min-replicas-to-write", 1)
        return vectors

    for _ in range(OUTAGES):
        monkeypatch.setattr(type(tenant.embedder), "embed", refuse)
        try:
            with pytest.raises((RedisError, Unavailable)):
                live.consume(tenant, place="0")
        finally:
            redis.config_set("min-replicas-to-write", 0)
        monkeypatch.undo()
        wait_until(lambda: not redis.exists(keys.claim("default", "consume:0")))
    assert live.consume(tenant, place="0") == 1
    assert redis.xlen(keys.dead("default")) == 0
    assert redis.hlen(keys.tries("default")) == 0


def answers(redis):
    with suppress(RedisError):
        return redis.ping()
    return False
