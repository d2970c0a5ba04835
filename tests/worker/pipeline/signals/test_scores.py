import numpy as np

from kaizen_worker.pipeline.signals.fitting import enough
from kaizen_worker.pipeline.signals.scores import predictors, score_weights, standard


def _outcome(rng, rows):
    return (rng.random(rows) < 0.2).astype(float)


def test_a_score_that_predicts_earns_weight_and_noise_gets_exactly_none():
    rng = np.random.default_rng(0)
    outcome = _outcome(rng, 2000)
    good = np.clip(0.7 - 0.2 * outcome + rng.normal(0, 0.1, 2000), 0, 1)
    weights = score_weights({"truth": good, "tone": rng.random(2000)}, outcome)
    assert weights["truth"] > 1.0
    assert weights["tone"] == 0.0


def test_useless_scores_are_weighed_in_at_most_one_window_of_a_hundred():
    weighed = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        weights = score_weights({name: rng.random(100) for name in "abcdefgh"}, rng.integers(0, 2, 100).astype(float))
        weighed += any(weights.values())
    assert weighed <= 8  # 4 expected; 9 or more have a chance of 2 %


def test_a_score_that_praises_failures_gets_none():
    rng = np.random.default_rng(1)
    outcome = _outcome(rng, 2000)
    assert score_weights({"odd": 0.3 + 0.3 * outcome + rng.normal(0, 0.1, 2000)}, outcome) == {"odd": 0.0}


def test_a_weak_score_gets_less_than_a_strong_one():
    rng = np.random.default_rng(2)
    outcome = _outcome(rng, 4000)
    strong, weak = (0.7 - gap * outcome + rng.normal(0, 0.1, 4000) for gap in (0.25, 0.06))
    one, other = score_weights({"s": strong}, outcome)["s"], score_weights({"w": weak}, outcome)["w"]
    assert one > 3 * other > 0


def test_a_copy_shares_the_weight():
    rng = np.random.default_rng(3)
    outcome = _outcome(rng, 2000)
    good = 0.7 - 0.2 * outcome + rng.normal(0, 0.1, 2000)
    alone = score_weights({"a": good}, outcome)["a"]
    both = score_weights({"a": good, "b": good.copy()}, outcome)
    assert np.isclose(both["a"] + both["b"], alone)


def test_missing_and_constant_scores_say_nothing():
    outcome = np.array([1.0, 0.0] * 50)
    weights = score_weights({"none": np.full(100, np.nan), "same": np.full(100, 0.4)}, outcome)
    assert weights == {"none": 0.0, "same": 0.0}
    assert standard(np.full(100, np.nan)).tolist() == [0.0] * 100
    assert standard(np.array([0.0, np.nan, 1.0])).tolist() == [1.0, 0.0, -1.0]


def test_too_few_outcomes_weigh_nothing():
    outcome = np.array([1.0] * 19 + [0.0] * 100)
    assert score_weights({"clear": 1 - outcome}, outcome) == {"clear": 0.0}


def test_signals_weigh_by_feedback_or_else_by_the_next_turn(world):
    rejected = world(5).follow("garden", "still wrong")
    marked = rejected.change("garden", level=0.35, where=lambda record: not record.id.endswith("+"))
    critics = marked.sample().signals.critics
    assert critics["consciousness_level"].weight > 0
    assert critics["tone"].weight == 0.0
    assert critics["consciousness_level"].by == critics["tone"].by == "next_turn"
    assert critics["consciousness_level"].auc > 0.6 > critics["tone"].auc


def test_ratings_decide_once_fifty_of_each_kind_are_there():
    score = np.linspace(0, 1, 1000)
    followed = (np.arange(1000) % 2).astype(float)
    said = np.full(1000, np.nan)
    said[:49], said[500:1000] = 1.0, 0.0
    assert not enough(said)
    assert predictors({"truth": score}, said, followed)["truth"].by == "next_turn"
    said[49] = 1.0
    assert enough(said)
    (critic,) = predictors({"truth": score, "never": np.full(1000, np.nan)}, said, followed).values()
    assert (critic.by, critic.failed, critic.succeeded, critic.auc) == ("ratings", 50, 500, 1.0)
    assert 1 < critic.weight < 4  # all told apart, and yet not certain


def test_too_few_outcomes_leave_the_area_open():
    outcome = np.array([1.0] * 19 + [0.0] * 100)
    (critic,) = predictors({"clear": 1 - outcome}, np.full(119, np.nan), outcome).values()
    assert (critic.weight, critic.auc, critic.failed) == (0.0, None, 19)
