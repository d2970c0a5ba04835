from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen_api.errors import Invalid
from kaizen_worker.embedding import load
from kaizen_worker.pipeline.assignment import nearest
from kaizen_worker.pipeline.sketch import EMPTY, building, encode, merge, merged, sketches
from kaizen_worker.pipeline.sketch.sketch import MOST
from kaizen_worker.types import Coded, Signals

TOPICS = 5


def recoded(column, rows):
    """The column of these rows alone, as a process would have it that knows no others."""
    codes = column.codes[rows]
    names, places = np.unique(codes[codes >= 0], return_inverse=True)
    own = np.full(len(rows), -1, np.int32)
    own[codes >= 0] = places
    return Coded(own, tuple(column.names[name] for name in names))


def shard(window, marks, topics, rows):
    """These rows as a window of their own."""
    texts, text = np.unique(window.text[rows], return_inverse=True)
    part = replace(
        window,
        ids=tuple(window.ids[row] for row in rows),
        occurred_at=window.occurred_at[rows],
        text=text.astype(np.int32),
        texts=tuple(window.texts[i] for i in texts),
        vectors=window.vectors[texts],
        session=recoded(window.session, rows),
        user=recoded(window.user, rows),
        response_time=window.response_time[rows],
    )
    own = Signals({name: flag[rows] for name, flag in marks.flags.items()}, marks.failure[rows], {})
    return sketches(part, own, topics[rows], count=TOPICS)


def in_any_tree(random, shards):
    """Merged a few at a time, which ones by chance, until one is left."""
    while len(shards) > 1:
        random.shuffle(shards)
        some = int(random.integers(2, 6))
        shards = [*shards[some:], merged(shards[:some])]
    return shards[0]


def encoded(found):
    return [encode(sketch) for sketch in found]


@given(st.integers(1, 1000), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_any_shards_merged_in_any_order_and_tree_are_the_whole_to_the_bit(small, known, number, seed):
    random = np.random.default_rng(seed)
    place = random.integers(0, number, len(small[0]))
    rows = random.permutation(len(place))
    shards = [shard(*small, rows[place[rows] == one]) for one in range(number)]
    assert encoded(in_any_tree(random, shards)) == encoded(known)
    assert encoded(merged(shards)) == encoded(known)


def test_a_thousand_shards_of_a_large_log_are_the_whole(log, monkeypatch):
    texts = [f"{n:05d} how do I {verb} my card" for n in range(500) for verb in ("reset", "block", "order", "find")]
    vectors = load("static").embed(sorted(texts)).astype(np.float16)
    large = log(20_000, texts=2000, users=6000, vectors=vectors)
    random = np.random.default_rng(1)
    rows, whole = random.permutation(20_000), encoded(sketches(*large, count=TOPICS))
    shards = [shard(*large, part) for part in np.array_split(rows, 1000)]
    assert encoded(in_any_tree(random, shards)) == whole
    assert encoded(sketches(*large, count=TOPICS, rows=rows)) == whole
    monkeypatch.setattr(building, "SHARD", 777)
    monkeypatch.setattr(building, "BLOCK", 50)
    assert encoded(sketches(*large, count=TOPICS)) == whole


def test_the_laws_of_merging_hold(small, known):
    one, two, three, *_ = known
    assert encode(merge([one, merge([two, three])])) == encode(merge([merge([one, two]), three]))
    assert encode(merge([one, two])) == encode(merge([two, one])) != encode(one)
    assert encode(merge([EMPTY, one, EMPTY])) == encode(merge([one])) == encode(one)
    assert encode(merge([])) == encode(merge([EMPTY, EMPTY])) == encode(EMPTY)
    assert sketches(*small, count=TOPICS, rows=np.empty(0, np.int64)) == (EMPTY,) * TOPICS


def test_merged_centroids_serve_live_assignment_as_direct_ones_do(small, known):
    parts = merged([shard(*small, part) for part in np.array_split(np.arange(1200), 7)])
    rows = small[0].vectors
    direct, again = (nearest(rows, np.stack([one.centroid() for one in found])) for found in (known, parts))
    assert np.array_equal(direct, again)


def test_vectors_of_another_length_and_too_many_interactions_are_not_merged(known):
    one, two, *_ = known
    with pytest.raises(Invalid, match="one length"):
        merge([one, replace(two, total=np.zeros(3))])
    assert merge([replace(one, interactions=MOST - 1), replace(two, interactions=1)]).interactions == MOST
    with pytest.raises(Invalid, match="at most"):
        merge([replace(one, interactions=MOST), replace(two, interactions=1)])
