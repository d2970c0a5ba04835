"""What is seen beside the counts: workers, queues, memory; and what is absent where it cannot be seen."""

import time

import msgspec
import pytest

from kaizen_api import keys
from kaizen_api.metrics.marks import HighWater
from kaizen_api.metrics.nameless import without_tenants
from kaizen_api.metrics.reading import MAX_TENANTS, read_state
from kaizen_api.metrics.table import QUEUES, field
from kaizen_api.wedged import Sign

MINUTE = 60_000_000


def signs(redis, **workers):
    now = time.time_ns() // 1000
    for node, (job, ago, left) in workers.items():
        sign = Sign(job, now - ago, now + left if job else 0, 0)
        redis.hset(keys.WORKERS, f"{node}@host", msgspec.msgpack.encode(sign))


async def test_workers_are_counted_by_what_they_do(api_config, api_redis):
    redis = api_redis
    redis.set(keys.TICKS, 1000)
    signs(redis, idle=("", 0, 0), asleep=("", MINUTE, 0), busy=("j", MINUTE, MINUTE), over=("j", 9 * MINUTE, -MINUTE))
    seen = (await read_state(api_config, within=2)).seen
    states = {state: seen[field("kaizen_workers", state=state)] for state in ("idle", "busy", "wedged")}
    assert states == {"idle": 1, "busy": 1, "wedged": 2}


@pytest.mark.parametrize("apart", [False, True])
async def test_queues_are_as_long_as_the_broker_says(api_config, api_redis, apart):
    api_redis.rpush(keys.BROKER_PREFIX + QUEUES[1], *range(7))
    config = api_config.model_copy(update={"broker_url": api_config.redis_url if apart else None})
    seen = (await read_state(config, within=2)).seen
    assert [seen[field("kaizen_queue_length", queue=queue)] for queue in QUEUES] == [0, 7]


async def test_a_broker_that_is_away_takes_its_queues_alone_with_it(api_config, tmp_path):
    config = api_config.model_copy(update={"broker_url": f"unix://{tmp_path}/none.sock"})
    seen = (await read_state(config, within=2)).seen
    assert not [series for series in seen if "queue" in series]
    assert seen[field("kaizen_redis_memory_bytes")] > 0


async def test_evictions_and_ticks_are_the_servers_own(api_config, api_redis):
    api_redis.set(keys.TICKS, 12)
    state = await read_state(api_config, within=2)
    assert state.counts[field("kaizen_ticks_total")] == 12
    assert state.seen[field("kaizen_redis_evictions_total")] == api_redis.info("stats")["evicted_keys"]
    assert state.seen[field("kaizen_redis_memory_limit_bytes")] == 0


async def test_the_busiest_tenants_have_a_count_and_the_others_one_together(api_config, api_redis):
    for number in range(MAX_TENANTS + 10):
        api_redis.zadd(keys.BUSIEST, {f"t{number:03}": 1000 - number})
        api_redis.hincrby(keys.ROLLUP, field("kaizen_interactions_total", outcome="ok"), 1000 - number)
    state = await read_state(api_config, within=2)
    served = {name: count for name, count in state.counts.items() if name.startswith("kaizen_tenant")}
    assert len(served) == MAX_TENANTS + 1
    assert served[field("kaizen_tenant_interactions_total", tenant="t000")] == 1000
    rest = sum(1000 - number for number in range(MAX_TENANTS, MAX_TENANTS + 10))
    assert served[field("kaizen_tenant_interactions_total", tenant="other")] == rest
    hidden = [name for name in without_tenants(state).counts if name.startswith("kaizen_tenant")]
    assert hidden == [field("kaizen_tenant_interactions_total", tenant="other")]


def test_who_is_none_of_the_busiest_any_more_is_counted_once():
    marks = HighWater()
    name = field("kaizen_tenant_interactions_total", tenant="a")
    other = field("kaizen_tenant_interactions_total", tenant="other")
    assert marks.rise("e", {name: 5, other: 9}) == {name: 5, other: 9}
    assert marks.rise("e", {other: 14}) == {other: 14}
