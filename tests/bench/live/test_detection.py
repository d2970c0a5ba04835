"""Planted patterns at 500 interactions a second: found how often, after how many interactions and seconds."""

from typing import NamedTuple

import numpy as np
import pytest

pytestmark = pytest.mark.timeout(3600)

RATE = 500
TRIALS = 200
BEFORE, AFTER = 5, 20
"""Seconds of usual talk before the onset, and seconds in which the pattern has to be found."""


class Plan(NamedTuple):
    kind: str
    topic: int  # by its rank
    size: float  # times the usual share; share of answers that err; times as slow; share of all


PLANS = [
    Plan("burst", 1, 5),
    Plan("burst", 60, 5),
    Plan("burst", 60, 10),
    Plan("burst", 150, 10),
    Plan("error", 1, 0.6),
    Plan("error", 60, 0.6),
    Plan("latency", 1, 3),
    Plan("latency", 60, 5),
    Plan("new_topic", 0, 0.02),
    Plan("new_topic", 0, 0.03),
]


@pytest.fixture(scope="module")
def known(live):
    """A world, what is usual in a week of it, and ten in the morning of the day after."""
    world = live.World(3)
    rows = live.Rows.joined([world.talk(live.START + day * live.DAY, live.DAY, 1.5) for day in range(7)])
    return world, world.baseline(rows), live.START + 7 * live.DAY + 10 * 3600


@pytest.mark.parametrize("plan", PLANS)
def test_a_planted_pattern_is_found(live, known, plan):
    world, usual, start = known
    delays, others = [], 0
    for trial in range(TRIALS):
        watched = live.Watched(world, usual)
        world.rng = np.random.default_rng(trial)
        watched.feed(world.talk(start, BEFORE, RATE / world.volume(start), steps=1))
        delay, wrong = attempt(live, watched, start + BEFORE, plan)
        delays.append(delay)
        others += wrong
    found = np.array([delay for delay in delays if delay is not None])
    where = "unassigned" if plan.kind == "new_topic" else f"topic of {world.shares(start)[plan.topic]:.2%}"
    times = [f"{name} {value / RATE:.2f} s ({value:.0f})" for name, value in quantiles(found)]
    print(
        f"\n{plan.kind:>9} {where:>15} size {plan.size:<5g} found {len(found) / TRIALS:.3f}", *times, f"others {others}"
    )
    assert len(found) >= 0.95 * TRIALS


def attempt(live, watched, start, plan):
    """Interactions from the onset to the alarm, None without one; and how many other alarms there were."""
    world, seen = watched.world, 0
    for at in range(start, start + AFTER):
        rows = planted(live, world, world.talk(at, 1, RATE / world.volume(at), steps=1), plan)
        for part in np.array_split(np.arange(len(rows)), 5):  # five batches a second
            watched.batch(rows.part(part))
            seen += len(part)
            mine = [alarm for alarm in watched.alarms if is_it(alarm, plan)]
            if mine:
                return seen, len(watched.alarms) - len(mine)
    return None, len(watched.alarms)


def is_it(alarm, plan):
    return alarm[1] == plan.kind and (plan.kind == "new_topic" or alarm[2] == plan.topic)


def planted(live, world, rows, plan):
    """The rows with the pattern in them."""
    rng, columns = world.rng, {name: getattr(rows, name).copy() for name in rows.__dataclass_fields__}
    own = rows.topic == plan.topic
    if plan.kind == "burst":
        share = world.shares(int(rows.second[0]))[plan.topic] * 0.95
        columns["topic"][rng.random(len(rows)) < share * (plan.size - 1) / (1 - share)] = plan.topic
    elif plan.kind == "error":
        columns["error"] |= own & (rng.random(len(rows)) < plan.size)
    elif plan.kind == "latency":
        columns["time"] = np.where(own, rows.time * plan.size, rows.time)
    else:
        new = rng.random(len(rows)) < plan.size
        columns["topic"][new] = -1
        columns["text"][new] = live.WORDINGS + rng.integers(live.NEW, size=int(new.sum()))
    return live.Rows(**columns)


def quantiles(found):
    if not len(found):
        return []
    return [("median", np.median(found)), ("p99", np.quantile(found, 0.99))]
