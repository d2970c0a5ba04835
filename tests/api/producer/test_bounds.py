"""Every call ends: Redis refused, hung, killed in the middle and started again. One that does not fails by time-out."""

import asyncio
import socket
import threading
from contextlib import suppress

import pytest

from kaizen_api import AsyncProducer, Interaction, KaizenConfig, Producer, analyses, jobs
from kaizen_api.connection import connect, connect_async, reaching
from kaizen_api.errors import Unavailable
from kaizen_api.producer.batch import FLUSH_SECONDS
from kaizen_api.queries import Queries

pytestmark = pytest.mark.timeout(60)


def query(config):
    with reaching(config), connect(config) as client:
        Queries(client, tenant="default").page("insight")


def append(config):
    with Producer(config) as producer:
        producer.append([Interaction(query="x")])


def ask_for_the_key(config):
    with Producer(config.model_copy(update={"user_key": None})) as producer:
        producer.push(Interaction(query="x"))


def push_and_flush(config):
    with suppress(Unavailable), Producer(config, linger=60) as producer:  # closing tells the same again
        producer.push(Interaction(query="x"))
        try:
            producer.flush()
        except Unavailable as error:
            told = error
        else:
            return
    raise told


def push_and_close(config):
    producer = Producer(config, linger=60)
    producer.push(Interaction(query="x"))
    producer.close()


def close_in_a_coroutine(config):
    async def run():
        producer = AsyncProducer(config, linger=60)
        await producer.push(Interaction(query="x"))
        await producer.close()

    asyncio.run(run())


def append_in_a_coroutine(config):
    async def run():
        producer = AsyncProducer(config)
        try:
            await producer.append_records([(await producer.intake()).record(Interaction(query="x"))])
        finally:
            await producer.close()

    asyncio.run(run())


def ping_in_a_coroutine(config):
    async def run():
        async with connect_async(config) as client:
            with reaching(config):
                await client.ping()

    asyncio.run(run())


def analyze(config):
    analyses.request(config, tenant="default")


def enqueue(config):
    jobs.enqueue(config, jobs.ANALYZE, tenant="default", cycle_id="y")


DOORS = [
    append,
    ask_for_the_key,
    push_and_flush,
    push_and_close,
    append_in_a_coroutine,
    close_in_a_coroutine,
    ping_in_a_coroutine,
    query,
    analyze,
    enqueue,
]

doors = pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)


@doors
def test_refused(door, tmp_path):
    with pytest.raises(Unavailable):
        door(KaizenConfig(redis_url="redis://127.0.0.1:1/0", data_dir=tmp_path, user_key="k"))


@doors
def test_nobody_accepts(door, tmp_path):
    """A listener that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        with pytest.raises(Unavailable):
            door(KaizenConfig(redis_url=url, data_dir=tmp_path, user_key="k"))


@doors
def test_frozen(door, own_server, own_config):
    door(own_config)
    own_server.freeze()
    try:
        with pytest.raises(Unavailable):
            door(own_config)
    finally:
        own_server.thaw()
    door(own_config)


@doors
def test_killed_in_the_middle_and_started_again(door, own_server, own_config, wait_until):
    door(own_config)
    own_server.freeze()
    ended = []

    def call():
        try:
            ended.append(door(own_config))
        except Unavailable as error:
            ended.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    own_server.kill()
    own_server.start()
    caller.join()
    assert len(ended) == 1
    wait_until(lambda: works(door, own_config))


def works(door, config):
    try:
        door(config)
    except Unavailable:
        return False
    return True


def test_many_threads_that_flush_do_not_wait_for_each_other_without_end(own_server, own_config):
    producer = Producer(own_config, linger=60)
    producer.append([Interaction(query="before")])
    producer.push(Interaction(query="waits"))
    own_server.freeze()
    told = []

    def flush():
        with pytest.raises(Unavailable):
            producer.flush()
        told.append(True)

    threads = [threading.Thread(target=flush) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3 * FLUSH_SECONDS)
    assert len(told) == 30
    own_server.thaw()
    producer.close()


def test_a_first_batch_after_a_restart_is_appended_at_once(own_server, own_config):
    """The connections broke and the server has forgotten the script: neither is the caller's trouble."""
    with Producer(own_config) as producer:
        producer.append([Interaction(query="before")])
        own_server.kill()
        own_server.start()
        assert producer.append([Interaction(query="before"), Interaction(query="after")]).duplicates == (0,)


async def test_so_it_is_in_a_coroutine(own_server, own_config):
    async with AsyncProducer(own_config) as producer:
        intake = await producer.intake()
        records = [intake.record(Interaction(query=query)) for query in ("before", "after")]
        await producer.append_records(records[:1])
        await asyncio.to_thread(own_server.kill)
        await asyncio.to_thread(own_server.start)
        assert (await producer.append_records(records)).duplicates == (0,)
