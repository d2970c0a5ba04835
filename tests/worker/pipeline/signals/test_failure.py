import numpy as np

from kaizen_worker.pipeline.signals.failure import (
    INTERCEPT,
    WEIGHTS,
    enough,
    log_odds,
    outcomes,
    probability,
    sign_weights,
)


def _rated(*, rows=4000, rate=0.2, seed=0):
    """Here clarifications are what fails, and rephrasing means nothing; some rows are rated."""
    rng = np.random.default_rng(seed)
    flags = {name: rng.random(rows) < 0.15 for name in WEIGHTS}
    failed = rng.random(rows) < probability(-2.0 + 3.0 * flags["clarification"] + 2.8 * flags["negation"])
    feedback = np.where(rng.random(rows) < rate, np.where(failed, -1.0, 1.0), np.nan)
    return flags, feedback, failed


def test_without_feedback_the_weights_are_the_documented_ones():
    flags, _, _ = _rated()
    assert sign_weights(flags, np.full(4000, np.nan)) == (INTERCEPT, dict(WEIGHTS))
    unseen = {name: np.zeros(1, np.bool_) for name in WEIGHTS}
    nothing = np.array([np.nan])
    assert log_odds(unseen, nothing, nothing).tolist() == [INTERCEPT]


def test_forty_nine_of_a_kind_are_not_enough():
    feedback = np.concatenate((np.full(49, -1.0), np.full(500, 1.0)))
    assert not enough(outcomes(feedback, np.full(549, np.nan)))
    assert enough(outcomes(np.append(feedback, -0.2), np.full(550, np.nan)))


def test_feedback_counts_before_acceptance_and_acceptance_fills_in():
    feedback, accepted = np.array([-1.0, 1.0, np.nan, np.nan]), np.array([1.0, 0.0, 0.0, np.nan])
    assert outcomes(feedback, accepted).tolist()[:3] == [1.0, 0.0, 1.0]
    rated = np.concatenate((np.full(50, -1.0), np.full(50, 1.0), [np.nan]))
    assert np.isnan(outcomes(rated, np.zeros(101))[-1])


def test_feedback_moves_the_weights_to_what_it_means_here():
    flags, feedback, _ = _rated()
    _, weights = sign_weights(flags, outcomes(feedback, np.full(len(feedback), np.nan)))
    assert weights["clarification"] > 2.0 > WEIGHTS["clarification"]
    assert weights["rephrase"] < 0.8 < WEIGHTS["rephrase"]
    assert all(weight >= 0 for name, weight in weights.items() if name != "thanked")


def test_refitting_predicts_unrated_rows_better():
    flags, feedback, failed = _rated()
    unknown = np.full(len(feedback), np.nan)
    unrated = np.isnan(feedback)

    def loss(feedback_seen):
        intercept, weights = sign_weights(flags, outcomes(feedback_seen, unknown))
        p = probability(intercept + sum(weights[name] * flags[name] for name in weights))[unrated]
        return -np.mean(np.where(failed[unrated], np.log(p), np.log(1 - p)))

    assert loss(feedback) < loss(unknown) - 0.01


def test_unhappy_users_rating_more_often_does_not_raise_everyone():
    flags, _, failed = _rated(seed=1)
    rng = np.random.default_rng(2)
    feedback = np.where(rng.random(4000) < np.where(failed, 0.5, 0.02), np.where(failed, -1.0, 1.0), np.nan)
    intercept, _ = sign_weights(flags, outcomes(feedback, np.full(4000, np.nan)))
    assert intercept < -1.5  # the rated ones alone fail in two of three cases


def test_the_same_input_gives_the_same_bits():
    flags, feedback, _ = _rated()
    known = outcomes(feedback, np.full(4000, np.nan))
    assert sign_weights(flags, known) == sign_weights(flags, known)
