"""Real beats and a real server whose clocks are put forward and back by an hour."""

import json
import socket
import subprocess
import sys
from collections import Counter

import pytest
from redis import Redis, RedisError

from kaizen_api import KaizenConfig, jobs, keys
from kaizen_api.server import server_binary
from kaizen_api.stack import beat, variables

HOUR = 3600
SECOND = 1_000_000


@pytest.fixture
def processes():
    """Starts processes, which end with the test."""
    started = []

    def start(argv, environment):
        started.append(subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    yield start
    for process in reversed(started):
        process.kill()
        process.wait()


@pytest.fixture
def server(make_clock, processes, tmp_path, wait_until):
    """(client, clock of the server, its URL)."""
    clock = make_clock()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    processes([server_binary(), "--port", str(port), "--dir", str(tmp_path), "--save", ""], clock.environment)
    url = f"redis://127.0.0.1:{port}/0"

    def answers():
        try:
            return client.ping()
        except RedisError:
            return False

    with Redis.from_url(url) as client:
        wait_until(answers)
        yield client, clock, url


def asked(redis):
    """Task → how often it was asked for; a run that was sent again, as nobody does it here, is one."""
    queued = [redis.lrange(keys.BROKER_PREFIX + name, 0, -1) for name in (jobs.LIVE_QUEUE, jobs.WORK_QUEUE)]
    heads = [json.loads(message)["headers"] for messages in queued for message in messages]
    runs = {(head["task"], head["kwargsrepr"] if "due" in head["kwargsrepr"] else head["id"]) for head in heads}
    return Counter(task for task, _ in runs)


def test_two_beats_do_each_thing_once_whatever_any_clock_does(server, make_clock, processes, tmp_path, wait_until):
    redis, clock, url = server
    redis.sadd(keys.TENANTS, "acme")
    config = KaizenConfig(redis_url=url, data_dir=tmp_path, analysis_interval=HOUR // 2)
    own = [make_clock(), make_clock()]
    for one in own:
        processes(beat().argv, {**one.environment, **variables(config), "PYTHONPATH": ":".join(sys.path)})

    def ticks_go_on():
        before = asked(redis)[jobs.TICK]
        wait_until(lambda: asked(redis)[jobs.TICK] > before + 3)

    ticks_go_on()
    assert redis.hexists(keys.RUNS, "cycle/acme")
    own[0].advance(HOUR)
    own[1].advance(-HOUR)
    ticks_go_on()
    assert asked(redis)[jobs.CYCLE] == 0, "a beat goes by the clock of Redis"
    clock.advance(HOUR)
    wait_until(lambda: asked(redis)[jobs.CYCLE])
    ticks_go_on()
    assert asked(redis)[jobs.CYCLE] == 1, "two of its intervals have passed: caught up once"
    clock.advance(-HOUR)
    ticks_go_on()
    wait_until(lambda: int(redis.hget(keys.RUNS, "cycle/acme")) <= redis.time()[0] * SECOND + SECOND)
    clock.advance(HOUR / 2 + 1)
    wait_until(lambda: asked(redis)[jobs.CYCLE] > 1)
