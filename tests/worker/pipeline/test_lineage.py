import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kaizen_worker.pipeline.lineage import Event, birth_id, trace


def codes(values):
    return np.array(values, dtype=np.int32)


def ones(count):
    return np.ones(count, dtype=np.int64)


def run(previous, labels, ids, medoids, weights=None):
    weights = ones(len(labels)) if weights is None else np.array(weights)
    return trace(previous=codes(previous), previous_ids=ids, labels=codes(labels), medoids=medoids, weights=weights)


def test_a_first_clustering_is_all_births():
    result = run([-1, -1], [0, 1], [], ["a", "b"])
    assert [event.kind for event in result.events] == ["birth", "birth"]
    assert all(re.fullmatch("t[0-9a-f]{12}", topic) for topic in result.ids)


def test_a_topic_that_splits_keeps_its_id_in_the_larger_part():
    result = run([0] * 5, [0, 0, 0, 1, 1], ["old"], ["a", "b"])
    assert result.ids[0] == "old"
    assert result.events == (Event("continue", "old"), Event("split", result.ids[1], "old"))


def test_topics_that_merge_go_on_under_the_heavier_id():
    result = run([0, 0, 1], [0, 0, 0], ["light", "heavy"], ["a"], weights=[1, 1, 3])
    assert result.ids == ("heavy",)
    assert result.events == (Event("continue", "heavy"), Event("merge", "light", "heavy"))


def test_a_topic_without_texts_dies_and_one_of_new_texts_is_born():
    result = run([0, -1, -1], [0, 1, 1], ["kept", "gone"], ["a", "b"])
    assert result.ids[0] == "kept"
    assert {event.kind: event.id for event in result.events} == {
        "birth": result.ids[1],
        "continue": "kept",
        "death": "gone",
    }


def test_an_id_is_not_carried_on_by_a_small_common_part():
    result = run([0] * 10 + [-1] * 10, [0] * 4 + [-1] * 6 + [0] * 10, ["old"], ["a"])
    assert result.ids[0] != "old"
    assert [event.kind for event in result.events] == ["birth", "death"]


def test_half_of_a_cluster_makes_it_a_split_and_half_of_a_topic_a_merge():
    split = run([0] * 10 + [0] * 3 + [-1] * 3, [0] * 10 + [1] * 6, ["old"], ["a", "b"])
    assert Event("split", split.ids[1], "old") in split.events
    born = run([0] * 20 + [0] * 9 + [-1] * 10, [0] * 20 + [1] * 19, ["old"], ["a", "b"])
    assert Event("birth", born.ids[1]) in born.events
    merge = run([0] * 10 + [1] * 6, [0] * 13 + [-1] * 3, ["big", "small"], ["a"])
    assert Event("merge", "small", "big") in merge.events
    death = run([0] * 20 + [1] * 19, [0] * 29 + [-1] * 10, ["big", "small"], ["a"])
    assert Event("death", "small") in death.events


def test_an_id_that_is_taken_is_never_given_again():
    first = birth_id("a", ())
    assert birth_id("a", {first}) != first
    result = run([0, 0, 0, -1], [1, 1, 1, 0], [first], ["a", "b"])
    assert result.ids[1] == first
    assert len(set(result.ids)) == 2


@st.composite
def clusterings(draw):
    size, old, new = draw(st.integers(1, 30)), draw(st.integers(1, 6)), draw(st.integers(1, 6))
    previous = draw(st.lists(st.integers(-1, old - 1), min_size=size, max_size=size))
    labels = draw(st.lists(st.integers(-1, new - 1), min_size=size, max_size=size))
    weights = draw(st.lists(st.integers(1, 9), min_size=size, max_size=size))
    return previous, labels, [f"id{i}" for i in range(old)], [f"text{i}" for i in range(new)], weights


@given(clusterings())
def test_every_cluster_has_one_id_and_every_old_id_one_fate(given_clusterings):
    _, _, ids, medoids, _ = given_clusterings
    result = run(*given_clusterings)
    assert len(set(result.ids)) == len(result.ids) == len(medoids)
    fates = [event.id for event in result.events if event.kind in {"continue", "merge", "death"}]
    assert sorted(fates) == sorted(ids)
    assert sorted(e.id for e in result.events if e.kind in {"birth", "continue", "split"}) == sorted(result.ids)


@given(clusterings())
def test_the_same_clustering_again_changes_nothing(given_clusterings):
    _, labels, _, medoids, weights = given_clusterings
    present = sorted(set(labels) - {-1})
    dense = [present.index(label) if label >= 0 else -1 for label in labels]
    ids = [f"id{i}" for i in range(len(present))]
    result = run(dense, dense, ids, [medoids[i] for i in present], weights)
    assert list(result.ids) == ids
    assert {event.kind for event in result.events} <= {"continue"}


@given(clusterings(), st.randoms(use_true_random=False))
def test_numbers_of_clusters_and_order_of_texts_mean_nothing(given_clusterings, random):
    previous, labels, ids, medoids, weights = given_clusterings
    old, new, rows = (random.sample(range(n), n) for n in (len(ids), len(medoids), len(labels)))
    shuffled = run(
        [old.index(previous[row]) if previous[row] >= 0 else -1 for row in rows],
        [new.index(labels[row]) if labels[row] >= 0 else -1 for row in rows],
        [ids[i] for i in old],
        [medoids[i] for i in new],
        [weights[row] for row in rows],
    )
    plain = run(*given_clusterings)
    assert shuffled.ids == tuple(plain.ids[i] for i in new)
    assert shuffled.events == plain.events


def test_a_topic_that_is_held_keeps_its_id_although_something_new_took_most_of_its_place():
    previous, labels = [0] * 10, [0] * 3 + [1] * 7
    free = run(previous, labels, ["old"], ["a", "b"])
    assert free.ids[1] == "old"
    held = trace(
        previous=codes(previous),
        previous_ids=["old"],
        labels=codes(labels),
        medoids=["b", "a"],
        weights=ones(10),
        held=codes([0, -1]),
    )
    assert held.ids[0] == "old"
    assert held.events == (Event("continue", "old"), Event("split", held.ids[1], "old"))


def test_what_is_held_is_matched_by_its_number_whatever_the_order_of_ids_and_medoids():
    result = trace(
        previous=codes([0, 1, 2]),
        previous_ids=["z", "m", "a"],
        labels=codes([2, 0, 1]),
        medoids=["c", "b", "a"],
        weights=ones(3),
        held=codes([1, -1, 0]),
    )
    assert result.ids == ("m", "a", "z")
