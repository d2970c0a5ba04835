import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from kaizen_worker.embedding import load
from kaizen_worker.pipeline import cluster as package
from kaizen_worker.pipeline.assignment import assign, nearest
from kaizen_worker.pipeline.cluster import cluster
from kaizen_worker.pipeline.cluster.consensus import agreed
from kaizen_worker.pipeline.cluster.hierarchy import groups
from kaizen_worker.pipeline.cluster.members import MOST_NOISE, centroids, fence
from kaizen_worker.pipeline.cluster.neighbours import communities, graph, nearest_rows
from kaizen_worker.pipeline.cluster.sample import draw, halves, hashes, reshuffled
from kaizen_worker.pipeline.cluster.views import combine
from kaizen_worker.types import Clusters

DATA = Path(os.environ.get("KAIZEN_DATA", Path(__file__).parents[4] / "shared" / "data"))


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def planted(*, sizes, dimension=48, scatter=0.5, noise=0, seed=0):
    """Texts and vectors around one random direction a cluster, then `noise` ones in directions of their own."""
    random = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(sizes) + 1), [*sizes, noise]) % (len(sizes) + 1)
    means = unit(random.normal(size=(len(sizes), dimension)))
    rows = random.normal(size=(len(truth), dimension)) / np.sqrt(dimension)
    lone = truth == len(sizes)
    rows[~lone] = means[truth[~lone]] + scatter * rows[~lone]
    texts = [f"text {number:06d}" for number in random.permutation(len(truth))]
    return unit(rows), texts, truth, lone


def run(vectors, texts, *, weights=None, seed=0):
    weights = np.ones(len(texts), dtype=np.int64) if weights is None else weights
    return cluster(vectors, texts, weights=weights, seed=seed)


def same(one, two):
    return (
        np.array_equal(one.labels, two.labels)
        and np.array_equal(one.centroids, two.centroids)
        and np.array_equal(one.parents, two.parents)
        and one.threshold == two.threshold
    )


def test_planted_clusters_of_unlike_sizes_are_found():
    vectors, texts, truth, _ = planted(sizes=[300, 200, *[60] * 10, *[30] * 10])
    found = run(vectors, texts)
    assert adjusted_rand_score(truth, found.labels) > 0.97
    assert len(found.centroids) == len(set(truth))


def test_what_stands_apart_is_noise_and_nothing_else_is():
    vectors, texts, truth, lone = planted(sizes=[60] * 10, noise=20)
    found = run(vectors, texts)
    assert (found.labels[lone] == -1).mean() > 0.9
    assert (found.labels[~lone] == -1).mean() < 0.01
    assert adjusted_rand_score(truth[~lone], found.labels[~lone]) > 0.97


def test_clusters_are_numbered_from_the_heaviest_on_and_every_number_is_used():
    vectors, texts, _, _ = planted(sizes=[30, 90, 60, 40, 50])
    sizes = np.bincount(run(vectors, texts).labels)
    assert sizes.tolist() == sorted(sizes, reverse=True)
    weights = np.where(np.arange(len(texts)) < 30, 100, 1)  # the smallest cluster is asked about most
    heavy = run(vectors, texts, weights=weights)
    assert set(heavy.labels[:30]) == {0}


def test_the_same_texts_analysed_again_keep_their_topics():
    vectors, texts, _, _ = planted(sizes=[60] * 12, scatter=1.4, noise=60)
    weights = np.ones(len(texts), np.int64)
    first = run(vectors, texts)
    again = cluster(vectors, texts, weights=weights, seed=0, last=first.centroids)
    assert np.array_equal(again.labels, first.labels)
    assert np.array_equal(again.centroids, first.centroids)
    assert again.held.tolist() == list(range(len(first.centroids)))


def test_order_of_texts_means_nothing():
    vectors, texts, _, _ = planted(sizes=[40] * 8, noise=10)
    order = np.random.default_rng(1).permutation(len(texts))
    plain, shuffled = run(vectors, texts), run(vectors[order], [texts[i] for i in order])
    assert np.array_equal(plain.labels[order], shuffled.labels)
    assert np.array_equal(plain.centroids, shuffled.centroids)


def test_runs_and_threads_change_no_bit():
    vectors, texts, _, _ = planted(sizes=[50] * 12, scatter=1.0, noise=20)
    first = run(vectors, texts)
    assert same(first, run(vectors, texts))
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            assert same(first, run(vectors, texts))


def test_a_sample_stands_for_all(monkeypatch):
    vectors, texts, truth, _ = planted(sizes=[300] * 10)
    monkeypatch.setattr(package, "SAMPLE", 500)
    found = run(vectors, texts)
    assert adjusted_rand_score(truth, found.labels) > 0.95
    assert same(found, run(vectors, texts))


@pytest.mark.parametrize("count", range(8))
def test_hardly_any_texts_are_no_trouble(count):
    vectors, texts, _, _ = planted(sizes=[count])
    found = run(vectors, texts)
    assert found.labels.tolist() == [0] * count
    assert found.centroids.shape == (min(count, 1), vectors.shape[1])
    assert np.array_equal(assign(vectors, found), found.labels)


def test_a_few_real_texts_fall_into_their_obvious_groups():
    texts = [
        *("how do I reset my PIN", "I forgot my PIN", "change the PIN of my card", "new PIN please"),
        *("will it rain tomorrow", "weather forecast for today", "is it sunny outside", "what's the weather like"),
        *("play some jazz music", "turn on my playlist", "play the next song", "I want to listen to music"),
    ]
    found = run(load("minilm").embed(texts), texts)
    assert adjusted_rand_score(np.repeat([0, 1, 2], 4), found.labels) == 1.0


@given(st.integers(0, 40) | st.sampled_from([99, 100, 130]), st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_whatever_comes_in_the_result_holds_together(count, seed):
    random = np.random.default_rng(seed)
    vectors = unit(random.normal(size=(count, 8)))
    found = run(vectors, [f"{number}" for number in random.permutation(count)], seed=seed)
    clusters = len(found.centroids)
    assert set(found.labels) - {-1} == set(range(clusters))
    assert (found.labels == -1).sum() <= MOST_NOISE * count
    assert found.parents.shape == (clusters,)
    np.testing.assert_allclose(np.linalg.norm(found.centroids, axis=1), 1.0, atol=1e-5)
    assert np.array_equal(found.labels, assign(vectors, found))


def test_tiny_clusters_join_the_others_unless_they_carry_weight():
    vectors, texts, truth, _ = planted(sizes=[*[40] * 5, 2])
    light = run(vectors, texts)
    assert len(light.centroids) == 5
    weights = np.where(truth == 5, 50, 1)
    assert len(set(run(vectors[-42:], texts[-42:], weights=weights[-42:]).labels[-2:]) - {-1}) == 1


def test_links_among_some_are_those_that_they_alone_would_have():
    vectors, *_ = planted(sizes=[40] * 3)
    some = np.arange(120) % 3 != 0
    among = graph(nearest_rows(vectors, 60), neighbours=5, among=some)
    alone = graph(nearest_rows(vectors[some], 5), neighbours=5)
    assert np.array_equal(among.toarray(), alone.toarray())


def test_a_sample_is_what_the_samples_of_parts_would_be_and_another_window_has_most_of_it():
    texts = [f"text {number}" for number in range(1000)]
    drawn = hashes(texts, seed=3)
    whole = {texts[i] for i in draw(drawn, 100)}
    parts = [texts[i] for part in np.split(np.arange(1000), [7, 300, 999]) for i in part[draw(drawn[part], 100)]]
    assert {parts[i] for i in draw(hashes(parts, seed=3), 100)} == whole
    assert len(whole & {texts[i] for i in draw(drawn[:900], 100)}) > 80
    assert len(whole & {texts[i] for i in draw(hashes(texts, seed=4), 100)}) < 25
    assert all(400 < halves(drawn, split).sum() < 600 for split in range(64))
    assert (halves(drawn, 0) != halves(drawn, 1)).mean() > 0.4


def test_a_live_query_joins_the_nearest_cluster_or_none():
    means = np.eye(3, dtype=np.float32)
    known = Clusters(np.arange(3, dtype=np.int32), means, np.full(3, -1, np.int32), 0.7)
    live = unit(np.array([[0.9, 0.1, 0], [0, 0.1, 0.9], [1, 1, 0], [1, 1, 1]]))
    assert assign(live, known).tolist() == [0, 2, 0, -1]
    nothing = Clusters(np.empty(0, np.int32), means[:0], np.empty(0, np.int32), 1.0)
    assert assign(live, nothing).tolist() == [-1] * 4


@pytest.mark.parametrize("topics", [1, 3, 50, 700])
def test_a_text_gets_the_same_to_the_bit_in_whatever_company_it_comes(topics):
    vectors, *_ = planted(sizes=[500] * 3, dimension=384)
    vectors = vectors.astype(np.float16)
    means = vectors[:topics].astype(np.float32)
    codes, cosines = nearest(vectors, means)
    order = np.random.default_rng(0).permutation(1500)
    for part in (order, np.arange(700, 900), np.arange(1), np.arange(1499, 1500), np.arange(1030)):
        again = nearest(vectors[part], means)
        assert np.array_equal(again[0], codes[part])
        assert np.array_equal(again[1], cosines[part])


def test_the_order_of_texts_changes_no_bit_of_a_mean():
    vectors = load("static").embed([f"how do I {n} my {n % 7} card" for n in range(5000)]).astype(np.float16)
    labels = (np.arange(5000) % 7).astype(np.int32)
    order = np.random.default_rng(0).permutation(5000)
    assert np.array_equal(centroids(vectors, labels), centroids(vectors[order], labels[order]))


def test_the_fence_spares_what_only_tapers_off_and_shuts_out_what_stands_apart():
    even = np.linspace(0.6, 0.9, 200)
    assert fence(even) < even.min()
    assert 0.2 < fence(np.append(even, [0.1, 0.15, 0.2])) < 0.6
    assert fence(np.append(even, np.full(40, 0.1))) == 0.1


def test_links_weigh_what_two_neighbourhoods_have_in_common():
    angles = np.array([0.0, 0.1, 0.25, 2.0, 2.1, 2.25])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    links = graph(nearest_rows(rows, 4), neighbours=2).toarray()
    within, across = links[:3, :3], links[:3, 3:]
    assert np.allclose(within, 1.0)  # three that are each other's two nearest
    assert not across.any()
    chain = graph(nearest_rows(unit(np.array([[10, 0], [10, 1], [10, 3]])), 2), neighbours=1).toarray()
    assert np.allclose(chain, [[1, 1, 0], [1, 1, 1 / 3], [0, 1 / 3, 1]])  # no link but to a nearest


def test_the_words_weigh_half_as_much_as_the_vectors():
    vectors, *_ = planted(sizes=[5, 5], dimension=8)
    rows = combine(vectors, ["a b", "a c"] * 5, seed=0)
    lengths = np.linalg.norm(rows[:, :8], axis=1), np.linalg.norm(rows[:, 8:], axis=1)
    np.testing.assert_allclose(lengths[1] / lengths[0], 0.5, atol=1e-5)
    wordless = combine(vectors, list("abcdefghij"), seed=0)
    np.testing.assert_allclose(np.linalg.norm(wordless[:, :8], axis=1), 1.0, atol=1e-5)


def test_one_word_more_leaves_the_view_of_the_other_words_where_it_was():
    random = np.random.default_rng(0)
    texts = [" ".join(f"w{word}" for word in random.integers(0, 400, 6)) for _ in range(1200)]
    vectors = np.tile(unit(np.ones((1, 4))), (1202, 1))
    before = combine(vectors[:1200], texts, seed=0)[:, 4:]
    after = combine(vectors, [*texts, "aaa bbb", "aaa bbb"], seed=0)[:1200, 4:]
    cosines = [rows[:300] @ rows[:300].T / np.sum(rows[:300] ** 2, axis=1) for rows in (before, after)]
    assert np.abs(cosines[0] - cosines[1]).max() < 0.05
    other = combine(vectors[:1200], texts, seed=1)[:, 4:]
    assert np.abs(other - before).max() > 0.05


def test_other_orders_are_drawn_by_the_text_and_one_text_more_leaves_them():
    drawn = hashes([f"text {number}" for number in range(500)], seed=0)
    orders = [np.argsort(reshuffled(drawn, times)) for times in range(3)]
    assert not any(np.array_equal(one, other) for one, other in pairwise(orders))
    assert np.array_equal(reshuffled(drawn[:400], 1), reshuffled(drawn, 1)[:400])
    assert len(set(reshuffled(drawn, 2).tolist())) == 500


def test_what_runs_agree_on_depends_less_on_one_row_more_than_a_run_does():
    vectors, texts, _, _ = planted(sizes=[40] * 12, scatter=1.6, dimension=24)
    drawn = hashes(texts, seed=0)
    whole = graph(nearest_rows(vectors, 32), neighbours=16)
    found = agreed(whole, drawn, resolution=1.0)
    single, together = [], []
    for gone in range(0, 480, 80):
        kept = np.arange(480) != gone
        less = graph(nearest_rows(vectors[kept], 32), neighbours=16)
        together.append(adjusted_rand_score(found[kept], agreed(less, drawn[kept], resolution=1.0)))
        alone = [communities(links, resolution=1.0) for links in (whole, less)]
        single.append(adjusted_rand_score(alone[0][kept], alone[1]))
    assert np.mean(together) > np.mean(single)


def test_the_level_above_groups_clusters_that_are_near():
    random = np.random.default_rng(0)
    domains = unit(random.normal(size=(4, 64)))
    near = unit(np.repeat(domains, 6, axis=0) + 0.5 * unit(random.normal(size=(24, 64))))
    assert adjusted_rand_score(np.repeat(range(4), 6), groups(near)) == 1.0
    assert groups(near[:5]).tolist() == [-1] * 5


def test_real_intents_are_found_without_their_number():
    file = DATA / "dstc11_dev.jsonl"
    if not file.exists():
        pytest.skip(f"no {file}")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    texts = [row["text"] for row in rows]
    truth = np.unique([row["label"] for row in rows], return_inverse=True)[1]
    found = run(load("minilm").embed(texts), texts)
    assert 11 <= len(found.centroids) <= 44
    table = np.zeros((22, len(found.centroids) + 1))
    np.add.at(table, (truth, found.labels), 1)
    assert table[linear_sum_assignment(table[:, :-1], maximize=True)].sum() / len(texts) > 0.66


@pytest.mark.parametrize(("number", "several"), [(package.FEWEST - 1, False), (package.FEWEST, True)])
def test_where_no_group_stands_out_a_graph_decides_if_there_are_enough_texts(monkeypatch, number, several):
    monkeypatch.setattr(package.few, "STANDS_OUT", 2.0)  # no silhouette is that large
    vectors, texts, _, _ = planted(sizes=[number // 3, number // 3, number - 2 * (number // 3)], scatter=0.2)
    assert (len(run(vectors, texts).centroids) > 1) is several
