"""What stops a producer: too many wait, one waits for too long, Redis has too little memory; nothing is lost by it."""

from itertools import islice

import pytest

from kaizen_api import AsyncProducer, Interaction, KaizenConfig, Producer, keys
from kaizen_api.errors import Backpressure
from kaizen_api.metrics.table import field
from kaizen_api.producer import waiting
from kaizen_api.producer.room import SHARE

ROOM = 4_000_000


@pytest.fixture
def little(redis, server, tmp_path):
    """A server with room for a few thousand more."""
    redis.config_set("maxmemory", int(redis.info("memory")["used_memory"] / SHARE) + ROOM)
    yield KaizenConfig(redis_url=server, data_dir=tmp_path)
    redis.config_set("maxmemory", 0)


@pytest.fixture
def fill(many):
    """Appends until it is stopped."""

    def append(producer):
        for batch in range(100):
            producer.append(many(1000, f"b{batch}"))

    return append


def append_all(producer, records, *, step):
    while batch := list(islice(records, step)):
        producer.append_records(batch)


async def fill_from(producer, records):
    while batch := list(islice(records, 1000)):
        await producer.append_records(batch)


def test_a_full_stream_takes_nothing_of_a_batch(redis, server, tmp_path, stored, many):
    config = KaizenConfig(redis_url=server, data_dir=tmp_path, stream_max_length=1000)
    with Producer(config) as producer:
        producer.append(many(900))
        with pytest.raises(Backpressure, match=r"900 interactions .* KAIZEN_STREAM_MAX_LENGTH"):
            producer.append(many(101, "more"))
        assert len(stored(redis)) == 900
        assert producer.append(many(100, "more")).accepted == 100


async def test_an_old_stream_takes_nothing_until_it_is_drained(config, redis, many):
    old, _ = redis.time()
    redis.xadd(keys.stream("default"), {"r": b""}, id=f"{(old - 90_000) * 1000}-0")
    with Producer(config) as producer:
        with pytest.raises(Backpressure, match=r"9\d{4} s.*KAIZEN_STREAM_MAX_AGE"):
            producer.append(many(1))
        async with AsyncProducer(config) as other:
            with pytest.raises(Backpressure, match="KAIZEN_STREAM_MAX_AGE"):
                await other.append_records([producer.intake.record(Interaction(query="x"))])
        patient = Producer(config.model_copy(update={"stream_max_age": 100_000}))
        assert patient.append(many(1)).accepted == 1
        patient.close()
        redis.xtrim(keys.stream("default"), maxlen=1, approximate=False)
        assert producer.append(many(2)).accepted == 1


def test_a_producer_stops_before_redis_is_full_and_goes_on_when_it_is_not(little, redis, many, fill):
    with Producer(little) as producer:
        with pytest.raises(Backpressure, match="maxmemory") as refused:
            fill(producer)
        assert refused.value.retry_after > 0
        assert 1000 <= producer.accepted == redis.xlen(keys.stream("default"))
        redis.config_set("maxmemory", 0)
        assert producer.append(many(1, "after")).accepted == 1


async def test_coroutines_stop_as_well(little, many):
    async with AsyncProducer(little) as producer:
        intake = await producer.intake()
        with pytest.raises(Backpressure, match="maxmemory"):
            await fill_from(producer, (intake.record(one) for one in many(100_000)))
        assert producer.accepted >= 1000


def test_what_was_taken_can_be_committed_in_what_is_left(little, redis, fill):
    """Short texts grow most: a vector is ten times their place in the stream."""
    with Producer(little) as producer:
        with pytest.raises(Backpressure):
            fill(producer)
        stream = keys.stream("default")
        assert redis.xlen(stream) == producer.accepted >= 1000
        for place, (entry, _) in enumerate(redis.xrange(stream)):  # as a commit does, in the same sizes
            redis.hset(keys.vectors("default", "m", 0), f"{place:012}", bytes(768))
            redis.rpush(keys.recent("default"), "1200000:0:")
            redis.xdel(stream, entry)
            if place % 500 == 0:
                redis.xadd(keys.log("default"), {"b": bytes(500 * 70)})
        redis.delete(keys.vectors("default", "m", 0))
        assert not redis.xlen(stream)


def test_long_texts_need_no_more_when_they_are_committed(little, many):
    """What they take in the stream is free again by then, so that they may fill nearly all."""
    long = [Interaction(query=one.query, id=one.id, response="so it is, " * 400) for one in many(2000)]
    with Producer(little) as producer:
        records = map(producer.intake.record, long)
        with pytest.raises(Backpressure, match="up to 0 MB more"):
            append_all(producer, records, step=50)
    assert producer.accepted * 4000 > ROOM * 2 / 3


def test_other_tenants_streams_count(little, redis, many):
    redis.hset(keys.ROLLUP, field("kaizen_ingested_total", result="accepted"), 100_000)
    with Producer(little) as producer:
        with pytest.raises(Backpressure, match="90 MB more"):
            producer.append(many(1))
        redis.hset(keys.ROLLUP, field("kaizen_interactions_total", outcome="ok"), 99_990)
        assert producer.append(many(1)).accepted == 1


def test_a_server_that_is_full_already_pushes_back(config, redis, many):
    with Producer(config) as producer:
        producer.append(many(1))  # it has looked, and there was no limit
        redis.config_set("maxmemory", 1)
        with pytest.raises(Backpressure, match="maxmemory"):
            producer.append(many(2))
        redis.config_set("maxmemory", 0)


def test_who_may_not_look_is_not_held_up(config, redis, server, many):
    redis.acl_setuser("thin", enabled=True, nopass=True, keys=["*"], categories=["+@all"], commands=["-info"])
    url = server.replace("unix://", "unix://thin:any@")
    try:
        with Producer(config.model_copy(update={"redis_url": url})) as producer:
            assert producer.append(many(3)).accepted == 3
    finally:
        redis.acl_deluser("thin")


def test_memory_is_bounded_by_number_and_by_bytes(tmp_path, monkeypatch):
    config = KaizenConfig(redis_url="redis://127.0.0.1:1/0", data_dir=tmp_path, user_key="k")
    for bound, limit in (("BUFFER", 3), ("BUFFER_BYTES", 100)):
        with monkeypatch.context() as patch:
            patch.setattr(waiting, bound, limit)
            room = waiting.waiting_room(config, tenant="default")
            for index in range(3):
                room.add((str(index), bytes(33)))
            with pytest.raises(Backpressure, match="3 interactions wait"):
                room.add(("more", bytes(33)))
            assert [name for name, _ in room.first()] == ["0", "1", "2"]
            room.forget_first()
            assert room.first() == []
            room.add(("more", bytes(33)))
