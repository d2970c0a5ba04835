import msgspec
import numpy as np
import pytest
from scipy.special import expit

from kaizen_api.critic import Critic
from kaizen_api.schema import Record
from kaizen_worker.pipeline.signals import signals
from kaizen_worker.pipeline.signals.failure import JUDGED, WEIGHTS, failures, ratings
from kaizen_worker.pipeline.signals.fitting import INTERCEPT
from kaizen_worker.types import Thresholds

NONE = np.full(4, np.nan)


def _none(rows=4):
    return {name: np.zeros(rows, np.bool_) for name in (*WEIGHTS, "error", "follow_up")}


def _log_odds(p):
    return np.log(p / (1 - p))


def test_no_sign_is_the_intercept_and_a_sign_adds_its_weight():
    flags = _none()
    flags["negation"][1] = True
    p, critics, _ = failures(flags, NONE, {}, {})
    assert _log_odds(p[:2]) == pytest.approx([INTERCEPT, INTERCEPT + WEIGHTS["negation"]], abs=1e-4)
    assert critics == {}


def test_an_error_is_a_failure_unless_the_user_was_content():
    flags = _none()
    flags["error"][:] = True
    flags["thanked"][1] = True
    p, *_ = failures(flags, np.array([np.nan, np.nan, 1.0, 0.0]), {}, {})
    assert p[:3].tolist() == [1.0, 1.0, 1.0]
    assert p[3] < 0.1


def test_ratings_are_bad_good_or_none():
    assert ratings(np.array([-1.0, -0.1, 0.4])).tolist() == [1.0, 1.0, 0.0]
    assert np.isnan(ratings(np.array([0.0, np.nan]))).all()


@pytest.mark.parametrize("auc", [None, 0.5])
def test_the_judges_verdict_counts_in_advance_but_not_once_it_is_known_to_say_nothing(auc):
    verdict = np.array([1.0, 0.0, np.nan, 1.0])
    critic = Critic(weight=0.0, auc=auc, failed=30, succeeded=30, by="next_turn")
    p, critics, _ = failures(_none(), NONE, {"accepted": verdict}, {"accepted": critic})
    added = [JUDGED["accepted"], JUDGED["rejected"], 0.0, JUDGED["accepted"]] if auc is None else [0.0] * 4
    assert _log_odds(p) - INTERCEPT == pytest.approx(added, abs=1e-4)
    assert critics["accepted"] == critic


def test_a_critic_with_weight_counts_by_its_distance_from_its_mean():
    score = np.array([0.2, 0.8, np.nan, 0.5])
    critic = Critic(weight=1.5, auc=0.8, failed=30, succeeded=30, by="ratings")
    useless = msgspec.structs.replace(critic, weight=0.0)
    p, critics, _ = failures(_none(), NONE, {"refusal": score, "tone": score}, {"refusal": critic, "tone": useless})
    below = (0.5 - score[[0, 1]]) / np.nanstd(score)
    assert _log_odds(p) - INTERCEPT == pytest.approx([*(1.5 * below), 0.0, 0.0], abs=1e-4)
    assert critics == {"refusal": critic, "tone": useless}


def test_ratings_move_the_weight_of_a_critic_and_the_moved_one_is_told():
    rng = np.random.default_rng(0)
    score = rng.normal(0.5, 0.1, 3000)
    failed = rng.random(3000) < expit(INTERCEPT + (0.5 - score) / 0.1)  # a third as strong as it seemed
    said = np.where(rng.random(3000) < 0.5, failed, np.nan)
    critic = Critic(weight=3.0, auc=0.9, failed=300, succeeded=300, by="next_turn")
    _, critics, _ = failures(_none(3000), said, {"truth": score}, {"truth": critic})
    assert 0.7 < critics["truth"].weight < 1.5


def test_follow_ups_and_errors_are_not_learned_from():
    flags = _none(2000)
    flags["follow_up"][:1000] = flags["error"][1000:] = True
    said = np.ones(2000)
    p, *_ = failures(flags, np.where(np.arange(2000) < 1990, said, np.nan), {}, {})
    assert p[-1] == 1.0
    flags["error"][-1] = False
    assert failures(flags, np.where(np.arange(2000) < 1999, said, np.nan), {}, {})[0][-1] < 0.15


def test_an_erring_topic_fails_at_least_as_often_as_it_errs(world):
    faulty = world(3).change("garden", share=0.4, error="timeout")
    sample = faulty.sample()
    garden = (sample.topic == sample.topic_names.index("garden")) & ~sample.signals.flags["follow_up"]
    errors = sample.signals.flags["error"][garden].mean()
    assert 0.3 < errors <= sample.signals.failure[garden].mean()


def test_the_floor_is_the_one_in_ten_that_the_docs_tell(build):
    quiet = build([Record(id=f"q{row}", occurred_at=row, query=f"what is {row}?") for row in range(100)])
    assert signals(quiet, Thresholds()).failure.round(2).tolist() == [0.1] * 100
