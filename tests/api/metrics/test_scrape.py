import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from kaizen_api import keys
from kaizen_api.config import KaizenConfig
from kaizen_api.metrics import create_metrics_app, field
from kaizen_api.metrics.app import scrape_timeout
from kaizen_api.metrics.marks import HighWater
from kaizen_api.metrics.table import EPOCH, labels_of
from kaizen_api.processes import Processes
from kaizen_api.server import start_server


def client_of(config):
    app = create_metrics_app(SimpleNamespace(config=config))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://exporter")


def series(text):
    return [line for line in text.splitlines() if not line.startswith("#")]


def value(text, name):
    return float(next(line for line in series(text) if line.startswith(name + " ")).split()[1])


async def test_redis_down_is_no_failed_scrape(unreachable_config):
    async with client_of(unreachable_config) as client:
        answer = await client.get("/kaizen/metrics")
        health = await client.get("/kaizen/health")
    assert answer.status_code == 200
    assert series(answer.text) == ["kaizen_up 0.0"]
    assert health.status_code == 503
    assert health.json()["status"] == "unavailable"


async def test_no_redis_configured_is_down_too(tmp_path):
    async with client_of(KaizenConfig(data_dir=tmp_path)) as client:
        assert series((await client.get("/metrics")).text) == ["kaizen_up 0.0"]


@pytest.mark.parametrize(("header", "limit"), [({}, 2.5), ({"X-Prometheus-Scrape-Timeout-Seconds": "0.8"}, 0.8)])
async def test_a_hung_redis_is_answered_within_the_scrapers_patience(tmp_path, header, limit):
    with Processes() as processes:
        url = start_server(processes, tmp_path / "data", log=tmp_path / "log", persistent=False)
        os.kill(processes.pids["redis"], signal.SIGSTOP)
        try:
            async with client_of(KaizenConfig(redis_url=url)) as client:
                began = time.monotonic()
                answer = await client.get("/kaizen/metrics", headers=header)
                took = time.monotonic() - began
        finally:
            os.kill(processes.pids["redis"], signal.SIGCONT)
    assert series(answer.text) == ["kaizen_up 0.0"]
    assert took < limit


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 2.0), ("10", 2.0), ("1", 0.75), ("nan", 2.0), ("inf", 2.0), ("-1", 2.0), ("0", 2.0), ("soon", 2.0)],
)
def test_the_timeout_follows_the_scraper(header, seconds):
    assert scrape_timeout(header) == seconds


async def test_streams_of_all_tenants_are_summed(api_config, api_redis):
    now = int(time.time() * 1000)
    for number in range(1203):  # more than two calls of the script
        tenant = f"t{number}"
        api_redis.sadd(keys.TENANTS, tenant)
        if number % 3 == 0:
            api_redis.xadd(keys.stream(tenant), {"r": b"x"}, id=f"{now - 1000 * number}-1")
    api_redis.xgroup_create(keys.stream("t9"), keys.GROUP, id="0")
    api_redis.xreadgroup(keys.GROUP, "someone", {keys.stream("t9"): ">"})
    api_redis.xadd(keys.dead("t1"), {"r": b"x"})
    async with client_of(api_config) as client:
        text = (await client.get("/kaizen/metrics")).text
        health = (await client.get("/kaizen/health")).json()
    assert value(text, "kaizen_stream_depth") == 401
    assert value(text, "kaizen_stream_lag") == 400
    assert value(text, "kaizen_dead_letters") == 1
    assert value(text, "kaizen_stream_oldest_age_seconds") == pytest.approx(1200, abs=30)
    assert health["stream"]["depth"] == 401


async def test_a_counter_that_lost_its_tail_stands_still_until_it_has_caught_up(api_config, api_redis):
    counter = field("kaizen_analysis_cycles_total")
    async with client_of(api_config) as client:

        async def served(count):
            api_redis.hset(keys.ROLLUP, counter, count)
            return value((await client.get("/kaizen/metrics")).text, "kaizen_analysis_cycles_total")

        assert [await served(count) for count in (1000, 990, 1001)] == [1000, 1000, 1001]
        api_redis.flushall()
        assert await served(3) == 3


async def test_gauges_may_fall(api_config, api_redis):
    async with client_of(api_config) as client:
        for size in (9, 4):
            api_redis.hset(keys.ROLLUP, field("kaizen_knowledge_base_size"), size)
            text = (await client.get("/kaizen/metrics")).text
            assert value(text, "kaizen_knowledge_base_size") == size


async def test_a_full_redis_can_still_be_scraped(api_config, api_redis):
    api_redis.config_set("maxmemory", "1")
    try:
        async with client_of(api_config) as client:
            assert value((await client.get("/kaizen/metrics")).text, "kaizen_up") == 1
    finally:
        api_redis.config_set("maxmemory", "0")
    assert api_redis.hget(keys.ROLLUP, EPOCH) is None


@given(st.lists(st.integers(0, 1000), min_size=1))
def test_marks_never_fall_within_an_epoch(counts):
    marks = HighWater()
    name = field("kaizen_interactions_total", outcome="ok")
    served = [marks.rise("one", {name: count})[name] for count in counts]
    assert served == [max(counts[: end + 1]) for end in range(len(counts))]
    assert marks.rise("two", {name: counts[-1]})[name] == counts[-1]


def test_labels_are_read_back():
    name = field("kaizen_breaker_transitions_total", breaker="a/b=c", state="open")
    assert labels_of(name) == ("kaizen_breaker_transitions", {"breaker": "a/b=c", "state": "open"})


def run(code):
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return shown.stdout.strip()


def test_the_router_reads_the_environment_only_when_asked():
    code = (
        "import os; os.environ['KAIZEN_SEED'] = 'wrong'\n"
        "from kaizen_api.metrics import metrics_router; print(sorted(r.path for r in metrics_router.routes))"
    )
    assert run(code) == "['/kaizen/health', '/kaizen/metrics']"


async def test_the_router_joins_another_application(api_config, monkeypatch):
    monkeypatch.setenv("KAIZEN_REDIS_URL", api_config.redis_url)
    from kaizen_api.metrics import metrics_router  # noqa: PLC0415  # as an application does, with its environment set

    app = FastAPI()
    app.include_router(metrics_router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mine") as client:
        assert value((await client.get("/kaizen/metrics")).text, "kaizen_up") == 1
        assert (await client.get("/metrics")).status_code == 404


def test_pushing_loads_no_web_framework():
    code = (
        "import sys, kaizen_api, kaizen_api.metrics\n"
        "print([m for m in ('fastapi', 'prometheus_client', 'starlette', 'celery', 'numpy') if m in sys.modules])"
    )
    assert run(code) == "[]"


def test_marks_outlast_their_exporter_within_an_epoch(tmp_path):
    file, name = tmp_path / "new" / "marks", field("kaizen_analysis_cycles_total")
    assert HighWater(file).rise("one", {name: 1000}) == {name: 1000}
    assert HighWater(file).rise("one", {name: 990}) == {name: 1000}
    assert HighWater(file).rise("two", {name: 3}) == {name: 3}


def test_a_broken_file_of_marks_and_a_full_disk_cost_the_marks_alone(tmp_path):
    file, name = tmp_path / "marks", field("kaizen_analysis_cycles_total")
    file.write_text("{")
    assert HighWater(file).rise("one", {name: 5}) == {name: 5}
    (tmp_path / "file").write_text("")
    assert HighWater(tmp_path / "file" / "marks").rise("one", {name: 5}) == {name: 5}
