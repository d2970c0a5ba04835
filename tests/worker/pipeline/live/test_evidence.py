"""The tests: what they promise under the null, whatever parts a second comes in, and when a rise is over."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen_worker.pipeline.live.evidence import CALM, MULTIPLES, WEEK, Evidence, bar, costs, sureness

MANY = 40_000


def fed(tests, cost, *parts):
    for trials, hits in parts:
        tests.trials += np.int32(trials)
        tests.hits += np.asarray(hits, np.int32)
    tests.close(cost)


@pytest.mark.parametrize("rate", [0.05, 0.02])
@pytest.mark.parametrize("limit", [0.05, 0.3])
def test_as_long_as_a_rate_is_at_most_its_limit_a_second_adds_one_at_most(rate, limit):
    """The mean over worlds; larger multiples are left out, whose mean a few worlds in a million carry."""
    draw, tests, cost = np.random.default_rng(7), Evidence.fresh(MANY), costs(np.full(MANY, limit))
    seconds = 12
    for second in range(seconds):
        trials = 2 + second % 3 * 5  # the volume is anything
        fed(tests, cost, (trials, draw.binomial(trials, min(rate, limit), MANY)))
    sums = tests.sums[:, :2].astype(np.float64)
    error = sums.std(axis=0) / np.sqrt(MANY)
    assert (sums.mean(axis=0) <= seconds + 4 * error).all()
    if rate == limit:
        assert (sums.mean(axis=0) >= seconds - 4 * error).all(), "and exactly one at the limit"


def test_alarms_are_as_rare_as_promised():
    """At the limit itself, with a low bar, over many tests: at most seconds / bar each."""
    draw, limit, seconds, low = np.random.default_rng(3), 0.1, 200, 500.0
    tests, cost, alarms = Evidence.fresh(2_000), costs(np.full(2_000, limit)), 0
    rows = np.arange(2_000)
    for _ in range(seconds):
        tests.trials += 4
        tests.hits += draw.binomial(4, limit, 2_000).astype(np.int32)
        high = rows[tests.evidence(rows, cost) >= low]
        tests.forget(high)
        alarms += len(high)
        tests.close(cost)
    assert 0 < alarms <= 2_000 * seconds / low


def test_a_rise_is_found_and_then_over():
    tests, cost = Evidence.fresh(1), costs(np.array([0.02]))
    row, low = np.array([0]), bar(600, budget=0.1, confidence=0.7)
    fed(tests, cost, *[(50, [1])] * 20)
    assert tests.evidence(row, cost)[0] == 0, "nothing is open"
    seconds = 0
    while True:
        tests.trials += 50
        tests.hits += 10
        if tests.evidence(row, cost)[0] >= low:
            break
        tests.close(cost)
        seconds += 1
    assert seconds < 3
    tests.rise(0)
    for _ in range(50):
        fed(tests, cost, (50, [10]))
        assert tests.raised[0], "it goes on"
    calm = 0
    while tests.raised[0]:
        fed(tests, cost, (50, [0]))
        calm += 1
    assert 5 < calm < 40
    assert tests.sums[0].max() == 0


def test_what_is_raised_is_quiet():
    tests, cost = Evidence.fresh(2), costs(np.array([0.01, 0.01]))
    tests.rise(0)
    tests.trials += 10
    tests.hits += 10
    quiet, loud = tests.evidence(np.arange(2), cost)
    assert quiet == 0 < loud


@given(
    seconds=st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=4), max_size=6),
    raised=st.booleans(),
)
def test_the_parts_of_a_second_do_not_matter(seconds, raised):
    cost, whole, split = costs(np.array([0.03])), Evidence.fresh(1), Evidence.fresh(1)
    whole.raised[0] = split.raised[0] = raised
    for parts in seconds:
        both = [(max(one), [min(one)]) for one in parts]
        fed(split, cost, *both)
        fed(whole, cost, (sum(trials for trials, _ in both), np.sum([hits for _, hits in both], axis=0)))
    for name in ("sums", "back", "raised"):
        assert getattr(whole, name).tobytes() == getattr(split, name).tobytes()


def test_the_bar_keeps_the_budget_and_the_confidence():
    assert bar(600, budget=0.1, confidence=0.7) == 600 * WEEK / 0.1
    assert sureness(bar(600, budget=10, confidence=0.99), 600) == pytest.approx(0.99)
    assert sureness(bar(600, budget=0.1, confidence=0.0), 600) == pytest.approx(10 / 11)
    assert bar(600, budget=0.1, confidence=1.0) == np.inf
    assert CALM >= 86_400


def test_no_amount_of_evidence_overflows():
    tests, cost = Evidence.fresh(1), costs(np.array([1e-6]))
    for _ in range(3):
        fed(tests, cost, (100_000, [100_000]))
    assert np.isfinite(tests.sums).all()
    assert tests.sums.shape == (1, len(MULTIPLES))
