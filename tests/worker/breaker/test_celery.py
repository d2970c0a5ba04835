"""A real Celery worker: what strikes a task within a guarded call, or while it waits for its admission."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from celery import Celery

HERE = Path(__file__).parent


@pytest.fixture
def worker(own_server, tmp_path, name):
    """One process for tasks; with it what `hang` is sent by, and what it says."""
    environment = {**os.environ, "SOCKET": own_server.socket}
    options = ["--pool=prefork", "--concurrency=1", "--without-gossip", "--without-mingle", "--loglevel=warning"]
    log = (tmp_path / "log").open("w")
    program = [sys.executable, "-m", "celery", "--app", "celery_tasks", "worker", *options]
    process = subprocess.Popen(program, cwd=HERE, env=environment, stdout=log, stderr=log)
    app = Celery(broker=f"redis+socket://{own_server.socket}")
    yield Worker(app, own_server, name)
    app.close()
    process.terminate()
    process.wait(timeout=60)
    log.close()


class Worker:
    def __init__(self, app, server, name):
        self.app, self.client, self.name = app, server.client(), name

    def hang(self, form, **options):
        return self.app.send_task("celery_tasks.hang", (self.name, form), **options).id

    def says(self):
        return self.client.blpop([f"{self.name}:told"], timeout=60)[1].decode()


@pytest.fixture
def half_open(own, own_server, shift):
    """A breaker that has failed once and lets one probe through."""
    breaker = own(1, recheck=0, store_timeout=10)
    breaker.call_failed()
    shift(own_server.client(), breaker.name, 300)
    return breaker


def stands(breaker):
    state = breaker.state()
    return state.state, state.leases, state.opened, state.failures


@pytest.mark.parametrize("form", ["call", "guard"])
def test_a_probe_that_meets_its_soft_limit_failed_and_gives_its_place_back(worker, half_open, form, shift):
    worker.hang(form)
    assert worker.says() == "running"
    assert stands(half_open) == ("half_open", 1, 1, 1)
    assert worker.says() == "SoftTimeLimitExceeded"
    assert stands(half_open) == ("open", 0, 2, 1)
    worker.hang(form)
    assert worker.says() == "rejected", "the same process goes on, and knows"
    shift(worker.client, half_open.name, 600)
    assert half_open.admit().probe


def test_a_call_that_meets_its_soft_limit_is_one_failure(worker, own):
    breaker = own(1, store_timeout=10)
    worker.hang("call")
    assert [worker.says(), worker.says()] == ["running", "SoftTimeLimitExceeded"]
    assert stands(breaker) == ("open", 0, 1, 1)


def test_a_probe_that_is_cancelled_gives_its_place_back_without_a_verdict(worker, half_open):
    task = worker.hang("call", soft_time_limit=600)
    assert worker.says() == "running"
    worker.app.control.revoke(task, terminate=True)
    assert worker.says() == "SystemExit"
    assert stands(half_open) == ("half_open", 0, 1, 1)
    assert half_open.admit().probe


def test_a_probe_that_is_killed_outright_blocks_until_its_lease_ends(worker, half_open, shift):
    task = worker.hang("call", soft_time_limit=600)
    assert worker.says() == "running"
    worker.app.control.revoke(task, terminate=True, signal="SIGKILL")
    assert stands(half_open) == ("half_open", 1, 1, 1)
    shift(worker.client, half_open.name, 300)
    assert half_open.admit().probe
