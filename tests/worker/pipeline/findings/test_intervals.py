import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from kaizen_api.schema import Interval
from kaizen_worker.pipeline.findings.intervals import beyond, difference, mean, median, share


@given(st.integers(1, 500).flatmap(lambda seen: st.tuples(st.integers(0, seen), st.just(seen))))
def test_share_is_wilsons(case):
    hits, seen = case
    theirs = binomtest(hits, seen).proportion_ci(0.95, method="wilson")
    ours = share(hits, seen)
    assert ours.low == pytest.approx(theirs.low, abs=1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1e-9)


def test_the_difference_of_shares_is_newcombes():
    found = difference(share(56, 70), share(48, 80))  # his example (a): 0.2, 0.0524 to 0.3339
    assert (found.estimate, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize("draw", [lambda rng: rng.normal(2, 1, 60), lambda rng: rng.lognormal(0.7, 1, 60)])
def test_medians_are_covered(draw):
    rng = np.random.default_rng(0)
    truth = np.median(draw(np.random.default_rng(1)).size and np.concatenate([draw(rng) for _ in range(3000)]))
    inside = [found.low <= truth <= found.high for found in (median(draw(rng), unit="s") for _ in range(600))]
    assert 0.93 <= np.mean(inside) <= 0.99


def test_means_are_covered():
    rng = np.random.default_rng(0)
    inside = [
        abs((found := mean(rng.normal(3, 1, 12), unit="s")).estimate - 3) < found.high - found.estimate
        for _ in range(800)
    ]
    assert 0.93 <= np.mean(inside) <= 0.97


def test_a_design_effect_of_four_doubles_the_width():
    values = np.random.default_rng(0).normal(size=4000)
    for one, four in (
        (share(500, 1000), share(500, 1000, design=4)),
        (mean(values, unit="s"), mean(values, unit="s", design=4)),
        (median(values, unit="s"), median(values, unit="s", design=4)),
    ):
        assert (four.high - four.low) / (one.high - one.low) == pytest.approx(2.0, rel=0.1)
        assert four.estimate == one.estimate


def test_median_of_few_values_is_theirs():
    assert median(np.array([3.0, 1.0]), unit="s") == Interval(estimate=2.0, low=1.0, high=3.0, unit="s")
    assert median(np.array([5.0]), unit="s").estimate == 5.0
    values = np.random.default_rng(0).random(101)
    assert median(values, unit="s").estimate == np.median(values)


def test_beyond_shifts():
    assert beyond(Interval(estimate=3, low=2, high=5, unit="s"), 2.0) == Interval(estimate=1, low=0, high=3, unit="s")


def test_the_difference_of_normal_means_is_the_usual_one():
    one, other = (Interval(estimate=m, low=m - 1.96 * s, high=m + 1.96 * s, unit="s") for m, s in ((5, 0.3), (3, 0.4)))
    found = difference(one, other)
    assert found.high - found.estimate == pytest.approx(norm.isf(0.025) * 0.5, rel=1e-3)
