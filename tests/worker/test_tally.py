"""Jobs are counted where they run: each result, what they took, how long they waited, and that they began again."""

import time

import pytest

from kaizen_api import jobs, keys
from kaizen_api.metrics import field
from kaizen_api.metrics.table import JOBS, QUEUES
from kaizen_worker import tally, tasks


@pytest.fixture
def run(redis, server, tmp_path, monkeypatch):
    """Runs a job in this process as a worker would; returns what it added to the counts."""
    monkeypatch.setenv("KAIZEN_REDIS_URL", server)
    monkeypatch.setenv("KAIZEN_DATA_DIR", str(tmp_path))
    tasks.runtime.cache_clear()

    def run(task, **options):
        before = redis.hgetall(keys.ROLLUP)
        task.apply(**options)
        after = redis.hgetall(keys.ROLLUP)
        return {name.decode(): int(value) - int(before.get(name, 0)) for name, value in after.items()}

    yield run
    tasks.runtime.cache_clear()


def test_a_job_that_is_done_counts_with_what_it_took(run):
    counts = run(tasks.resume)
    assert counts[field("kaizen_jobs_total", task=jobs.RESUME, result="done")] == 1
    assert counts[field("kaizen_job_duration_seconds_count", task=jobs.RESUME)] == 1
    assert counts[field("kaizen_job_duration_seconds_sum", task=jobs.RESUME)] > 0


def test_a_job_that_fails_counts_as_failed(run):
    counts = run(tasks.consume, kwargs={"unknown": "argument"})
    assert counts[field("kaizen_jobs_total", task=jobs.CONSUME, result="failed")] == 1


def begun(**request):
    """What a job counts when it begins with that request."""
    tasks.resume.push_request(**request)
    try:
        return tally._beginning(tasks.resume)
    finally:
        tasks.resume.pop_request()


def test_the_wait_is_from_the_sending():
    counts = begun(**{jobs.SENT_AT: time.time_ns() // 1000 - 30_000_000})
    assert 30_000_000 <= counts[field("kaizen_job_wait_seconds_sum", queue=jobs.WORK_QUEUE)] < 90_000_000
    assert counts[field("kaizen_job_wait_seconds_count", queue=jobs.WORK_QUEUE)] == 1


def test_a_job_that_began_before_counts_as_begun_again():
    again = {jobs.SENT_AT: 1, "delivery_info": {"redelivered": True}}
    assert begun(**again) == {field("kaizen_job_redeliveries_total", task=jobs.RESUME): 1}


def test_the_closed_sets_are_the_jobs_and_queues_there_are():
    assert set(JOBS) == set(jobs.ROUTES)
    assert (jobs.LIVE_QUEUE, jobs.WORK_QUEUE) == QUEUES


@pytest.mark.parametrize(
    ("name", "eta", "stamped"), [(jobs.TICK, None, True), (jobs.TICK, "x", False), ("a", None, False)]
)
def test_only_our_own_jobs_without_a_time_of_their_own_are_stamped(name, eta, stamped):
    headers = {"eta": eta}
    jobs._stamp(name, headers)
    assert (jobs.SENT_AT in headers) is stamped
