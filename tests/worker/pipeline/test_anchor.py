import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from kaizen_worker.pipeline.cluster import settle
from kaizen_worker.pipeline.cluster.members import MOST_NOISE, centroids


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def world():
    """Makes texts around eight fixed directions; gives vectors and the direction of each."""
    means = unit(np.random.default_rng(0).normal(size=(8, 64)))

    def world(*sizes, seed=1, scatter=0.6):
        random = np.random.default_rng(seed)
        truth = np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)
        return unit(means[truth] + scatter * random.normal(size=(len(truth), 64)) / 8), truth

    return world


def run(vectors, labels, last, weights=None):
    weights = np.ones(len(vectors), np.int64) if weights is None else weights
    with threadpool_limits(limits=1):
        return settle(vectors, centroids(vectors, labels), last, weights=weights)


def halved(truth, topic):
    """The labels with one topic cut into two at random: as good a partition as any, by chance."""
    cut = (truth == topic) & (np.random.default_rng(5).random(len(truth)) < 0.5)
    return np.where(cut, truth.max() + 1, truth).astype(np.int32)


def test_a_chance_split_changes_nothing(world):
    vectors, truth = world(60, 50, 40)
    last = centroids(*world(60, 50, 40, seed=2))
    found = run(vectors, halved(truth, 0), last)
    assert found.held.tolist() == [0, 1, 2]
    assert (found.labels == truth)[found.labels >= 0].all()


def test_a_chance_merger_changes_nothing(world):
    vectors, truth = world(60, 50, 40)
    last = centroids(*world(60, 50, 40, seed=2))
    found = run(vectors, np.maximum(truth - 1, 0).astype(np.int32), last)
    assert found.held.tolist() == [0, 1, 2]


def test_what_is_new_gets_a_topic_of_its_own_and_the_others_stay(world):
    last = centroids(*world(60, 50, 40, seed=2))
    vectors, truth = world(60, 50, 40, 45)
    found = run(vectors, truth, last)
    assert found.held.tolist() == [0, 1, -1, 2]
    assert [len(set(truth[found.labels == code])) for code in range(4)] == [1, 1, 1, 1]


def test_a_last_topic_that_covered_two_is_replaced_or_keeps_one_of_them(world):
    vectors, truth = world(60, 50, 40)
    joined = centroids(vectors, np.where(truth == 1, 0, truth // 2).astype(np.int32))
    found = run(vectors, truth, joined)
    assert len(found.centroids) == 3
    members = [truth[found.labels == code] for code in range(3)]
    assert all(np.bincount(each).max() / len(each) > 0.95 for each in members)


def test_a_topic_that_nobody_asks_about_any_more_does_not_hold(world):
    last = centroids(*world(60, 50, 40, 30, seed=2))
    vectors, truth = world(60, 50, 40)
    assert run(vectors, truth, last).held.tolist() == [0, 1, 2]


def test_a_topic_of_fewer_than_three_interactions_is_dissolved_unless_they_repeat(world):
    last = centroids(*world(60, 50, 20, seed=2))
    vectors, truth = world(60, 50, 2)
    assert run(vectors, truth, last).held.tolist() == [0, 1]
    weights = np.where(truth == 2, 200, 1)
    assert run(vectors, truth, last, weights).held.tolist() == [2, 0, 1]


def test_without_last_topics_each_text_goes_where_live_assignment_would_put_it(world):
    vectors, truth = world(60, 50, 40)
    for last in (None, np.empty((0, 0), np.float32)):
        found = run(vectors, halved(truth, 2), last)
        assert found.held.tolist() == [-1] * 4
        near = (vectors @ centroids(vectors, halved(truth, 2)).T).argmax(axis=1)
        assert len({*zip(near.tolist(), found.labels.tolist(), strict=True)} - {(n, -1) for n in near}) == 4


def test_noise_is_a_tenth_at_most(world):
    vectors, truth = world(60, 50, 40)
    lone = unit(np.random.default_rng(9).normal(size=(40, 64)))
    everything = np.concatenate([vectors, lone])
    labels = np.concatenate([truth, np.full(40, -1, np.int32)])
    found = run(everything, labels, centroids(vectors, truth))
    assert 0.05 < (found.labels < 0).mean() <= MOST_NOISE
    assert (found.labels[:150] >= 0).all()


def test_order_and_runs_mean_nothing(world):
    vectors, truth = world(60, 50, 40, 45)
    last = centroids(*world(60, 50, 40, seed=2))
    first, again = run(vectors, truth, last), run(vectors, truth, last)
    assert np.array_equal(first.centroids, again.centroids)
    order = np.random.default_rng(3).permutation(len(vectors))
    shuffled = run(vectors[order], truth[order], last)
    assert np.array_equal(shuffled.labels, first.labels[order])
