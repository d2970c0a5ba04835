"""The most interactions that a cycle, and the gauges, look at: at, below and above the limit."""

from datetime import UTC, datetime

import pytest

from kaizen_api import Interaction, KaizenConfig, Producer, analyses, keys
from kaizen_api.metrics import field
from kaizen_api.metrics.table import RECENT_COUNT, RECENT_TIME_SUM
from kaizen_api.queries import Queries
from kaizen_worker.engine import cycle, live
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.store.log import read_log

LIMIT = 1_000


@pytest.mark.parametrize(("number", "left_out"), [(LIMIT - 1, 0), (LIMIT, 0), (LIMIT + 250, 250)])
def test_a_cycle_looks_at_the_newest_and_tells_how_many_it_left_out(config, number, left_out):
    settings = KaizenConfig(**{**config.to_legacy_dict(), "max_interactions_per_cycle": LIMIT})
    tenant = Runtime(settings).tenant("default")
    with Producer(settings) as producer:
        producer.append(_interaction((index * 7919) % number) for index in range(number))  # in no order of time
    while live.consume(tenant, place="0"):
        pass
    assert len(list(read_log(tenant.redis, tenant="default"))) == number
    asked = analyses.note(settings, tenant="default")
    cycle.analyze(tenant, asked.id)
    done = tenant.cycles.get(asked.id)
    assert (done.status, done.interactions, done.left_out) == ("done", number - left_out, left_out)
    seen = [one for one, _ in Queries(tenant.redis, tenant="default").assignments(asked.id)]
    assert seen == [f"q{index:05d}" for index in range(left_out, number)]


@pytest.mark.parametrize("number", [LIMIT - 1, LIMIT, LIMIT + 250])
def test_the_gauges_stand_for_the_last_max_metric_items(config, redis, number):
    settings = KaizenConfig(**{**config.to_legacy_dict(), "max_metric_items": LIMIT})
    with Producer(settings) as producer:
        producer.append(_interaction(index) for index in range(number))
    tenant = Runtime(settings).tenant("default")
    while live.consume(tenant, place="0"):
        pass
    last = range(max(0, number - LIMIT), number)
    sums = {field(RECENT_COUNT): len(last), field(RECENT_TIME_SUM): sum(map(_micros, last))}
    for key in (keys.metrics("default"), keys.ROLLUP):
        assert {name: int(redis.hget(key, name)) for name in sums} == sums
    assert redis.llen(keys.recent("default")) == len(last)


def _micros(index):
    return (index % 50) * 100_000


def _interaction(index):
    return Interaction(
        id=f"q{index:05d}",
        query=f"how do I {('freeze my card', 'open the door', 'bake a loaf')[index % 3]} number {index % 40}?",
        response_time=_micros(index) / 1e6,
        occurred_at=datetime.fromtimestamp(1_700_000_000 + index, UTC),
    )
