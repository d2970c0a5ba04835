"""Consumption by two worker processes against one, embedding on: one tenant's stream, and many tenants.

    OMP_NUM_THREADS=1 .venv/bin/python -m pytest -q -s tests/bench/capacity/test_two_workers.py

Both processes run all the time; for a turn of one, the other is told to take no jobs. Turns alternate, and the ratio is
taken pair by pair, so that what else the machine does falls on both. On a busy machine two get no more processors than
one; so beside the clock stands the ratio of the times without what the system let the workers wait for a processor
(`/proc/PID/schedstat`): it holds what is Kaizen's own, such as waiting for Redis, for a claim, or for a batch.
"""

import time

import pytest

from kaizen_api import Producer, keys
from kaizen_api.jobs import LIVE_QUEUE, WORK_QUEUE
from kaizen_api.stack.services import beat
from kaizen_worker.app import create

NUMBER = 2_000
TENANTS = 8
ROUNDS = 3

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def crew(installation):
    """Two workers, of which the second can be told to rest."""
    made = installation(beat(), workers=2, embedder="minilm")
    control = create(made.config, tasks=False).control
    node = next(name for reply in control.ping(timeout=2) for name in reply if name.startswith("kaizen2@"))

    def resting(*, rests):
        for queue in (LIVE_QUEUE, WORK_QUEUE):
            change = control.cancel_consumer if rests else control.add_consumer
            assert change(queue, destination=[node], reply=True, timeout=10)

    yield made, resting
    resting(rests=False)


def turn(made, wait_until, texts, workers):
    """Rate by the clock, the same with a processor for each worker, and interactions a processor second."""
    for tenant, some in texts.items():
        with Producer(made.config, tenant=tenant) as producer:
            producer.append(some)
    total = sum(map(len, texts.values()))
    wait_until(lambda: any(_taken(made.redis, tenant) for tenant in texts))
    began, before = time.perf_counter(), [made.scheduled(name) for name in workers]
    wait_until(lambda: made.waits(*texts) == 0, seconds=240)
    took, after = time.perf_counter() - began, [made.scheduled(name) for name in workers]
    used, waited = (sum(new[part] - old[part] for new, old in zip(after, before, strict=True)) for part in (0, 1))
    assert sum(made.redis.zmscore(keys.BUSIEST, list(texts))) >= total
    return total / took, total / (took - waited / len(workers)), total / used


def _taken(redis, tenant):
    groups = redis.xinfo_groups(keys.stream(tenant)) if redis.exists(keys.stream(tenant)) else []
    return any(group["pending"] for group in groups)


@pytest.mark.parametrize("tenants", [1, TENANTS])
def test_two_against_one(crew, wait_until, questions, spread, tenants):
    made, resting = crew
    ratios = []
    print(f"\n{NUMBER:,} interactions of {tenants} tenant(s), minilm, batches of {made.config.batch_size}")
    for number in range(ROUNDS + 1):
        seen = {}
        for workers in (1, 2) if number % 2 else (2, 1):
            resting(rests=workers == 1)
            each = (NUMBER if number else NUMBER // 5) // tenants
            texts = {f"t{part}": questions(f"{number}-{workers}-{part}", each) for part in range(tenants)}
            seen[workers] = turn(made, wait_until, texts, ("worker1", "worker2")[:workers])
        if number:  # the one before warms both
            ratios.append([two / one for one, two in zip(seen[1], seen[2], strict=True)])
            said = [f"{clock:5.0f} /s, {alone:5.0f} /s" for clock, alone, _ in (seen[1], seen[2])]
            print(f"clock, with a processor each: one {said[0]}   two {said[1]}")
    clock, alone, cost = (spread(list(column)) for column in zip(*ratios, strict=True))
    print(f"two against one: {clock} by the clock; {alone} with a processor each (bar 1.6); {cost} a processor second")
