"""Behind Sentinels: all that connects finds the master, and its successor after a failover, without a new start."""

import asyncio

import pytest

from kaizen_api import AsyncProducer, Interaction, Producer, jobs, keys
from kaizen_api.checks import run_checks
from kaizen_api.config import topology
from kaizen_api.connection import connect, reaching
from kaizen_api.errors import Unavailable
from kaizen_api.metrics.reading import read_state


def interactions(first, number):
    return [Interaction(id=f"i{index}", query=f"question {index}") for index in range(first, first + number)]


def appends(producer, batch):
    """Sends until it is taken, as a caller does; how often it was refused."""

    def taken():
        try:
            return producer.append(batch)
        except Unavailable:
            return None

    return taken


def in_redis(config):
    with connect(config) as client:
        return client.xlen(keys.stream("default")), client.llen(keys.BROKER_PREFIX + jobs.WORK_QUEUE)


def topology_of(config):
    return next(check for check in run_checks(config, only=["topology"]))


def test_clients_follow_the_master(named, sentinels, servers, wait_until):
    master, replica, _ = sentinels
    config = named.model_copy(update={"wait_replicas": 1})
    with Producer(config) as careful, Producer(named) as producer, connect(config) as client:
        assert careful.append(interactions(0, 10)).accepted == 10
        assert producer.append(interactions(0, 1)).duplicates == (0,)
        jobs.enqueue(config, jobs.ANALYZE, tenant="default", cycle_id="y1")
        assert servers.client(replica).xlen(keys.stream("default")) == 10
        told = topology_of(config)
        assert told.ok
        assert told.detail == "3 of 3 Sentinels answer for kept, 1 replicas, appends wait for 1 of them"

        servers.kill(master)
        wait_until(appends(producer, interactions(0, 20)))  # nobody is left for the careful one to wait for
        assert producer.duplicates == 1 + 10  # what was accepted before is there
        assert client.xlen(keys.stream("default")) == 20
    jobs.enqueue(named, jobs.ANALYZE, tenant="default", cycle_id="y2")
    assert in_redis(named) == (20, 2)
    asyncio.run(append_from_a_coroutine(named))
    assert asyncio.run(read_state(named, within=5.0)).queues.depth == 21
    assert "start a replica" in topology_of(named).remedy


async def append_from_a_coroutine(config):
    async with AsyncProducer(config) as producer:
        intake = await producer.intake()
        assert (await producer.append_records([intake.record(Interaction(query="late"))])).accepted == 1


def test_no_password_shows_where_a_topology_is_printed():
    named = topology("redis+sentinel://user:s3cr3t@a:1,b:2/kept/0?sentinel_password=hush")
    assert (named.sentinel_password, named.login) == ("hush", "user:s3cr3t@")
    assert not {word for word in ("s3cr3t", "hush") if word in repr(named)}


def test_a_master_that_was_replaced_takes_nothing_more(named, sentinels, servers, wait_until):
    """It answers again, as one that was cut off for a while does, and is told of its successor."""
    master, replica, asked = sentinels
    with connect(named) as client:
        client.set("before", 1)
        servers.says(asked[0], "SENTINEL FAILOVER", "kept")

        def written():
            try:
                with reaching(named):
                    client.set("after", 1)
            except Unavailable:
                return False
            return servers.client(replica).get("after") == "1"

        wait_until(written)
    wait_until(lambda: servers.says(master, "INFO", "replication")["role"] == "slave")


def test_without_any_of_them_the_error_says_what_is_asked_for(named, sentinels, servers):
    for port in sentinels[2]:
        servers.kill(port)
    with pytest.raises(Unavailable, match=r"the Sentinels at redis\+sentinel://.* name no master"), reaching(named):
        connect(named).ping()
