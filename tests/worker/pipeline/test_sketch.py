from dataclasses import replace
from fractions import Fraction

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen_api.errors import Invalid
from kaizen_worker.pipeline.assignment import nearest
from kaizen_worker.pipeline.embed import load
from kaizen_worker.pipeline.membership import Naming, describe
from kaizen_worker.pipeline.sketch import EMPTY, OUTCOMES, decode, encode, merge, merged, sketches
from kaizen_worker.pipeline.sketch import building as package
from kaizen_worker.pipeline.sketch.distinct import KEPT, distinct, hashes, lowest
from kaizen_worker.pipeline.sketch.sketch import EXEMPLARS, LENGTH, MOST
from kaizen_worker.pipeline.sketch.times import ACCURACY, BINS, SHORTEST, count_times, quantile
from kaizen_worker.types import Coded, Signals, Window

TOPICS = 5
START = 1_760_000_000_000_000


def halves(random, count, dimension):
    rows = random.normal(size=(count, dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


def coded(random, prefix, names, count):
    return Coded(random.integers(-1, names, count).astype(np.int32), tuple(f"{prefix}{n:06d}" for n in range(names)))


def log(count, *, texts, users, seed=0, vectors=None):
    """A window with signals and topics; some users, sessions and times are not known, some rows are noise."""
    random = np.random.default_rng(seed)
    absent = np.full(count, np.nan)
    window = Window(
        ids=tuple(f"i{n}" for n in range(count)),
        occurred_at=START + np.sort(random.integers(0, 10**12, count)),
        text=np.minimum(random.zipf(1.3, count) - 1, texts - 1).astype(np.int32),
        texts=tuple(f"{n:05d} how do I reset it?" for n in range(texts)),
        vectors=halves(random, texts, 16) if vectors is None else vectors,
        session=coded(random, "s", users * 2, count),
        user=coded(random, "u", users, count),
        responses=(None,) * count,
        response_time=np.where(random.random(count) < 0.8, random.lognormal(0, 1.5, count), np.nan),
        error=Coded(np.full(count, -1, np.int32), ()),
        feedback=absent,
        level=absent,
        accepted=absent,
        critics={},
        model=Coded(np.full(count, -1, np.int32), ()),
        tool=Coded(np.full(count, -1, np.int32), ()),
        entry_ids=((),) * count,
    )
    flags = {name: random.random(count) < 0.1 for name in (*OUTCOMES, "follow_up")}
    topics = (window.text % (TOPICS + 1) - 1).astype(np.int32)
    return window, Signals(flags, random.random(count), {}), topics


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


SMALL = log(1200, texts=300, users=150)
WHOLE = encoded(sketches(*SMALL, count=TOPICS))


@given(st.integers(1, 1000), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_any_shards_merged_in_any_order_and_tree_are_the_whole_to_the_bit(number, seed):
    random = np.random.default_rng(seed)
    place = random.integers(0, number, len(SMALL[0]))
    rows = random.permutation(len(place))
    shards = [shard(*SMALL, rows[place[rows] == one]) for one in range(number)]
    assert encoded(in_any_tree(random, shards)) == WHOLE
    assert encoded(merged(shards)) == WHOLE


def test_a_thousand_shards_of_a_large_log_are_the_whole(monkeypatch):
    texts = [f"{n:05d} how do I {verb} my card" for n in range(500) for verb in ("reset", "block", "order", "find")]
    vectors = load("hashed").embed(sorted(texts)).astype(np.float16)
    known = log(20_000, texts=2000, users=6000, vectors=vectors)
    random = np.random.default_rng(1)
    rows, whole = random.permutation(20_000), encoded(sketches(*known, count=TOPICS))
    shards = [shard(*known, part) for part in np.array_split(rows, 1000)]
    assert encoded(in_any_tree(random, shards)) == whole
    assert encoded(sketches(*known, count=TOPICS, rows=rows)) == whole
    monkeypatch.setattr(package, "SHARD", 777)
    monkeypatch.setattr(package, "BLOCK", 50)
    assert encoded(sketches(*known, count=TOPICS)) == whole


def test_the_laws_of_merging_hold():
    one, two, three, *_ = sketches(*SMALL, count=TOPICS)
    assert encode(merge([one, merge([two, three])])) == encode(merge([merge([one, two]), three]))
    assert encode(merge([one, two])) == encode(merge([two, one])) != encode(one)
    assert encode(merge([EMPTY, one, EMPTY])) == encode(merge([one])) == encode(one)
    assert encode(merge([])) == encode(merge([EMPTY, EMPTY])) == encode(EMPTY)
    assert sketches(*SMALL, count=TOPICS, rows=np.empty(0, np.int64)) == (EMPTY,) * TOPICS


def test_a_sketch_says_what_the_columns_say():
    window, marks, topics = log(60_000, texts=3000, users=9000)
    for topic, sketch in enumerate(sketches(window, marks, topics, count=TOPICS)):
        own = topics == topic
        asking = own & ~marks.flags["follow_up"]
        assert (sketch.interactions, sketch.questions) == (own.sum(), asking.sum())
        assert sketch.signs() == {name: marks.flags[name][own].sum() / own.sum() for name in OUTCOMES}
        assert abs(sketch.failure_rate() - marks.failure[own].mean()) <= 5e-7
        assert (sketch.first, sketch.last) == (window.occurred_at[own].min(), window.occurred_at[own].max())
        users = len(np.unique(window.people()[own]))
        assert users > 2 * KEPT
        assert abs(sketch.users() / users - 1) < 4 / np.sqrt(KEPT - 2)
        times = window.response_time[own & ~np.isnan(window.response_time)]
        for share in (0.0, 0.5, 0.95, 0.99, 1.0):
            exact = np.quantile(times, share, method="lower")
            assert abs(sketch.response_time(share) / exact - 1) <= ACCURACY + 1e-12
        rows = window.vectors[window.text[asking]].astype(np.float64)
        centre = rows.mean(axis=0) / np.linalg.norm(rows.mean(axis=0))
        np.testing.assert_allclose(sketch.centroid(), centre, atol=1e-6)
        assert sketch.spread() == pytest.approx(1 - (rows @ centre).mean(), abs=1e-9)
        assert {text for _, text in sketch.exemplars} <= {window.texts[i] for i in window.text[asking]}


def test_merged_centroids_serve_live_assignment_as_direct_ones_do():
    whole = sketches(*SMALL, count=TOPICS)
    parts = merged([shard(*SMALL, part) for part in np.array_split(np.arange(1200), 7)])
    rows = SMALL[0].vectors
    direct, again = (nearest(rows, np.stack([one.centroid() for one in found])) for found in (whole, parts))
    assert np.array_equal(direct, again)


def test_sums_of_halves_are_exact_whatever_their_sizes():
    random = np.random.default_rng(0)
    window, marks, topics = log(5000, texts=4000, users=9)
    bits = random.integers(0, 0x3C01, size=(4000, 16)).astype(np.uint16)  # every float16 from 0 to 1, the least too
    values = bits.view(np.float16) * random.choice([-1, 1], size=bits.shape).astype(np.float16)
    assert np.abs(values)[values != 0].min() == 2.0**-24
    window = replace(window, vectors=values)
    for topic, sketch in enumerate(sketches(window, marks, topics, count=TOPICS)):
        rows = window.text[(topics == topic) & ~marks.flags["follow_up"]]
        exact = [sum(map(Fraction, column)) for column in values[rows].T.astype(float).tolist()]
        assert [Fraction(part) for part in sketch.total.tolist()] == exact


def test_a_turn_without_a_question_counts_but_says_nothing_of_where_the_topic_is():
    window, marks, topics = log(50, texts=10, users=5)
    flags = marks.flags | {"follow_up": np.ones(50, np.bool_)}
    [sketch] = sketches(window, replace(marks, flags=flags), np.zeros_like(topics), count=1)
    assert (sketch.interactions, sketch.questions, sketch.exemplars) == (50, 0, ())
    assert not sketch.centroid().any()
    assert sketch.spread() == 0.0
    assert encode(decode(encode(sketch), dimension=16)) == encode(sketch)


def test_exemplars_are_few_short_and_drawn_without_regard_to_how_often_they_come():
    window, marks, topics = log(3000, texts=600, users=5)
    window = replace(window, texts=tuple(f"{text} {'long ' * 100}" for text in window.texts))
    [sketch] = sketches(window, marks, np.zeros_like(topics), count=1)
    texts = [text for _, text in sketch.exemplars]
    assert len(set(texts)) == EXEMPLARS
    assert all(len(text) == LENGTH for text in texts)
    assert 100 < np.mean([int(text[:5]) for text in texts]) < 500  # the most frequent ones have the lowest numbers


def test_few_are_counted_exactly_and_many_within_the_error_that_is_said():
    for count in (0, 1, 7, KEPT - 1, KEPT):
        assert distinct(lowest(hashes(f"{n}" for n in range(count)))) == pytest.approx(count, rel=0.1)
    assert distinct(lowest(hashes(f"{n % 1000}" for n in range(5000)))) == 1000
    errors = [distinct(lowest(hashes(f"{seed} {n}" for n in range(5000)))) / 5000 - 1 for seed in range(200)]
    assert abs(np.mean(errors)) < 0.01
    assert np.std(errors) < 1.15 / np.sqrt(KEPT - 2)
    assert max(map(abs, errors)) > 0.005  # an estimate after all


@given(st.lists(st.floats(0, 86_400), min_size=1, max_size=50), st.floats(0, 1))
@settings(max_examples=300, deadline=None)
def test_a_quantile_of_times_is_within_its_error(times, share):
    exact = float(np.sort(times)[int(share * (len(times) - 1))])
    found = quantile(count_times(np.array([*times, np.nan])), share)
    assert found == 0.0 if exact <= SHORTEST else abs(found - exact) <= (ACCURACY + 1e-9) * exact


def test_without_times_there_is_no_quantile_and_every_time_has_a_bin():
    assert quantile(count_times(np.array([np.nan, np.nan])), 0.5) is None
    assert count_times(np.array([0.0, 86_400.0])).nonzero()[0].tolist() == [0, BINS - 1]
    assert count_times(np.array([1e9]))[BINS - 1] == 1


def test_vectors_of_another_length_and_too_many_interactions_are_not_merged():
    one, two, *_ = sketches(*SMALL, count=TOPICS)
    with pytest.raises(Invalid, match="one length"):
        merge([one, replace(two, total=np.zeros(3))])
    assert merge([replace(one, interactions=MOST - 1), replace(two, interactions=1)]).interactions == MOST
    with pytest.raises(Invalid, match="at most"):
        merge([replace(one, interactions=MOST), replace(two, interactions=1)])


def test_what_was_encoded_comes_back():
    for sketch in (*sketches(*SMALL, count=TOPICS), EMPTY):
        again = decode(encode(sketch), dimension=16)
        assert encode(merge([again, sketch])) == encode(merge([sketch, sketch]))
        assert again.signs() == sketch.signs()
        assert encode(again) == encode(sketch)


ONE = sketches(*SMALL, count=TOPICS)[0]
WRONG = {
    "questions": ONE.interactions + 1,
    "failure": ONE.interactions * 1_000_000 + 1,
    "first": ONE.last + 1,
    "outcomes": np.full(len(OUTCOMES), ONE.interactions + 1),
    "response_times": ONE.response_times + ONE.interactions,
    "total": np.full(16, ONE.questions + 1.0),
    "askers": ONE.askers[::-1],
    "exemplars": ONE.exemplars[::-1],
    "interactions": -1,
}


@pytest.mark.parametrize(
    "changed",
    [
        *({name: value} for name, value in WRONG.items()),
        {"interactions": 0},
        {"interactions": MOST + 1},
        {"failure": -1},
        {"outcomes": ONE.outcomes[1:]},
        {"outcomes": ONE.outcomes - ONE.outcomes.max() - 1},
        {"total": ONE.total[1:]},
        {"total": ONE.total + 2.0**-25},
        {"total": np.full(16, np.nan)},
        {"total": np.full(16, np.inf)},
        {"total": np.full(16, -0.0)},
        {"askers": ONE.askers[:0]},
        {"askers": np.arange(KEPT + 1, dtype=np.uint64)},
        {"askers": np.zeros(2, np.uint64)},
        {"exemplars": ()},
        {"exemplars": ONE.exemplars[:1] * 2},
        {"exemplars": tuple((n, "x") for n in range(EXEMPLARS + 1))},
        {"exemplars": ((1, "x" * (LENGTH + 1)),)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_no_interactions_add_up_to_is_refused(changed):
    with pytest.raises(Invalid, match="no sketch"):
        decode(encode(replace(ONE, **changed)), dimension=16)


@pytest.mark.parametrize("bins", [{BINS: 1}, {-1: 1}, {3: 0}])
def test_bins_that_cannot_be_are_refused(bins):
    fields = msgspec.msgpack.decode(encode(ONE)[1:], strict=False)
    fields[6] = bins
    with pytest.raises(Invalid, match="no sketch"):
        decode(b"\x01" + msgspec.msgpack.encode(fields), dimension=16)


def test_another_version_another_dimension_and_more_than_enough_are_refused():
    content = encode(ONE)
    longer = msgspec.msgpack.encode([*msgspec.msgpack.decode(content[1:], strict=False), 1])
    for wrong in (b"", b"\x02" + content[1:], content + b"\x00", content[:-1], b"\x01" + longer, b"\x01" * 200_000):
        with pytest.raises(Invalid, match="no sketch"):
            decode(wrong, dimension=16)
    with pytest.raises(Invalid, match="17 dimensions"):
        decode(content, dimension=17)


@given(st.integers(0, len(encode(ONE)) - 1), st.integers(1, 255))
@settings(max_examples=500, deadline=None)
def test_a_changed_byte_is_refused_or_gives_another_sketch(place, change):
    content = bytearray(encode(ONE))
    content[place] ^= change
    try:
        sketch = decode(bytes(content), dimension=16)
    except Invalid:
        return
    assert encode(sketch) == bytes(content)
    assert encode(merge([sketch, ONE])) == encode(merge([ONE, sketch]))


def test_every_signal_but_the_follow_up_is_an_outcome(world):
    assert set(world().sample().signals.flags) - {"follow_up"} == set(OUTCOMES)


def test_topics_are_described_by_what_they_add_up_to(world):
    seen = world().change("baking", response_time=None).change("violin", share=0.5, error="timeout", user="u1").sample()
    count, window = len(seen.topic_ids), seen.window
    naming = Naming(seen.topic_ids, seen.topic_names, [["example"]] * count, [None] * count)
    found = describe(naming, sketches(window, seen.signals, seen.topic, count=count), interactions=len(window))
    for code, topic in enumerate(found):
        own = seen.topic == code
        assert (topic.id, topic.size) == (seen.topic_ids[code], own.sum())
        assert topic.users == len(np.unique(window.people()[own]))
        assert topic.failure_rate == pytest.approx(seen.signals.failure[own].mean(), abs=2e-6)
        assert topic.signs.get("error", 0.0) == pytest.approx((window.error.codes[own] >= 0).mean(), abs=1e-6)
        timed = seen.topic_names[code] != "baking"
        assert (topic.response_time_p50 is not None) == (topic.response_time_p95 is not None) == timed
        if timed:
            exact = np.quantile(window.response_time[own], [0.5, 0.95], method="lower")
            assert topic.response_time_p50 == pytest.approx(exact[0], rel=0.0201)
            assert topic.response_time_p95 == pytest.approx(exact[1], rel=0.0201)
    assert sum(topic.share for topic in found) == pytest.approx((seen.topic >= 0).mean(), abs=1e-5)
