import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.special import expit, logit

from kaizen_worker.pipeline.signals.failure import WEIGHTS
from kaizen_worker.pipeline.signals.fitting import EAGER, INTERCEPT, MISTAKEN, MOST_ROWS, _Ratings, fitted

NOTHING = np.full(4000, np.nan)


def _rated(*, rows=4000, rate=0.2, seed=0):
    """Here clarifications are what fails, and rephrasing means nothing; some rows are rated."""
    rng = np.random.default_rng(seed)
    flags = {name: rng.random(rows) < 0.15 for name in WEIGHTS}
    failed = rng.random(rows) < expit(-2.0 + 3.0 * flags["clarification"] + 2.8 * flags["negation"])
    said = np.where(rng.random(rows) < rate, failed.astype(float), np.nan)
    return flags, said, failed


def test_without_ratings_the_weights_are_the_documented_ones():
    flags, _, _ = _rated()
    fit = fitted(flags, NOTHING, WEIGHTS)
    assert (fit.intercept, dict(fit.weights)) == (INTERCEPT, dict(WEIGHTS))
    assert fit.posterior(np.zeros(1), np.full(1, np.nan)) == pytest.approx(0.5, abs=1e-4)
    assert fitted({name: np.zeros(0) for name in WEIGHTS}, np.zeros(0), WEIGHTS).intercept == INTERCEPT


def test_the_gradient_is_that_of_the_loss():
    rng = np.random.default_rng(3)
    columns = np.column_stack([np.ones(200), rng.random((200, 3)) < 0.3]).astype(float)
    ratings = _Ratings(columns, rng.normal(0, 1, 4), rng.choice([0.0, 1.0, np.nan], 200))
    for _ in range(5):
        guess = rng.normal(0, 1, 6)
        assert check_grad(lambda at: ratings.loss(at)[0], lambda at: ratings.loss(at)[1], guess) < 1e-3


def test_ratings_move_the_weights_to_what_they_mean_here():
    flags, said, _ = _rated()
    weights = fitted(flags, said, WEIGHTS).weights
    assert weights["clarification"] > 2.0 > WEIGHTS["clarification"]
    assert weights["rephrase"] < 0.8 < WEIGHTS["rephrase"]


def test_a_sign_may_lose_its_weight_and_never_turns_into_its_opposite():
    rng = np.random.default_rng(4)
    flags = {name: rng.random(4000) < 0.3 for name in WEIGHTS}
    failed = rng.random(4000) < expit(-3.0 * flags["slow"] + 3.0 * flags["thanked"])  # the wrong way round, both
    weights = fitted(flags, failed.astype(float), WEIGHTS).weights
    assert weights["slow"] == weights["thanked"] == 0.0


def test_what_was_learned_predicts_unrated_rows_better():
    flags, said, failed = _rated()
    unrated = np.isnan(said)

    def loss(seen):
        fit = fitted(flags, seen, WEIGHTS)
        p = fit.posterior(fit.intercept + sum(fit.weights[name] * flags[name] for name in WEIGHTS), seen)[unrated]
        return -np.mean(np.where(failed[unrated], np.log(p), np.log(1 - p)))

    assert loss(said) < loss(NOTHING) - 0.01


def test_a_handful_of_ratings_hardly_moves_anything():
    flags, said, _ = _rated(rate=1.0)
    few = np.where(np.arange(4000) < 5, said, np.nan)
    fit = fitted(flags, few, WEIGHTS)
    assert max(abs(fit.weights[name] - WEIGHTS[name]) for name in WEIGHTS) < 0.5
    assert abs(fit.intercept - INTERCEPT) < 1.0


@pytest.mark.parametrize(("after_failure", "after_success"), [(0.5, 0.02), (0.1, 0.1), (0.12, 0.02)])
def test_who_rates_does_not_decide_how_many_fail(after_failure, after_success):
    flags, _, failed = _rated(seed=1)
    chance = np.random.default_rng(2).random(4000)
    said = np.where(chance < np.where(failed, after_failure, after_success), failed.astype(float), np.nan)
    fit = fitted(flags, said, WEIGHTS)
    line = fit.intercept + sum(fit.weights[name] * flags[name] for name in WEIGHTS)
    assert fit.intercept < -1.5
    assert fit.posterior(line, said).mean() == pytest.approx(failed.mean(), abs=0.05)


def test_a_rating_speaks_for_its_own_row_and_may_be_mistaken():
    flags, _, _ = _rated()
    fit = fitted(flags, NOTHING, WEIGHTS)
    silent, good, bad = fit.posterior(np.full(3, INTERCEPT), np.array([np.nan, 0.0, 1.0]))
    assert good < 0.01 < silent < 0.15
    moved = logit(bad) - INTERCEPT
    assert moved == pytest.approx(EAGER[0] + logit(1 - MISTAKEN), abs=1e-4)
    assert bad > 0.8


def test_of_more_rows_an_even_share_gives_nearly_the_same():
    flags, said, _ = _rated(rows=4 * MOST_ROWS, rate=0.05)
    half = {name: flag[::2] for name, flag in flags.items()}
    one, other = fitted(flags, said, WEIGHTS), fitted(half, said[::2], WEIGHTS)
    assert max(abs(one.weights[name] - other.weights[name]) for name in WEIGHTS) < 0.2


def test_the_same_input_gives_the_same_bits():
    flags, said, _ = _rated()
    assert fitted(flags, said, WEIGHTS) == fitted(flags, said, WEIGHTS)
