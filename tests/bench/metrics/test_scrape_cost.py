"""What a scrape costs: Redis' own time by its statistics, and the whole as a scraper sees it.

.venv/bin/python -m pytest -q -s tests/bench/metrics
"""

import http.client
import os
import socket
import statistics
import subprocess
import sys
import time

import pytest

from kaizen_api import keys
from kaizen_api.metrics import METRICS, field
from kaizen_api.metrics.queues import leave_sums

LOOKS = 300


@pytest.fixture
def scrape(redis, server, tmp_path):
    """Scrapes a real exporter so often: (Redis' ms, median ms, 99th percentile ms, series)."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    serve = ["-m", "uvicorn", "--no-access-log", "--factory", "kaizen_api.metrics.exporter:create", "--port", str(port)]
    own = {**os.environ, "KAIZEN_REDIS_URL": server, "KAIZEN_DATA_DIR": str(tmp_path)}
    process = subprocess.Popen([sys.executable, *serve], env=own, stderr=subprocess.DEVNULL, cwd=tmp_path)

    def look():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        began = time.perf_counter()
        connection.request("GET", "/kaizen/metrics")
        text = connection.getresponse().read()
        took = 1000 * (time.perf_counter() - began)
        connection.close()
        return took, text

    def measure(*, ticks=True):
        times, spent = [], 0.0
        for _ in range(LOOKS):
            if ticks:
                leave_sums(redis)
            before = _micros(redis)
            took, text = look()
            spent += _micros(redis) - before
            times.append(took)
        assert b"kaizen_up 1" in text
        lines = [line for line in text.splitlines() if not line.startswith(b"#")]
        return spent / LOOKS / 1000, statistics.median(times), statistics.quantiles(times, n=100)[98], len(lines)

    deadline = time.monotonic() + 60
    while True:
        try:
            look()
            break
        except ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    yield measure
    process.terminate()
    process.wait(30)


def _micros(redis):
    """What its commands have cost the server so far, without those by which that is asked and prepared."""
    stats = redis.info("commandstats")
    mine = {"cmdstat_pttl", "cmdstat_set"}
    return sum(one["usec"] for name, one in stats.items() if name not in mine)


def _tenants(redis, number):
    redis.flushall()
    pipe = redis.pipeline(transaction=False)
    for index in range(number):
        tenant = f"t{index}"
        pipe.sadd(keys.TENANTS, tenant)
        pipe.xadd(keys.stream(tenant), {"r": b"x" * 100})
        pipe.zadd(keys.BUSIEST, {tenant: 1 + index})
        pipe.hset(keys.metrics(tenant), field(METRICS[0].name, outcome="ok"), 1)
    pipe.execute()


def _say(what, result):
    redis, median, p99, series = result
    print(f"{what:28} Redis {redis:6.3f} ms   scrape median {median:6.2f} ms   p99 {p99:6.2f} ms   {series} series")


def test_cost_by_tenants(redis, scrape):
    print()
    costs = {}
    for number in (1, 100, 1000, 5000):
        _tenants(redis, number)
        result = scrape()
        costs[number] = result[0]
        _say(f"{number} tenants", result)
    print(f"ratio of 5,000 tenants to 1: {costs[5000] / costs[1]:.2f}; to 100: {costs[5000] / costs[100]:.2f}")
    redis.delete(keys.QUEUES)
    _say("5000 tenants, no ticks", scrape(ticks=False))


def test_cost_by_interactions(redis, scrape):
    print()
    _tenants(redis, 1)
    done, costs = 1, {}
    for number in (1_000, 100_000, 1_000_000):
        while done < number:
            pipe = redis.pipeline(transaction=False)
            for _ in range(min(10_000, number - done)):
                pipe.xadd(keys.stream("t0"), {"r": b"x" * 50})
            done += len(pipe.execute())
        redis.hset(keys.ROLLUP, field(METRICS[0].name, outcome="ok"), number)
        result = scrape()
        costs[number] = result[0]
        _say(f"{number} interactions", result)
    print(f"ratio of 1M interactions to 1k: {costs[1_000_000] / costs[1_000]:.2f}")
