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


def test_three_days_with_more_traffic(live):
    assert run(live, days=3, rate=1.0) == 0


def test_an_hour_at_the_highest_rate(live):
    world = live.World(2)
    days = [world.talk(live.START + day * live.DAY, live.DAY, 1.5) for day in range(WEEK)]
    watched = live.Watched(world, world.baseline(live.Rows.joined(days)))
    began, number = time.process_time(), 0
    for part in range(6, 12):  # of the hours of a day: ten minutes of each
        rows = world.talk(live.START + WEEK * live.DAY + part * 3600, 600, 500, steps=1)
        watched.feed(rows)
        number += len(rows)
    seconds = time.process_time() - began
    print(
        f"\nan hour at 500/s: {number} interactions, {len(watched.alarms)} false alarms {watched.alarms}, "
        f"{1e6 * seconds / number:.0f} us of CPU each"
    )
    assert not watched.alarms
