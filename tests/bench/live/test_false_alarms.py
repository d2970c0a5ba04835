"""False alarms where nothing happens but the rhythm of day and week: at most `BUDGET` a week, by construction."""

import time

import pytest

pytestmark = pytest.mark.timeout(1800)
WEEK = 7


def run(live, *, days, rate, seed=1):
    world = live.World(seed)
    window = [world.talk(live.START + day * live.DAY, live.DAY, rate) for day in range(WEEK)]
    watched = live.Watched(world, world.baseline(live.Rows.joined(window)))
    number, began = 0, time.process_time()
    for day in range(WEEK, WEEK + days):
        rows = world.talk(live.START + day * live.DAY, live.DAY, rate)
        watched.feed(rows)
        number += len(rows)
        window = [*window[1:], rows]
        watched.go_on(world.baseline(live.Rows.joined(window)))
    seconds = time.process_time() - began
    print(
        f"\n{days / 7:.1f} weeks at {rate}/s, {world.topics} topics: {number} interactions, "
        f"{len(watched.alarms)} false alarms {watched.alarms[:20]}, {seconds:.0f} CPU s"
    )
    return len(watched.alarms)


def test_a_year(live):
    assert run(live, days=52 * WEEK, rate=0.05) <= 52


def test_three_weeks_with_more_traffic(live):
    assert run(live, days=3 * WEEK, rate=1.0) <= 3


def test_six_hours_at_the_highest_rate(live):
    world = live.World(2)
    days = [world.talk(live.START + day * live.DAY, live.DAY, 1.5) for day in range(WEEK)]
    watched = live.Watched(world, world.baseline(live.Rows.joined(days)))
    began, number = time.process_time(), 0
    for hour in range(6, 12):
        rows = world.talk(live.START + WEEK * live.DAY + hour * 3600, 3600, 500, steps=4)
        watched.feed(rows)
        number += len(rows)
    seconds = time.process_time() - began
    print(
        f"\n6 hours at 500/s: {number} interactions, {len(watched.alarms)} false alarms {watched.alarms}, "
        f"{1e6 * seconds / number:.0f} us of CPU each"
    )
    assert not watched.alarms
