from dataclasses import asdict
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen_worker.pipeline.sketch import EXEMPLARS, LATENCY_BOUNDS, UNIT, merge, sketch

DIMENSION = 4

interactions = st.lists(
    st.tuples(
        st.lists(st.floats(-1, 1, width=32), min_size=DIMENSION, max_size=DIMENSION),
        st.text(max_size=3),
        st.sampled_from(["ok", "error", "unknown"]),
        st.floats(0, 1000) | st.just(float("nan")),
    ),
    max_size=12,
)


def sketched(rows):
    vectors = np.array([row[0] for row in rows], dtype=np.float32).reshape(len(rows), DIMENSION)
    seconds = np.array([row[3] for row in rows], dtype=np.float64)
    return sketch(
        vectors=vectors, texts=[row[1] for row in rows], outcomes=[row[2] for row in rows], response_time=seconds
    )


def plain(value):
    return {name: part.tolist() if isinstance(part, np.ndarray) else part for name, part in asdict(value).items()}


@given(interactions, st.lists(st.integers(0, 3), min_size=12, max_size=12), st.permutations(range(4)))
def test_any_grouping_and_order_gives_the_sketch_of_the_whole(rows, group_of, order):
    groups = [[row for row, group in zip(rows, group_of, strict=False) if group == each] for each in order]
    assert plain(reduce(merge, map(sketched, groups))) == plain(sketched(rows))


@given(interactions, interactions, interactions)
def test_merging_is_commutative_and_associative_bit_for_bit(one, two, three):
    a, b, c = sketched(one), sketched(two), sketched(three)
    assert plain(merge(a, b)) == plain(merge(b, a))
    assert plain(merge(merge(a, b), c)) == plain(merge(a, merge(b, c)))


@given(interactions)
def test_nothing_adds_nothing(rows):
    assert plain(merge(sketched(rows), sketched([]))) == plain(sketched(rows))


def test_what_is_counted():
    rows = [([1, 0, 0, 0], "a", "ok", 0.1), ([0, 1, 0, 0], "b", "error", 0.2), ([0, 1, 0, 0], "a", "ok", 400.0)]
    counted = sketched([*rows, ([0, 1, 0, 0], "c", "ok", float("nan"))])
    assert counted.count == 4
    assert counted.vector_sum.tolist() == [UNIT, 3 * UNIT, 0, 0]
    assert counted.outcomes == {"error": 1, "ok": 3}
    assert counted.latency == (1, 1, *[0] * (len(LATENCY_BOUNDS) - 2), 1)
    assert counted.latency_sum == 400_300_000
    assert set(counted.exemplars) == {"a", "b", "c"}


def test_centroid_and_spread_are_those_of_the_vectors():
    rows = np.random.default_rng(0).normal(size=(50, DIMENSION))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    counted = sketched([(row, "", "ok", 1.0) for row in rows])
    mean = rows.mean(axis=0)
    np.testing.assert_allclose(counted.centroid, mean / np.linalg.norm(mean), atol=1e-6)
    assert counted.spread == pytest.approx(((rows - mean) ** 2).sum(axis=1).mean(), abs=1e-6)


def test_an_empty_sketch_has_no_direction_and_an_even_one_full_spread():
    assert sketched([]).centroid.tolist() == [0.0] * DIMENSION
    opposite = sketched([([1, 0, 0, 0], "", "ok", 1.0), ([-1, 0, 0, 0], "", "ok", 1.0)])
    assert opposite.spread == 1.0
    assert opposite.centroid.tolist() == [0.0] * DIMENSION


def test_exemplars_are_few_and_do_not_favour_the_first():
    texts = [f"query {number:02d}" for number in range(100)]
    drawn = sketched([([1, 0, 0, 0], text, "ok", 1.0) for text in texts]).exemplars
    assert len(drawn) == EXEMPLARS
    assert set(drawn) != set(texts[:EXEMPLARS])
