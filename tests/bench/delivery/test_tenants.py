"""A thousand tenants against one: found as beat's tick finds them, worked off as the workers do, embedding included."""

import time

import pytest

from kaizen_api import KaizenConfig, Producer, keys
from kaizen_api.metrics import field
from kaizen_worker.engine import live
from kaizen_worker.engine.due import due_consumers
from kaizen_worker.engine.runtime import Runtime

TENANTS = 1_000
EACH = {250: ">= 0.7", 50: ""}
"""Events of a tenant → bar; what a tenant costs by itself weighs more the less it sends."""
ROUNDS = 2

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture
def settings(config):
    """One consumer a tenant, in this process."""
    return KaizenConfig(redis_url=config.redis_url, data_dir=config.data_dir, embedder="static", workers=1)


@pytest.mark.parametrize("each", EACH)
def test_many_tenants_and_one(settings, redis, bench, each):
    shares = [bench.interactions(bench.fields(f"share{number}", each, words=40)) for number in range(TENANTS)]

    def run(name):
        redis.flushall()
        tenants = TENANTS if name.startswith("many") else 1
        appended = fill(settings, shares, tenants)
        consumed = bench.rate(TENANTS * each, lambda: consume(Runtime(settings, redis)))
        done = [field("kaizen_interactions_total", outcome=outcome) for outcome in ("ok", "error")]
        assert sum(map(int, redis.hmget(keys.ROLLUP, done))) == TENANTS * each
        assert redis.scard(keys.TENANTS) == tenants
        return appended, consumed

    rates = bench.race(ROUNDS, many=run, one=run)
    against = f"ours, all for one tenant; {each * TENANTS:,} events in appends of {each}, static embedder, one process"
    for what, many, one in zip(("append", "consume"), rates["many"], rates["one"], strict=True):
        bench.row(f"{what} with 1,000 tenants", many, one, against, bar=EACH[each])


def fill(settings, shares, tenants):
    """A producer for each share, whether they are of one tenant or of many; events a second."""
    spent = 0.0
    for number, share in enumerate(shares):
        with Producer(settings, tenant=f"t{number % tenants}") as producer:
            assert producer.intake  # connected, and with the installation's key
            began = time.perf_counter()
            assert producer.append(share).accepted == len(share)
            spent += time.perf_counter() - began
    return sum(map(len, shares)) / spent


def consume(runtime):
    while places := list(due_consumers(runtime)):
        for tenant, place in places:
            live.consume(runtime.tenant(tenant), place=place)
