import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, fisher_exact, mannwhitneyu, rankdata, ttest_1samp

from kaizen_worker.pipeline.findings.tails import binomial, higher_ranks, hypergeometric, over_mean


@given(st.integers(0, 60), st.integers(1, 60), st.floats(0.01, 0.99))
def test_binomial_is_exact_for_whole_counts(hits, more, chance):
    assert binomial(hits, hits + more, chance) == pytest.approx(binom.sf(hits - 1, hits + more, chance), abs=1e-12)


def test_binomial_takes_fractions_between_their_neighbours():
    assert binomial(5, 20, 0.1) > binomial(5.5, 20, 0.1) > binomial(6, 20, 0.1)
    assert binomial(0, 20, 0.1) == binomial(3, 0, 0.1) == 1.0


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(1, 30))
def test_hypergeometric_is_fishers(hits, misses, other_hits, other_misses):
    theirs = fisher_exact([[hits, misses], [other_hits, other_misses]], alternative="greater").pvalue
    ours = hypergeometric(hits, hits + misses, other_hits, other_hits + other_misses)
    assert ours == pytest.approx(theirs if hits else 1.0, rel=1e-7)


def test_over_mean_is_students():
    values = np.random.default_rng(0).normal(0.3, 1, 40)
    error = values.std(ddof=1) / np.sqrt(40)
    assert over_mean(values, 0.1, error=error, freedom=39) == pytest.approx(
        ttest_1samp(values, 0.1, alternative="greater").pvalue
    )
    assert over_mean(np.full(9, 2.0), 1.0, error=0.0, freedom=8) == 0.0
    assert over_mean(np.full(9, 1.0), 1.0, error=0.0, freedom=8) == 1.0


def test_higher_ranks_is_mann_and_whitneys():
    rng = np.random.default_rng(0)
    one, other = rng.normal(0.4, 1, 50), rng.normal(0, 1, 200)
    ranks = rankdata(np.concatenate((one, other)))[:50]
    theirs = mannwhitneyu(one, other, alternative="greater", method="asymptotic", use_continuity=False).pvalue
    assert higher_ranks(ranks, 250, design=1.0) == pytest.approx(theirs, rel=1e-6)
    assert higher_ranks(ranks, 250, design=4.0) > 10 * theirs
    assert higher_ranks(ranks, 50, design=1.0) == 1.0
