import os
import signal
import subprocess
import sys
import time

import msgspec
import pytest

from kaizen_api import keys
from kaizen_api.liveness import leave_sign
from kaizen_api.stack.watch import PATIENCE, Watch
from kaizen_api.wedged import Sign

NODE = f"kaizen1@{os.uname().nodename}"


@pytest.fixture
def worker():
    """Any process: what it did stands in Redis."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.fixture
def watch(worker):
    said = []
    watch = Watch(lambda: {NODE: worker.pid}, said.append)
    watch.said = said
    return watch


def wedge(redis):
    minute_ago = time.time_ns() // 1000 - 60_000_000
    redis.hset(keys.WORKERS, NODE, msgspec.msgpack.encode(Sign("", minute_ago, 0, 0)))
    redis.set(keys.TICKS, 1_000)


def test_one_that_worked_and_hangs_is_ended_and_said(redis, config, worker, watch):
    leave_sign(redis, NODE)
    watch.look(config)
    wedge(redis)
    watch.look(config)
    assert worker.wait(10) == -signal.SIGKILL
    assert watch.said == [f"{NODE} makes no progress (idle for 60 s while 1000 jobs went by or wait): ended"]


def test_one_that_starts_is_not_taken_for_the_one_before(redis, config, worker, watch):
    wedge(redis)
    for _ in range(PATIENCE):
        watch.look(config)
    assert worker.poll() is None
    watch.look(config)
    assert worker.wait(10) == -signal.SIGKILL


def test_others_of_this_host_are_left_alone(redis, config, worker):
    wedge(redis)
    watch = Watch(lambda: {"kaizen9@elsewhere": worker.pid}, pytest.fail)
    for _ in range(2 * PATIENCE):
        watch.look(config)
    assert worker.poll() is None
