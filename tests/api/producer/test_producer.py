"""The producers: everything accepted is in the stream once, whoever pushes, in threads, forks and coroutines."""

import asyncio
import logging
import subprocess
import sys
import threading

import msgspec
import pytest

from kaizen_api import AsyncProducer, Interaction, KaizenConfig, Producer, keys
from kaizen_api.errors import Conflict, Invalid, Unavailable
from kaizen_api.metrics import field
from kaizen_api.producer.batch import MAX_BATCH
from kaizen_api.schema import Record


def stored(redis, tenant="default"):
    return [msgspec.msgpack.decode(fields[b"r"], type=Record) for _, fields in redis.xrange(keys.stream(tenant))]


def count(redis, result, tenant="default"):
    return int(redis.hget(keys.metrics(tenant), field("kaizen_ingested_total", result=result)) or 0)


def many(number, prefix="q"):
    return [Interaction(query=f"{prefix} {index}", id=f"{prefix}-{index}") for index in range(number)]


def test_what_is_pushed_is_in_the_stream_when_the_block_ends(config, redis):
    with Producer(config) as producer:
        ids = [producer.push(Interaction(query=f"question {index}")) for index in range(2500)]
    assert [record.id for record in stored(redis)] == ids
    assert (producer.accepted, producer.duplicates) == (2500, 0)
    assert redis.smembers(keys.TENANTS) == {b"default"}


def test_what_is_pushed_arrives_without_waiting_for_the_end(config, redis, wait_until):
    with Producer(config, linger=0.01) as producer:
        producer.push(Interaction(query="alone"))
        assert wait_until(lambda: stored(redis))


def test_a_replay_is_counted_once(config, redis):
    with Producer(config) as producer:
        first = producer.append(many(1500))
        again = producer.append(many(1501))
    assert (first.accepted, first.duplicates) == (1500, ())
    assert (again.accepted, again.duplicates) == (1, tuple(range(1500)))
    assert len(stored(redis)) == 1501
    assert (count(redis, "accepted"), count(redis, "duplicate")) == (1501, 1500)


def test_two_of_one_batch_are_one(config):
    with Producer(config) as producer:
        appended = producer.append([Interaction(query="same"), Interaction(query="other"), Interaction(query="same")])
    assert (appended.accepted, appended.duplicates) == (2, (2,))


def test_an_invalid_one_is_refused_at_once_and_the_others_stay(config, redis):
    with Producer(config) as producer:
        producer.push(Interaction(query="before"))
        with pytest.raises(Invalid, match="blank"):
            producer.push(Interaction(query=" "))
        producer.push(Interaction(query="after"))
    assert [record.query for record in stored(redis)] == ["before", "after"]


def test_threads_lose_and_double_nothing(config, redis):
    with Producer(config, linger=0.001) as producer:
        pushers = [
            threading.Thread(target=lambda name: [producer.push(i) for i in many(500, name)], args=[f"t{n}"])
            for n in range(8)
        ]
        for pusher in pushers:
            pusher.start()
        for pusher in pushers:
            pusher.join()
    assert len({record.id for record in stored(redis)}) == len(stored(redis)) == 4000


def test_tenants_do_not_share_a_stream_nor_ids(config, redis):
    for tenant in ("acme", "umbrella"):
        with Producer(config, tenant=tenant) as producer:
            assert producer.append(many(3)).accepted == 3
    assert len(stored(redis, "acme")) == len(stored(redis, "umbrella")) == 3
    with pytest.raises(Invalid, match="tenant"):
        Producer(config, tenant="Acme:stream")


def test_no_redis_says_what_to_do(tmp_path):
    with pytest.raises(Unavailable, match="kaizen up"):
        Producer(KaizenConfig(data_dir=tmp_path))


def test_a_refused_connection_is_told_within_its_time_and_nothing_is_forgotten(tmp_path):
    config = KaizenConfig(redis_url="redis://:secret@127.0.0.1:1/0", data_dir=tmp_path, user_key="k")
    producer = Producer(config, linger=60)
    producer.push(Interaction(query="waits"))
    with pytest.raises(Unavailable, match="does not answer") as refused:
        producer.close()
    assert "1 interactions were not appended" in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.fixture
def takes_writes(redis):
    """Switches whether the server takes any."""

    def switch(takes):
        redis.config_set("min-replicas-to-write", int(not takes))

    yield switch
    switch(takes=True)


def test_a_server_that_takes_no_writes_is_waited_for(config, redis, takes_writes, caplog, wait_until):
    with Producer(config, linger=0.001) as producer:
        producer.append([Interaction(query="before")])
        takes_writes(False)
        with pytest.raises(Unavailable, match="NOREPLICAS"):
            producer.append([Interaction(query="refused")])
        producer.push(Interaction(query="waits"))
        wait_until(lambda: "1 interactions wait" in caplog.text)
        takes_writes(True)
        assert wait_until(lambda: len(stored(redis)) == 2)


async def test_a_coroutine_waits_for_it_too(config, redis, takes_writes, caplog, wait_until):
    async with AsyncProducer(config, linger=0.001) as producer:
        await producer.intake()
        takes_writes(False)
        await producer.push(Interaction(query="waits"))
        await asyncio.to_thread(wait_until, lambda: "1 interactions wait" in caplog.text)
        takes_writes(True)
        assert await asyncio.to_thread(wait_until, lambda: stored(redis))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_replaced_at_the_next_push(config, redis, takes_writes, wait_until):
    def broken(_):
        raise ZeroDivisionError("an application's filter")

    with Producer(config, linger=0.001) as producer:
        producer.append([Interaction(query="before")])
        takes_writes(False)
        logger = logging.getLogger("kaizen.producer")
        logger.addFilter(broken)
        try:
            producer.push(Interaction(query="first"))
            wait_until(lambda: not any(each.name == "kaizen-producer" for each in threading.enumerate()))
        finally:
            logger.removeFilter(broken)
        takes_writes(True)
        producer.push(Interaction(query="second"))
        assert wait_until(lambda: [record.query for record in stored(redis)] == ["before", "first", "second"])


async def test_a_closed_producer_takes_nothing(config, redis):
    producer, other = Producer(config), AsyncProducer(config)
    producer.push(Interaction(query="before"))
    producer.close()
    await other.close()
    with pytest.raises(Conflict, match="make a new one"):
        producer.push(Interaction(query="after"))
    with pytest.raises(Conflict, match="make a new one"):
        await other.push(Interaction(query="after"))
    assert [record.query for record in stored(redis)] == ["before"]


def test_the_thin_side_stays_thin():
    script = """
import sys
from kaizen_api import Interaction, Producer, KaizenConfig
producer = Producer(KaizenConfig(redis_url="redis://127.0.0.1:1/0", user_key="k"), linger=60)
producer.push(Interaction(query="x"))
heavy = {"celery", "kombu", "numpy", "sklearn", "scipy", "fastapi", "prometheus_client", "kaizen_worker"}
print(sorted(heavy & set(sys.modules)))
"""
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60)
    assert told.stdout.strip() == "[]"


async def test_coroutines_lose_and_double_nothing(config, redis):
    async with AsyncProducer(config, linger=0.001) as producer:
        await asyncio.gather(*(producer.push(one) for name in "abcd" for one in many(MAX_BATCH // 2, name)))
        with pytest.raises(Invalid, match="blank"):
            await producer.push(Interaction(query=""))
    assert len({record.id for record in stored(redis)}) == len(stored(redis)) == 2 * MAX_BATCH
    assert producer.accepted == 2 * MAX_BATCH


async def test_both_producers_hash_a_user_alike(config, redis):
    with Producer(config) as producer:
        producer.push(Interaction(query="sync", user_id="ann"))
    async with AsyncProducer(config) as other:
        await other.push(Interaction(query="async", user_id="ann"))
    one, two = stored(redis)
    assert one.user == two.user
    assert redis.get(keys.USER_KEY)
