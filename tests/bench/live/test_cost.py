"""What looking for patterns costs a consumer: the same batches consumed with it and without, in turns."""

import random
import statistics
import time
from datetime import UTC, datetime, timedelta

import pytest

from kaizen_api import Interaction, KaizenConfig, Producer, analyses, keys
from kaizen_worker.engine import cycle, live
from kaizen_worker.engine.runtime import Runtime

NUMBER, ROUNDS, SUBJECTS = 5_000, 9, 40

pytestmark = pytest.mark.timeout(600)


def talk(draw, words, number, name, *, ago):
    for index in range(number):
        own = words[8 * draw.randrange(SUBJECTS) :]
        yield Interaction(
            id=f"{name}-{index}",
            query=f"{own[0]} {own[1]} {own[2 + draw.randrange(6)]}",
            response=" ".join(draw.choices(words, k=80)),
            occurred_at=datetime.now(UTC) - timedelta(minutes=draw.uniform(0, 160) * ago + 11 * ago),
            user_id=f"{name}-u{index}",
            response_time=draw.lognormvariate(0, 0.3),
        )


def test_consumption_with_and_without(config, redis):
    draw = random.Random(1)
    words = ["".join(draw.choices("abcdefghijklmnoprstuvw", k=9)) for _ in range(8 * SUBJECTS)]
    settings = KaizenConfig(redis_url=config.redis_url, data_dir=config.data_dir, embedder="static")
    tenant = Runtime(settings).tenant("default")

    def consume(name, *, ago=0):
        with Producer(settings) as producer:
            producer.append(talk(draw, words, NUMBER, name, ago=ago))
        began = time.perf_counter()
        while live.consume(tenant, place="0"):
            pass
        return NUMBER / (time.perf_counter() - began)

    consume("usual", ago=1)
    cycle.analyze(tenant, analyses.note(settings, tenant="default").id)
    usual = redis.hget(keys.snapshot("default"), "baseline")
    rates = {True: [], False: []}
    for number in range(2 * ROUNDS):
        watched = number % 2 == 0
        if watched:
            redis.hset(keys.snapshot("default"), "baseline", usual)
        else:
            redis.hdel(keys.snapshot("default"), "baseline")
        rates[watched].append(consume(f"round{number}"))
        redis.delete(keys.detector("default"), keys.log("default"))
    found = [one for one in tenant.insights.all() if "pattern" in one.subject]
    with_it, without = (statistics.median(rates[watched]) for watched in (True, False))
    print(f"\nconsumed {with_it:,.0f}/s with, {without:,.0f}/s without: {with_it / without:.2f}")
    assert not found
