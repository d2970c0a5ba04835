"""No finished span is lost with a worker's child, however that ends, and a collector that hangs holds up no job."""

import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

from kaizen_api import jobs, keys

SHORT = 8
"""Jobs that find nothing to do."""

QUERIES = ("how do I reset the PIN of a card", "where are the stairs of the lighthouse")


@pytest.fixture
def work(config, redis, wait_until):
    """Asks for jobs, whose ids it returns, and waits until there are none."""

    def ask():
        short = [jobs.enqueue(config, jobs.ANALYZE, tenant="default", cycle_id=f"y{number}") for number in range(SHORT)]
        return sorted([*short, *(jobs.fill_query(config, "default", query) for query in QUERIES)])

    def done():
        queues = redis.hlen(keys.BROKER_PREFIX + "unacked"), redis.llen(keys.BROKER_PREFIX + jobs.WORK_QUEUE)
        return not any(queues)

    return SimpleNamespace(ask=ask, wait=lambda: wait_until(done, seconds=120))


def jobs_of(collector):
    done = [*collector.named(jobs.ANALYZE), *collector.named(jobs.FILL)]
    return sorted(span.attributes["kaizen.job_id"] for span in done)


def test_all_spans_of_children_that_do_one_job_each_arrive(work, collector, start_worker, wait_until):
    asked = work.ask()
    worker = start_worker("--max-tasks-per-child", "1", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    wait_until(lambda: len(jobs_of(collector)) >= len(asked), seconds=200)
    worker.send_signal(signal.SIGTERM)
    worker.wait(60)
    assert jobs_of(collector) == asked
    assert len(collector.named("search")) == len(QUERIES)
    fills = {span.id: span for span in collector.named(jobs.FILL)}
    for search in collector.named("search"):
        fill = fills[search.parent]
        assert search.trace == fill.trace
        assert search.attributes["kaizen.gap_id"] == fill.attributes["kaizen.gap_id"]
        assert search.attributes["kaizen.source"] == "folder"


@pytest.mark.parametrize("told", ["the worker to end", "the child to end", "the worker to end at once"])
def test_whoever_is_told_to_end_sends_what_is_finished(told, work, collector, start_worker, wait_until):
    worker = start_worker(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    asked = work.ask()
    work.wait()
    assert not collector.seen, "nothing is sent by the time"
    if told == "the child to end":
        for child in Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGTERM)
        wait_until(lambda: jobs_of(collector) == asked)
    worker.send_signal(signal.SIGQUIT if told == "the worker to end at once" else signal.SIGTERM)
    worker.wait(60)
    assert jobs_of(collector) == asked


def test_a_collector_that_hangs_holds_up_neither_jobs_nor_the_end(work, hung, start_worker):
    """OpenTelemetry by itself would wait for half a minute at the end of each child."""
    worker = start_worker(
        OTEL_EXPORTER_OTLP_ENDPOINT=hung, OTEL_BSP_SCHEDULE_DELAY="10", OTEL_EXPORTER_OTLP_TIMEOUT="600"
    )
    work.ask()
    work.wait()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(25) == 0
