import time

import msgspec
import pytest

from kaizen_api import keys
from kaizen_api.config import KaizenConfig
from kaizen_api.errors import Unavailable
from kaizen_api.jobs import LIVE_QUEUE
from kaizen_api.liveness import forget, leave_sign, progress
from kaizen_api.wedged import TICKS_MISSED, Sign

HOST = "machine"
NODE = f"kaizen1@{HOST}"
ALLOWED = TICKS_MISSED + 3


def ago(seconds):
    return time.time_ns() // 1000 - round(seconds * 1_000_000)


@pytest.fixture
def seen(redis, config):
    """What is seen of one worker that left this sign."""

    def look(**sign):
        values = {"job": "", "at": ago(60), "until": 0, "ticks": 0, **sign}
        redis.hset(keys.WORKERS, NODE, msgspec.msgpack.encode(Sign(**values)))
        [one] = progress(config, host=HOST)
        return one

    return look


@pytest.mark.parametrize(("passed", "wedged"), [(ALLOWED - 1, False), (ALLOWED, False), (ALLOWED + 1, True)])
def test_an_idle_worker_that_ticks_go_by_is_wedged(redis, seen, passed, wedged):
    redis.set(keys.TICKS, passed)
    assert seen().wedged is wedged


@pytest.mark.parametrize(("waiting", "wedged"), [(ALLOWED, False), (ALLOWED + 1, True)])
def test_an_idle_worker_is_wedged_where_jobs_pile_up(redis, seen, waiting, wedged):
    redis.rpush(keys.BROKER_PREFIX + LIVE_QUEUE, *["job"] * waiting)
    assert seen().wedged is wedged


def test_an_outage_condemns_nobody(seen):
    """However long ago it was: without Redis or beat there were no ticks."""
    assert not seen(at=ago(100_000)).wedged


def test_a_burst_of_ticks_condemns_nobody_who_has_just_worked(redis, seen):
    redis.set(keys.TICKS, 10_000)
    assert not seen(at=ago(5)).wedged


@pytest.mark.parametrize(("left", "wedged"), [(1, False), (-20, False), (-60, True)])
def test_a_job_may_take_as_long_as_its_limit(redis, seen, left, wedged):
    redis.set(keys.TICKS, 10_000)
    one = seen(job="kaizen.analyze", at=ago(4_000), until=ago(-left))
    assert one.wedged is wedged
    assert one.detail == "kaizen.analyze for 4000 s"


def test_a_sign_tells_what_is_done_and_by_when(redis, config):
    redis.set(keys.TICKS, 7)
    leave_sign(redis, NODE, job="kaizen.fill", seconds=600)
    sign = msgspec.msgpack.decode(redis.hget(keys.WORKERS, NODE), type=Sign)
    assert (sign.job, sign.ticks, sign.until - sign.at) == ("kaizen.fill", 7, 600_000_000)
    leave_sign(redis, NODE)
    [one] = progress(config, host=HOST)
    assert not one.wedged
    assert one.detail.startswith("idle for 0 s")


def test_other_hosts_are_judged_there(redis, config):
    leave_sign(redis, "kaizen1@elsewhere")
    assert progress(config, host=HOST) == []


def test_signs_of_those_that_end_go_and_so_do_old_ones(redis, config):
    leave_sign(redis, NODE)
    leave_sign(redis, f"kaizen2@{HOST}")
    redis.hset(keys.WORKERS, f"kaizen3@{HOST}", msgspec.msgpack.encode(Sign("", ago(90_000), 0, 0)))
    forget(redis, NODE)
    assert [one.node for one in progress(config, host=HOST)] == [f"kaizen2@{HOST}"]


def test_the_queue_is_that_of_the_broker(redis, config, tmp_path):
    leave_sign(redis, NODE)
    away = KaizenConfig(redis_url=config.redis_url, broker_url=f"unix://{tmp_path}/none.sock")
    with pytest.raises(Unavailable):
        progress(away, host=HOST)
