"""Consumption without embedding: read, decode, commit, acknowledge, against a bare consumer group."""

import msgspec
import pytest

from kaizen_api import Producer, keys
from kaizen_api.metrics import field
from kaizen_api.schema import Record

NUMBER = 5_000
ROUNDS = 9

pytestmark = pytest.mark.timeout(600)


def test_consumption(config, redis, bench):
    decoder = msgspec.msgpack.Decoder(Record)
    stream, batch = keys.stream(config.tenant), config.batch_size

    def fill(name):
        redis.flushall()
        with Producer(config) as producer:
            producer.append(bench.interactions(bench.fields(name, NUMBER)))
        redis.xgroup_create(stream, keys.GROUP, id="0")

    def ours(name):
        fill(name)
        measured = bench.rate(NUMBER, lambda: bench.drain(redis, config.tenant, batch=batch))
        outcomes = [field("kaizen_interactions_total", outcome=outcome) for outcome in ("ok", "error")]
        assert sum(map(int, redis.hmget(keys.ROLLUP, outcomes))) == NUMBER
        assert redis.xlen(stream) == 0
        return (measured,)

    def peer(name):
        fill(name)
        measured = bench.rate(NUMBER, lambda: read(redis, stream, batch, decoder))
        assert redis.xpending(stream, keys.GROUP)["pending"] == 0
        assert redis.xinfo_groups(stream)[0]["lag"] == 0
        return (measured,)

    rates = bench.race(ROUNDS, ours=ours, peer=peer)
    against = f"redis-py XREADGROUP COUNT {batch}, msgspec decode of each, XACK of all: the same entries, not deleted"
    bench.row("consume: read, decode, commit, acknowledge", *rates["ours"], *rates["peer"], against, bar=">= 0.5")


def read(redis, stream, batch, decoder):
    while reply := redis.xreadgroup(keys.GROUP, "peer", {stream: ">"}, count=batch):
        entries = reply[0][1] if isinstance(reply, list) else next(iter(reply.values()))[0]
        for _, fields in entries:
            decoder.decode(fields[b"r"])
        redis.xack(stream, keys.GROUP, *(entry_id for entry_id, _ in entries))
