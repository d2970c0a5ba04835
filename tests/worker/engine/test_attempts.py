"""A cycle over which workers die is started again a few times, then given up; an outage costs no attempt."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest
from redis import ConnectionError as Away
from redis import RedisError

from kaizen_api import Interaction, KaizenConfig, Producer, analyses, keys
from kaizen_api.errors import Invalid
from kaizen_api.metrics import field
from kaizen_api.processes import Processes
from kaizen_api.server import server_binary, start_server
from kaizen_worker.engine import attempts, cycle, due, live
from kaizen_worker.engine.runtime import Runtime

WORKER = """
import os, signal, sys
from kaizen_api import KaizenConfig
from kaizen_worker.engine import cycle
from kaizen_worker.engine.runtime import Runtime
cycle.find_topics = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
config = KaizenConfig(redis_url=sys.argv[1], embedder="static")
cycle.analyze(Runtime(config).tenant("default"), sys.argv[2])
"""


@pytest.fixture
def asked(tenant, settings, push):
    push()
    while live.consume(tenant, place="0"):
        pass
    return analyses.note(settings, tenant="default").id


def die(tenant, settings, asked):
    """A worker takes the cycle and is killed in the middle of it; the claim of the dead one runs out."""
    worker = subprocess.run([sys.executable, "-c", WORKER, settings.redis_url, asked], check=False)
    assert worker.returncode == -signal.SIGKILL
    tenant.redis.delete(keys.claim("default", analyses.claim(asked)))


def test_after_all_but_the_last_attempt_it_is_done(tenant, settings, asked):
    for number in range(1, attempts.MOST):
        die(tenant, settings, asked)
        assert tenant.cycles.get(asked).attempts == number
        assert tenant.cycles.get(asked).status == "running"
    cycle.analyze(tenant, asked)
    assert tenant.cycles.get(asked).status == "done"


def test_after_the_last_attempt_it_is_given_up_and_says_what_to_do(tenant, settings, asked, redis):
    for _ in range(attempts.MOST):
        die(tenant, settings, asked)
    with pytest.raises(Invalid, match="given up"):
        cycle.analyze(tenant, asked)
    failed = tenant.cycles.get(asked)
    assert (failed.status, failed.attempts) == ("failed", attempts.MOST)
    assert f"{attempts.MOST} workers died at it, the last one in step 'topics'" in failed.error
    assert "KAIZEN_MAX_INTERACTIONS_PER_CYCLE (now 2000000)" in failed.error
    assert int(redis.hget(keys.metrics("default"), field("kaizen_analysis_failures_total"))) == 1
    assert list(due.due_cycles(tenant.runtime)) == []
    assert cycle.analyze(tenant, asked) == []


def test_outages_cost_no_attempt(tenant, asked, monkeypatch):
    def away(*_, **__):
        raise Away("gone")

    for _ in range(attempts.MOST + 1):
        with monkeypatch.context() as patch:
            patch.setattr(cycle, "find_topics", away)
            with pytest.raises(Away):
                cycle.analyze(tenant, asked)
        assert tenant.cycles.get(asked).attempts == 0
    cycle.analyze(tenant, asked)
    assert tenant.cycles.get(asked).status == "done"


def test_an_outage_before_the_attempt_takes_none_back(tenant, settings, asked, monkeypatch):
    def away(*_, **__):
        raise Away("gone")

    die(tenant, settings, asked)
    with monkeypatch.context() as patch:
        patch.setattr(cycle, "load_snapshot", away)
        with pytest.raises(Away):
            cycle.analyze(tenant, asked)
    assert tenant.cycles.get(asked).attempts == 1


def test_an_attempt_that_lost_redis_itself_is_taken_back_when_it_answers(tmp_path, monkeypatch, wait_until):
    with Processes() as processes:
        url = start_server(processes, tmp_path / "server", log=tmp_path / "log")
        config = KaizenConfig(redis_url=url, data_dir=tmp_path / "data", embedder="static", min_data_points=1)
        tenant = Runtime(config).tenant("default")
        with Producer(config) as producer:
            producer.append([Interaction(query="how do I freeze my card?")])
        live.consume(tenant, place="0")
        asked = analyses.note(config, tenant="default").id

        def lose_the_server(*_, **__):
            assert tenant.cycles.get(asked).attempts == 1
            os.kill(processes.pids["redis"], signal.SIGKILL)
            wait_until(lambda: "redis" not in processes.pids)
            tenant.redis.ping()

        with monkeypatch.context() as patch:
            patch.setattr(cycle, "find_topics", lose_the_server)
            with pytest.raises(RedisError):
                cycle.analyze(tenant, asked)
        processes.start("redis", [server_binary(), str(tmp_path / "server" / "redis.conf")], log=tmp_path / "log")
        wait_until(lambda: _attempts(tenant, asked) == 0)
        tenant.redis.close()


def _attempts(tenant, asked):
    with suppress(RedisError):
        return tenant.cycles.get(asked).attempts
    return None
