"""A million events with no worker at work: memory, the limit, the pace at that depth, and drained to the last."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from kaizen_api import Interaction, KaizenConfig, Producer, keys
from kaizen_api.errors import Backpressure
from kaizen_api.metrics import field

LIMIT = 1_000_000
BY_HTTP = 100_000
SHALLOW = 10_000
STEP = 5_000
ROUNDS = 7
FILLING = "of my order " * 20

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture
def client(server):
    """Like `redis`, but what it holds stays from test to test of this file."""
    with Redis.from_url(server) as client:
        yield client


@pytest.fixture
def settings(server, tmp_path):
    return KaizenConfig(redis_url=server, data_dir=tmp_path, tenant="deep", stream_max_length=LIMIT)


def test_a_million_wait_in_bounded_memory(client, settings, serve, bench):
    client.flushall()
    before = client.info("memory")["used_memory"]
    own = {"KAIZEN_TENANT": "deep", "KAIZEN_STREAM_MAX_LENGTH": str(LIMIT)}
    api, port = serve("api", "-m", "kaizen_api.cli", "api", path="/readyz", **own)
    producer, pusher = push(settings, LIMIT - BY_HTTP, bench.peak_rss)
    assert bench.post(port, "/v1/interactions", iter(bodies())) == {202: BY_HTTP // 100}
    assert client.xlen(keys.stream("deep")) == LIMIT
    each = (client.info("memory")["used_memory"] - before) / LIMIT
    bench.note("1,000,000 events wait: Redis memory an event", f"{each:,.0f} B", "reported")
    bench.note("  peak memory of the producer's process", f"{pusher / 2**20:,.0f} MB", "< 200")
    bench.note("  peak memory of the API's process", f"{bench.peak_rss(api) / 2**20:,.0f} MB", "< 200")
    assert producer == LIMIT - BY_HTTP
    with Producer(settings) as one, pytest.raises(Backpressure):
        one.append([Interaction(query="one too many")])
    assert set(bench.post(port, "/v1/interactions", iter([b'{"query": "one too many"}'] * 3))) == {429}
    assert client.xlen(keys.stream("deep")) == LIMIT


def push(settings, number, peak_rss):
    """What the producer's process accepted, and the most memory it had."""
    command = [sys.executable, str(Path(__file__).parent / "pusher.py"), "deep", str(number)]
    own = {
        **os.environ,
        "KAIZEN_REDIS_URL": settings.redis_url,
        "KAIZEN_TENANT": "deep",
        "KAIZEN_DATA_DIR": str(settings.data_dir),
    }
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=own, stdin=pipe, stdout=pipe, text=True) as process:
        accepted = int(process.stdout.readline())
        most = peak_rss(process.pid)
        process.stdin.close()
    return accepted, most


def bodies():
    for start in range(0, BY_HTTP, 100):
        rows = [{"id": f"h{start + n}", "query": f"where is parcel {start + n} {FILLING}"} for n in range(100)]
        yield json.dumps(rows).encode()


def test_the_pace_at_depth(client, settings, bench):
    depths = {"deep": LIMIT, "flat": SHALLOW}
    missing = SHALLOW - client.xlen(keys.stream("flat"))
    with Producer(settings, tenant="flat") as producer:
        producer.append(small("filler", missing))

    def step(name):
        tenant = name.rstrip("0123456789")
        events = list(small(name, STEP))
        assert client.xlen(keys.stream(tenant)) == depths[tenant]
        consumed = bench.rate(STEP, lambda: bench.drain(client, tenant, batch=settings.batch_size, most=STEP))
        with Producer(settings, tenant=tenant) as producer:
            producer.append(events[:1])
            appended = bench.rate(STEP - 1, lambda: producer.append(events[1:]))
        return consumed, appended

    rates = bench.race(ROUNDS, deep=step, flat=step)
    against = f"ours where {SHALLOW:,} wait"
    for what, deep, flat in zip(("consume", "append"), rates["deep"], rates["flat"], strict=True):
        bench.row(f"{what} where 1,000,000 wait", deep, flat, against, bar=">= 0.9")


def small(name, number):
    return (Interaction(id=f"{name}-{index}", query=f"where is parcel {index} {FILLING}") for index in range(number))


def test_it_drains_to_the_last(client, settings, bench):
    waiting = client.xlen(keys.stream("deep"))
    measured = bench.rate(waiting, lambda: bench.drain(client, "deep", batch=settings.batch_size))
    accepted = int(client.hget(keys.metrics("deep"), field("kaizen_ingested_total", result="accepted")))
    done = [field("kaizen_interactions_total", outcome=outcome) for outcome in ("ok", "error")]
    assert sum(int(value or 0) for value in client.hmget(keys.metrics("deep"), done)) == accepted >= waiting == LIMIT
    assert client.xlen(keys.stream("deep")) == client.xpending(keys.stream("deep"), keys.GROUP)["pending"] == 0
    bench.note("  drained to the last", f"{measured:,.0f} /s", "all")
    bench.note(
        "  Redis memory an event of the log, and of its id", f"{client.info('memory')['used_memory'] / accepted:,.0f} B"
    )
