"""The stream: committed once, whoever dies; taken over, buried, put back; the gauges' window exact."""

import random

import msgspec
import pytest

from kaizen_api import Interaction, Producer, keys
from kaizen_api.metrics import field
from kaizen_api.metrics.table import RECENT
from kaizen_api.schema import Record
from kaizen_worker.store.dead import dead_letters, drop, put_back
from kaizen_worker.store.log import pack, read_log
from kaizen_worker.store.stream import Stream

OK, ERROR = (field("kaizen_interactions_total", outcome=outcome) for outcome in ("ok", "error"))


def consumer(redis, name, *, claim_after=0.0, recent=10_000):
    return Stream(redis, tenant="default", consumer=name, claim_after=claim_after, recent=recent)


def push(config, number, **fields):
    with Producer(config) as producer:
        producer.append(Interaction(query=f"q{index}", **fields) for index in range(number))


def commit(stream, deliveries, topics=None):
    records = [msgspec.msgpack.decode(delivery.encoded, type=Record) for delivery in deliveries]
    return stream.commit(deliveries, records, topics or [None] * len(records), pack(records))


def counts(redis, tenant="default"):
    hashes = [redis.hgetall(key) for key in (keys.metrics(tenant), keys.ROLLUP)]
    assert hashes[0] == hashes[1]
    return {name: int(hashes[0].get(name.encode(), 0)) for name in (OK, ERROR, *RECENT)}


def test_what_was_pushed_before_there_was_a_consumer_is_read(config, redis):
    push(config, 25)
    stream = consumer(redis, "a")
    first, second = stream.next(20), None
    assert commit(stream, first)
    second = stream.next(20)
    assert commit(stream, second)
    assert [len(first), len(second), stream.next(20)] == [20, 5, []]
    assert sorted(record.query for record in read_log(redis, tenant="default")) == sorted(f"q{i}" for i in range(25))
    assert redis.xlen(keys.stream("default")) == 0


def test_what_a_consumer_read_and_lost_it_reads_again(config, redis):
    push(config, 3)
    lost = consumer(redis, "a").next(10)
    assert consumer(redis, "a").next(10) == lost


def test_a_dead_consumers_interactions_are_taken_over_and_committed_once(config, redis):
    push(config, 10)
    dead, alive = consumer(redis, "dead"), consumer(redis, "alive")
    lost = dead.next(10)
    taken = alive.next(10)
    assert taken == lost
    assert not commit(dead, lost), "it woke up too late"
    assert counts(redis)[OK] == 0
    assert commit(alive, taken)
    assert not commit(alive, taken), "a second time is none"
    assert counts(redis)[OK] == 10
    assert len(list(read_log(redis, tenant="default"))) == 10


def test_a_batch_of_which_a_part_is_gone_is_left_whole(config, redis):
    push(config, 4)
    slow, quick = consumer(redis, "slow"), consumer(redis, "quick")
    held = slow.next(4)
    part = quick.next(2)
    assert not commit(slow, held)
    assert commit(quick, part)
    assert sorted(one.id for one in slow.next(4)) == sorted(one.id for one in held[2:])


def test_a_live_consumers_interactions_are_not_taken(config, redis):
    push(config, 2)
    consumer(redis, "busy").next(2)
    assert consumer(redis, "other", claim_after=3600).next(2) == []


def test_a_group_that_was_lost_is_made_again(config, redis):
    push(config, 3)
    stream = consumer(redis, "a")
    stream.next(1)
    redis.xgroup_destroy(keys.stream("default"), keys.GROUP)
    assert len(stream.next(10)) == 3


@pytest.mark.parametrize("seed", range(5))
def test_the_window_of_recent_values_is_exact(config, redis, seed):
    draw = random.Random(seed)
    values = [
        Interaction(
            query=f"q{index}",
            id=str(index),
            response_time=draw.choice([None, round(draw.uniform(0, 9), 6)]),
            error=draw.choice([None, "timeout"]),
            consciousness_level=draw.choice([None, round(draw.random(), 6)]),
        )
        for index in range(300)
    ]
    with Producer(config) as producer:
        producer.append(values)
    stream = consumer(redis, "a", recent=120)
    while deliveries := stream.next(draw.randint(1, 70)):
        assert commit(stream, deliveries)
    recent = values[-120:]
    times = [one.response_time for one in recent if one.response_time is not None]
    levels = [one.consciousness_level for one in recent if one.consciousness_level is not None]
    errors = [one.error for one in recent if one.error]
    expected = [120, len(errors), round(sum(times) * 1e6), len(times), round(sum(levels) * 1e6), len(levels)]
    told = counts(redis)
    assert [told[name] for name in RECENT] == expected
    assert told[ERROR] == sum(one.error is not None for one in values)
    assert told[OK] + told[ERROR] == 300


def test_live_topics_are_counted_with_the_commit(config, redis):
    push(config, 5)
    stream = consumer(redis, "a")
    assert commit(stream, stream.next(5), ["t1", None, "t1", "t2", None])
    assert redis.hgetall(keys.live("default")) == {b"t1": b"2", b"t2": b"1"}
    assert redis.zscore(keys.BUSIEST, "default") == 5


def test_a_dead_letter_tells_why_and_comes_back_or_goes(config, redis):
    push(config, 2)
    stream = consumer(redis, "a")
    one, other = stream.next(2)
    assert stream.bury(one, reason="boom", attempts=3, most=9) == 0
    assert stream.bury(one, reason="boom", attempts=3, most=9) is None, "it is not in hand any more"
    (letter,) = dead_letters(redis, tenant="default")
    assert (letter.reason, letter.attempts, letter.interaction.query) == ("boom", 3, "q0")
    assert commit(stream, [other])
    assert put_back(redis, [letter.id], tenant="default") == 1
    assert put_back(redis, [letter.id], tenant="default") == 0
    (again,) = stream.next(5)
    assert again.encoded == one.encoded
    assert stream.bury(again, reason="boom", attempts=1, most=9) == 0
    assert drop(redis, [letter.id for letter in dead_letters(redis, tenant="default")], tenant="default") == 1
    assert redis.xlen(keys.stream("default")) == 0
    for key in (keys.metrics("default"), keys.ROLLUP):
        assert int(redis.hget(key, field("kaizen_buried_total"))) == 2


def test_response_times_fall_into_their_buckets(config, redis):
    for seconds in (0.1, 0.2, 700.0, None):
        push(config, 1, response_time=seconds)
    stream = consumer(redis, "a")
    assert commit(stream, stream.next(10))
    name = "kaizen_response_time_seconds"
    expected = {field(name, le=bound): 1 for bound in ("0.1", "0.25", "+Inf")}
    expected |= {field(f"{name}_sum"): 700_300_000, field(f"{name}_count"): 3}
    for key in (keys.metrics("default"), keys.ROLLUP):
        stored = {series.decode(): int(value) for series, value in redis.hgetall(key).items()}
        assert {series: value for series, value in stored.items() if series.startswith(name)} == expected


def test_a_consumer_that_holds_nothing_leaves_no_name(config, redis):
    push(config, 2)
    stream = consumer(redis, "a")
    held = stream.next(2)
    stream.leave()
    assert len(redis.xinfo_consumers(keys.stream("default"), keys.GROUP)) == 1
    assert commit(stream, held)
    stream.leave()
    assert redis.xinfo_consumers(keys.stream("default"), keys.GROUP) == []


@pytest.mark.parametrize("lost_by", ["a", "dead"])
def test_what_was_deleted_while_it_was_pending_hides_nothing(config, redis, lost_by):
    push(config, 3)
    for delivery in consumer(redis, lost_by, claim_after=60).next(3):
        redis.xdel(keys.stream("default"), delivery.id)
    push(config, 5)
    assert len(consumer(redis, "a").next(3)) == 2


@pytest.mark.parametrize(
    ("number", "left"), [(3, 0), (4, 0), (5, 1), (7, 3)], ids=["below", "at", "above", "far above"]
)
def test_beyond_their_limit_the_oldest_dead_letters_make_room_and_are_counted(config, redis, number, left):
    push(config, number)
    stream = consumer(redis, "a")
    made_room = [stream.bury(one, reason="boom", attempts=1, most=4) for one in stream.next(9)]
    assert sum(made_room) == left
    kept = [letter.interaction.query for letter in dead_letters(redis, tenant="default")]
    assert kept == [f"q{index}" for index in range(left, number)]
    for key in (keys.metrics("default"), keys.ROLLUP):
        assert int(redis.hget(key, field("kaizen_dead_letters_lost_total")) or 0) == left
        assert int(redis.hget(key, field("kaizen_buried_total"))) == number
