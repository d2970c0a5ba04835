import numpy as np

from kaizen_worker.pipeline.gaps.coverage import answerable, calibrated
from kaizen_worker.types import Served


def _served(bm25, idf, cosine, margin):
    return Served(*(np.atleast_1d(np.asarray(column, np.float64)) for column in (bm25, idf, cosine, margin)))


def test_typical_matches_and_misses():
    """Medians of questions whose answer was there, and of questions whose answer had been taken out."""
    there = answerable(_served([0.45, 0.59], [0.78, 0.87], [0.58, 0.73], [0.31, 0.40]))
    gone = answerable(_served([0.17, 0.21], [0.28, 0.33], [0.36, 0.46], [0.05, 0.05]))
    assert (there > 0.6).all()
    assert (gone < 0.1).all()


def test_every_kind_of_match_raises_it():
    base = answerable(_served(0.3, 0.5, 0.5, 0.1))[0]
    for column in range(4):
        values = [0.3, 0.5, 0.5, 0.1]
        values[column] += 0.2
        assert answerable(_served(*values))[0] > base


def test_nothing_at_all_is_not_answerable():
    assert answerable(_served(0, 0, 0, 0))[0] < 0.01


def _tenant(seed=0, rows=1500):
    """Here only the cosine tells whether an answer helps; lexical matches are noise."""
    rng = np.random.default_rng(seed)
    served = _served(*(rng.random((4, rows)) * [[0.6], [1], [1], [0.3]]))
    helped = (rng.random(rows) < 1 / (1 + np.exp(-12 * (served.cosine - 0.5)))).astype(float)
    return served, np.arange(rows, dtype=np.int32), helped, rng


def _separation(probability, helped):
    return probability[helped == 1].mean() - probability[helped == 0].mean()


def test_what_users_said_moves_the_weights():
    served, text, helped, rng = _tenant()
    said = np.where(rng.random(len(helped)) < 0.5, helped, np.nan)
    moved = calibrated(served, text, said)
    unrated = np.isnan(said)
    assert (
        _separation(moved[unrated], helped[unrated]) > _separation(answerable(served)[unrated], helped[unrated]) + 0.1
    )
    assert np.array_equal(moved, calibrated(served, text, said))


def test_few_or_one_sided_or_contrary_outcomes_leave_them():
    served, text, helped, _ = _tenant()
    usual = answerable(served)
    few = np.full(len(helped), np.nan)
    few[:60] = helped[:60]
    assert np.array_equal(calibrated(served, text, few), usual)
    assert np.array_equal(calibrated(served, text, np.ones(len(helped))), usual)
    assert np.array_equal(calibrated(served, text, 1 - helped), usual)


def test_the_balance_of_the_ratings_does_not_shift_everyone():
    served, text, helped, rng = _tenant(1)
    unhappy = np.where((helped == 0) | (rng.random(len(helped)) < 0.1), helped, np.nan)
    assert abs(calibrated(served, text, unhappy).mean() - answerable(served).mean()) < 0.15
