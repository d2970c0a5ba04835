"""A simulation of the live loop from the costs of its steps: what waits, and how busy workers and Redis are.

Beat ticks; a tick starts consumers where something waits; a consumer takes batches until nothing waits, and each batch
costs its worker a fixed part and a part for each interaction, and Redis likewise. Redis does one thing at a time; what
pushing takes of it is not there for the batches. Arrivals are Poisson. The same seed gives the same run.
"""

import heapq
import math
import random
from dataclasses import dataclass

TICK = 0.7
BATCH = 500
PLACES = 64
"""Consumers that one tenant may have: `KAIZEN_WORKERS` ends there."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Processor seconds: of a worker and of Redis, for each interaction and each batch; of Redis for each push."""

    each: float
    batch: float
    redis_each: float
    redis_batch: float
    redis_push: float


@dataclass(frozen=True, slots=True)
class Run:
    """What a run came to.

    Attributes:
        batches: Batches a second.
        jobs: Consumers started a second.
        workers: Mean of the workers' processors in use.
        redis: Share of the Redis thread in use.
        waited: Median and 99th percentile of what an interaction waits until it is committed, s.
        left: What still waits at the end.
    """

    batches: float
    jobs: float
    workers: float
    redis: float
    waited: tuple[float, float]
    left: int


def run(costs: Costs, *, rate: float, workers: int, seconds: float, seed: int = 0) -> Run:
    """One tenant's stream at so many interactions a second.

    Args:
        costs: As measured.
        rate: Arrivals a second.
        workers: Processes, each on a processor of its own.
        seconds: How long arrivals go on.
        seed: Of the arrivals.
    """
    draw, free_redis, busy = random.Random(seed), 0.0, 0.0
    pushing = rate * costs.redis_push
    room = max(1e-6, 1 - pushing)  # of the thread, for what is not a push
    came, waiting, served = 0.0, list[tuple[float, int]](), list[tuple[float, int]]()
    idle, turns = min(workers, PLACES), [(0.0, False)]
    redis, count, jobs = pushing * seconds, 0, 0
    while turns:
        now, frees = heapq.heappop(turns)
        if now >= seconds:
            break
        if number := _poisson(draw, rate * (now - came)):
            waiting.append(((now + came) / 2, number))
        came, depth = now, sum(number for _, number in waiting)
        if frees:
            idle += 1
            starts = 1 if depth else 0
        else:
            starts = math.ceil(depth / BATCH)
            heapq.heappush(turns, (now + TICK, False))
        starts = min(idle, starts)
        jobs += 0 if frees else starts
        for _ in range(starts):
            taken = _take(waiting, BATCH)
            number = sum(some for _, some in taken)
            worked, kept = costs.batch + costs.each * number, costs.redis_batch + costs.redis_each * number
            free_redis = max(free_redis, now + worked) + kept / room
            served += [(free_redis - at, some) for at, some in taken]
            busy, redis, count, idle = busy + worked, redis + kept, count + 1, idle - 1
            heapq.heappush(turns, (free_redis, True))
    left = sum(number for _, number in waiting)
    return Run(count / seconds, jobs / seconds, busy / seconds, redis / seconds, _quantiles(served), left)


def _take(waiting: list[tuple[float, int]], most: int) -> list[tuple[float, int]]:
    """The oldest, at most so many."""
    taken = list[tuple[float, int]]()
    while waiting and most:
        at, number = waiting.pop(0)
        some = min(number, most)
        taken.append((at, some))
        most -= some
        if number > some:
            waiting.insert(0, (at, number - some))
    return taken


def _poisson(draw: random.Random, mean: float) -> int:
    """A Poisson number: by intervals where it is small, by its normal limit where it is large."""
    if mean > 50:  # from where the limit is close
        return max(0, round(draw.gauss(mean, math.sqrt(mean))))
    number, passed = 0, draw.expovariate(1.0)
    while passed < mean:
        number, passed = number + 1, passed + draw.expovariate(1.0)
    return number


def _quantiles(served: list[tuple[float, int]]) -> tuple[float, float]:
    """Median and 99th percentile of waits, each counted as often as its number says."""
    total, seen, found = sum(number for _, number in served), 0, list[float]()
    for wait, number in sorted(served):
        seen += number
        while len(found) < 2 and seen >= (0.5, 0.99)[len(found)] * total:  # two quantiles
            found.append(wait)
    return (found[0], found[1]) if found else (math.nan, math.nan)
