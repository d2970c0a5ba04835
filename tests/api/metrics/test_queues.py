"""What a tick left is served for some seconds; without it each scrape looks itself, and whoever wants the truth may."""

import pytest

from kaizen_api import keys
from kaizen_api.metrics.queues import KEPT_MS, leave_sums
from kaizen_api.metrics.reading import read_state


@pytest.fixture
def waiting(api_redis):
    """Lets interactions wait."""

    def add(tenant):
        api_redis.sadd(keys.TENANTS, tenant)
        api_redis.xadd(keys.stream(tenant), {"r": b"x"})

    return add


async def test_what_a_tick_saw_is_what_a_look_sees(api_config, api_redis, waiting):
    for number in range(3):
        waiting(f"t{number}")
    api_redis.xadd(keys.dead("t1"), {"r": b"x"})
    leave_sums(api_redis)
    left, looked = [(await read_state(api_config, within=2, exact=exact)).queues for exact in (False, True)]
    assert (left.depth, left.lag, left.dead) == (looked.depth, looked.lag, looked.dead) == (3, 3, 1)
    assert left.oldest_age == pytest.approx(looked.oldest_age, abs=5)


async def test_what_a_tick_saw_is_served_until_it_expires(api_config, api_redis, waiting):
    waiting("a")
    leave_sums(api_redis)
    waiting("b")
    assert (await read_state(api_config, within=2, exact=False)).queues.depth == 1
    assert (await read_state(api_config, within=2)).queues.depth == 2
    assert 0 < api_redis.pttl(keys.QUEUES) <= KEPT_MS
    api_redis.delete(keys.QUEUES)
    assert (await read_state(api_config, within=2, exact=False)).queues.depth == 2


def test_one_tick_in_several_looks(api_redis, waiting):
    waiting("a")
    leave_sums(api_redis)
    before = api_redis.get(keys.QUEUES)
    waiting("b")
    leave_sums(api_redis)
    assert api_redis.get(keys.QUEUES) == before
    api_redis.pexpire(keys.QUEUES, KEPT_MS // 3)
    leave_sums(api_redis)
    assert api_redis.get(keys.QUEUES) != before
