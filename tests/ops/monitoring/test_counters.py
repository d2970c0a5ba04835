"""Counters on a real Prometheus, through three ends of the exporter and a Redis that is killed and loses its tail.

None goes backwards, and none rises by more than what happened.
"""

import os
import signal
import sys
import time

import pytest
from redis import Redis

from kaizen_api import keys
from kaizen_api.metrics import field
from kaizen_api.processes import Processes
from kaizen_api.server import start_server

SERIES = field("kaizen_analysis_cycles_total")
FOUR = (
    "rate(kaizen_insights_total[5m])",
    "kaizen_error_rate",
    "histogram_quantile(0.95, kaizen_analysis_duration_seconds_bucket)",
    "rate(kaizen_gapfill_triggers[5m])",
)


class Kaizen:
    """A server with an append-only file, its exporter, and a Prometheus that looks on each second."""

    def __init__(self, start, folder, port):
        self._start, self._folder, self._port = start, folder, port
        self.processes = Processes()
        self.serve()
        self.export()

    def serve(self):
        self.url = start_server(self.processes, self._folder, log=self._folder / "log")
        self.redis = Redis.from_url(self.url)

    def export(self):
        serve = ("-m", "uvicorn", "--factory", "kaizen_api.metrics.exporter:create", "--port", self._port)
        own = {"KAIZEN_REDIS_URL": self.url, "KAIZEN_DATA_DIR": str(self._folder)}
        self._exporter = self._start(sys.executable, *serve, **own)

    def end_exporter(self):
        self._exporter.kill()
        self._exporter.wait(30)

    def kill_server(self, *, losing):
        """As a power loss does, with the last bytes of its append-only file."""
        pid = self.processes.pids["redis"]
        os.kill(pid, signal.SIGKILL)
        self.redis.close()
        self.processes.__exit__(None, None, None)
        self.processes = Processes()
        tail = max(self._folder.rglob("*.incr.aof"), key=lambda path: path.stat().st_mtime)
        content = tail.read_bytes()
        for _ in range(losing):
            content = content[: content.rindex(b"*4\r\n")]
        tail.write_bytes(content)


@pytest.fixture
def kaizen(start, prometheus, free_port, tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("k"), free_port()
    one = Kaizen(start, folder, port)
    target = f"static_configs: [{{targets: ['127.0.0.1:{port}']}}]"
    scrape = f"{{job_name: kaizen, metrics_path: /kaizen/metrics, {target}}}"
    one.prometheus = prometheus(f"global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs: [{scrape}]\n")
    yield one
    one.processes.__exit__(None, None, None)
    one.redis.close()


@pytest.fixture
def grow(kaizen, wait_until):
    """Counts one by one until so many, and waits until Prometheus has seen it."""

    def run(count, *, above=0):
        while int(kaizen.redis.hget(keys.ROLLUP, SERIES) or 0) < count:
            kaizen.redis.hincrby(keys.ROLLUP, SERIES, 1)
        done, wanted = time.time(), [max(count, above)]
        scraped = "timestamp(kaizen_analysis_cycles_total)"
        wait_until(lambda: any(float(row["value"][1]) > done for row in kaizen.prometheus.query(scraped)))
        assert [float(row["value"][1]) for row in seen(kaizen)] == wanted

    return run


def seen(kaizen):
    return kaizen.prometheus.query("kaizen_analysis_cycles_total")


def test_counters_never_fall_nor_jump(kaizen, grow):
    grow(100)
    for count in (150, 200, 250):
        kaizen.end_exporter()
        kaizen.export()
        grow(count)
    kaizen.end_exporter()  # at once with the server: nobody but its file knows what was served
    kaizen.kill_server(losing=10)
    kaizen.serve()
    assert int(kaizen.redis.hget(keys.ROLLUP, SERIES)) == 240
    kaizen.export()
    grow(245, above=250)
    grow(300)
    assert [row["value"][1] for row in kaizen.prometheus.query("resets(kaizen_analysis_cycles_total[10m])")] == ["0"]
    (rise,) = kaizen.prometheus.query(
        "max_over_time(kaizen_analysis_cycles_total[10m]) - min_over_time(kaizen_analysis_cycles_total[10m])"
    )
    assert float(rise["value"][1]) <= 300


def test_the_four_queries_of_the_contract_give_data(kaizen, wait_until):
    for series in (field("kaizen_insights_total", insight_type="gap"), field("kaizen_gapfill_triggers")):
        kaizen.redis.hincrby(keys.ROLLUP, series, 1)
    for query in FOUR:
        wait_until(lambda query=query: kaizen.prometheus.query(query))
