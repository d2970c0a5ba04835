"""Append: batches of a thousand through `Producer`, against redis-py alone."""

import json

import pytest

from kaizen_api import Producer, keys

BATCH = 1_000
NUMBER = 5_000
ROUNDS = 9

pytestmark = pytest.mark.timeout(600)


def test_append_in_batches(config, redis, bench):
    def ours(name):
        events = bench.interactions(bench.fields(name, NUMBER))
        redis.flushall()
        with Producer(config) as producer:
            producer.append(events[:1])  # the connection, the script and the installation's key are there
            measured = bench.rate(NUMBER - 1, lambda: producer.append(events[1:]))
        assert redis.xlen(keys.stream(config.tenant)) == NUMBER
        return (measured,)

    def peer(name):
        events = bench.fields(name, NUMBER)
        redis.flushall()
        measured = bench.rate(NUMBER, lambda: push(redis, events))
        assert redis.xlen("peer") == NUMBER
        return (measured,)

    rates = bench.race(ROUNDS, ours=ours, peer=peer)
    against = f"redis-py pipeline of {BATCH:,} XADD with json.dumps of each event; no check, no mask, no mark of ids"
    bench.row("append in batches of 1,000", *rates["ours"], *rates["peer"], against, bar=">= 0.7")


def push(redis, events):
    for start in range(0, len(events), BATCH):
        pipe = redis.pipeline(transaction=False)
        for event in events[start : start + BATCH]:
            pipe.xadd("peer", {"r": json.dumps(event)})
        pipe.execute()
