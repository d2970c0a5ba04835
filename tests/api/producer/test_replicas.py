"""How lasting an append is: replicas that have it, and when the embedded server writes it to the disk."""

import socket

import pytest
from redis import Redis

from kaizen_api import AsyncProducer, Producer, keys
from kaizen_api.errors import Unavailable
from kaizen_api.processes import Processes
from kaizen_api.server import start_server


@pytest.fixture
def primary(new_server, unused_port):
    return new_server("--port", str(unused_port), "--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0")


@pytest.fixture
def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture
def replica(new_server, primary, unused_port, wait_until):
    assert primary.answers()
    server = new_server("--replicaof", f"127.0.0.1 {unused_port}")
    wait_until(lambda: server.client().info("replication")["master_link_status"] == "up")
    return server


@pytest.fixture
def replicated(primary, own_config):
    return own_config.model_copy(update={"redis_url": primary.url, "wait_replicas": 1})


def test_an_append_is_on_its_replica(replicated, replica, many):
    with Producer(replicated) as producer:
        assert producer.append(many(1500)).accepted == 1500
        assert replica.client().xlen(keys.stream("default")) == 1500


async def test_a_coroutines_too(replicated, replica, many):
    async with AsyncProducer(replicated) as producer:
        intake = await producer.intake()
        await producer.append_records([intake.record(one) for one in many(10)])
        assert replica.client().xlen(keys.stream("default")) == 10


def test_without_it_the_producer_says_so_and_a_repetition_is_harmless(replicated, primary, replica, many, stored):
    with Producer(replicated) as producer:
        producer.append(many(1))
        replica.freeze()
        with pytest.raises(Unavailable, match=r"0 of 1 replicas.*KAIZEN_WAIT_REPLICAS"):
            producer.append(many(3))
        replica.thaw()
        assert producer.append(many(3)).duplicates == (0, 1, 2)
        assert len(stored(replica.client())) == len(stored(primary.client())) == 3


@pytest.mark.parametrize("appendfsync", ["everysec", "always"])
def test_the_embedded_server_writes_when_it_is_told(tmp_path, appendfsync):
    with Processes() as processes:
        url = start_server(processes, tmp_path / "data", log=tmp_path / "log", appendfsync=appendfsync)
        with Redis.from_url(url) as client:
            assert client.config_get("append*")["appendfsync"] == appendfsync
            assert client.config_get("append*")["appendonly"] == "yes"
