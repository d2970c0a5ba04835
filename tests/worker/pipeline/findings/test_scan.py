import numpy as np

from kaizen_worker.pipeline.findings.scan import BINS, SHORTEST, Stretches, burst, clock, moment

DAY = 86_400_000_000


def _traffic(rng, rows=3000):
    return np.sort(rng.integers(0, 7 * DAY, rows)), rng.permutation(rows).astype(np.int32)


def test_a_planted_burst_is_found_where_it_is():
    rng = np.random.default_rng(0)
    times, unit = _traffic(rng)
    inside = (times > 3 * DAY) & (times < 3.5 * DAY)
    event = (rng.random(3000) < 0.02) | (inside & (rng.random(3000) < 0.3))
    found = burst(clock(times, unit), event, unit, Stretches.short())
    assert found.p_value < 1e-6
    assert abs(found.start - 3 * DAY) < 0.3 * DAY  # a bin
    assert abs(found.stop - 3.5 * DAY) < 0.3 * DAY
    assert found.hits >= 10


def test_steady_events_burst_in_at_most_one_window_of_twenty():
    alarms = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        times, unit = _traffic(rng, 1000)
        found = burst(clock(times, unit), rng.random(1000) < 0.1, unit, Stretches.short())
        alarms += found is not None and found.p_value <= 0.05
    assert alarms <= 10


def test_traffic_that_bursts_as_a_whole_is_no_burst_of_an_event():
    rng = np.random.default_rng(1)
    times = np.sort(np.concatenate((rng.integers(0, 7 * DAY, 500), rng.integers(3 * DAY, int(3.2 * DAY), 2500))))
    unit = np.arange(3000, dtype=np.int32)
    found = burst(clock(times, unit), rng.random(3000) < 0.05, unit, Stretches.short())
    assert found is None or found.p_value > 0.05


def test_one_person_who_retries_is_no_burst():
    rng = np.random.default_rng(2)
    times, unit = _traffic(rng)
    event = rng.random(3000) < 0.02
    retries = np.flatnonzero((times > 3 * DAY) & (times < 3.5 * DAY))
    event[retries], unit[retries] = True, 7_777
    found = burst(clock(times, unit), event, unit, Stretches.short())
    assert found is None or found.p_value > 0.05


def test_late_stretches_end_at_the_end():
    late = Stretches.late()
    assert (late.last == BINS - 1).all()
    assert late.first.min() == 1
    rng = np.random.default_rng(3)
    times, unit = _traffic(rng)
    found = burst(clock(times, unit), (times > 4 * DAY) & (rng.random(3000) < 0.1), unit, late)
    assert found.p_value < 1e-6
    assert abs(found.start - 4 * DAY) < DAY / 2


def test_one_moment_has_no_bursts():
    assert clock(np.full(50, 5), np.arange(50, dtype=np.int32)) is None
    assert clock(np.array([], np.int64), np.array([], np.int32)) is None


def test_what_is_shorter_than_an_hour_is_not_scanned():
    unit = np.arange(50, dtype=np.int32)
    assert clock(np.linspace(0, SHORTEST - 1, 50).astype(np.int64), unit) is None
    assert clock(np.linspace(0, SHORTEST, 50).astype(np.int64), unit) is not None


def test_inside_is_the_stretch():
    minutes = np.arange(0, 240, dtype=np.int64)
    times = minutes * 60_000_000
    unit = np.arange(240, dtype=np.int32)
    grid = clock(times, unit)
    found = burst(grid, (minutes >= 100) & (minutes < 140), unit, Stretches.short())
    assert set(minutes[grid.inside(found)]) >= set(range(100, 139))
    assert set(minutes[grid.inside(found)]) <= set(range(90, 150))


def test_moments_are_utc():
    assert moment(1_760_000_000_000_000) == "2025-10-09 08:53 UTC"


def _nightly(rng, nights):
    """Each day's traffic alike; an event by night, from the third hour to the sixth, in these of seven nights."""
    times, unit = _traffic(rng, 8000)
    day, hour = times // DAY, times % DAY / (DAY / 24)
    night = (hour >= 3) & (hour < 6) & np.isin(day, nights)
    return times, unit, (rng.random(8000) < 0.01) | (night & (rng.random(8000) < 0.5))


def test_what_comes_back_each_night_is_no_burst():
    times, unit, event = _nightly(np.random.default_rng(4), range(7))
    found = burst(clock(times, unit), event, unit, Stretches.short())
    assert found is None or found.p_value > 0.05


def test_a_night_unlike_the_others_is_a_burst():
    times, unit, event = _nightly(np.random.default_rng(4), [4])
    found = burst(clock(times, unit), event, unit, Stretches.short())
    assert found.p_value < 1e-6
    assert found.start < 4.25 * DAY < found.stop + DAY / 4


def test_two_days_show_no_habit():
    unit = np.arange(100, dtype=np.int32)
    assert clock(np.linspace(0, 2 * DAY, 100).astype(np.int64), unit).period is None
    assert clock(np.linspace(0, 3 * DAY, 100).astype(np.int64), unit).period == DAY
    assert clock(np.linspace(0, 21 * DAY, 100).astype(np.int64), unit).period == 7 * DAY
