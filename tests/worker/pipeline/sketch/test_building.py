from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from kaizen_worker.pipeline.membership import Naming, describe
from kaizen_worker.pipeline.sketch import OUTCOMES, decode, encode, sketches
from kaizen_worker.pipeline.sketch.distinct import KEPT
from kaizen_worker.pipeline.sketch.sketch import EXEMPLARS, LENGTH
from kaizen_worker.pipeline.sketch.times import ACCURACY

TOPICS = 5


def test_a_sketch_says_what_the_columns_say(log):
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


def test_who_asked_is_told_apart_by_user_session_and_interaction(small, known):
    window, _, topics = small
    for topic, sketch in enumerate(known):
        assert sketch.users() == len(np.unique(window.people()[topics == topic]))


def test_sums_of_halves_are_exact_whatever_their_sizes(log):
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


def test_a_turn_without_a_question_counts_but_says_nothing_of_where_the_topic_is(log):
    window, marks, topics = log(50, texts=10, users=5)
    flags = marks.flags | {"follow_up": np.ones(50, np.bool_)}
    [sketch] = sketches(window, replace(marks, flags=flags), np.zeros_like(topics), count=1)
    assert (sketch.interactions, sketch.questions, sketch.exemplars) == (50, 0, ())
    assert not sketch.centroid().any()
    assert sketch.spread() == 0.0
    assert encode(decode(encode(sketch), dimension=16)) == encode(sketch)


def test_exemplars_are_few_short_and_drawn_without_regard_to_how_often_they_come(log):
    window, marks, topics = log(3000, texts=600, users=5)
    window = replace(window, texts=tuple(f"{text} {'long ' * 100}" for text in window.texts))
    [sketch] = sketches(window, marks, np.zeros_like(topics), count=1)
    texts = [text for _, text in sketch.exemplars]
    assert len(set(texts)) == EXEMPLARS
    assert all(len(text) == LENGTH for text in texts)
    assert 100 < np.mean([int(text[:5]) for text in texts]) < 500  # the most frequent ones have the lowest numbers


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
