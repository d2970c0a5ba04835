"""One person counts once, whatever batches the interactions come in."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kaizen_api.schema import Record
from kaizen_worker.pipeline.live.arrivals import arrivals
from kaizen_worker.pipeline.live.repeats import WITHIN, follow, mark, marks, repeated


@given(pairs=st.lists(st.integers(0, 6), max_size=60), cuts=st.sets(st.integers(0, 60)))
def test_batches_do_not_matter(pairs, cuts):
    ring, again = marks([]), []
    for part in np.split(marks(pairs), sorted(cut for cut in cuts if cut <= len(pairs))):
        flags, ring = follow(ring, part)
        again += flags.tolist()
    assert again == repeated(marks(pairs)).tolist()
    assert again == [pair in pairs[:place] for place, pair in enumerate(pairs)]


def test_it_is_forgotten_after_a_while_and_in_batches_alike():
    others = np.arange(10, 10 + WITHIN, dtype=np.uint32)
    near, far = np.append(others[:-1], 1), np.append(others, 1)
    assert repeated(np.concatenate(([1], near)))[-1]
    assert not repeated(np.concatenate(([1], far)))[-1]
    for last, expected in ((near, True), (far, False)):
        _, ring = follow(marks([]), marks([1]))
        again, _ = follow(ring, last.astype(np.uint32))
        assert again[-1] == expected


def test_a_pair_is_no_other_pair():
    pairs = [mark("bc", mark("a")), mark("c", mark("ab")), mark("abc"), mark("c", mark("b", mark("a")))]
    assert len(set(pairs)) == 4


def test_a_person_counts_once_for_all_that_is_in_no_topic_and_once_a_topic():
    asked = [Record(id=f"i{n}", occurred_at=10**15, query=f"nonsense {n}", user=user) for n, user in enumerate("aaab")]
    batch = arrivals(asked, [None, None, "t1", None], at=10**12, place={"t1": 0})
    one, again, topic, other = batch.pairs.tolist()
    assert one == again
    assert len({one, topic, other}) == 3
