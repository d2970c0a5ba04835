from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logit

from kaizen_api.schema import Record
from kaizen_worker.pipeline.signals import in_topics, signals
from kaizen_worker.pipeline.signals.slow import MIN_TIMES, slow_for_topic, usual_at_most
from kaizen_worker.types import Thresholds

LIMITS = Thresholds(response_time=2.0)


@pytest.fixture
def two(build):
    """A quick topic with one answer of 4 s, and one that always takes 4 to 8 s; (window, topic, row of the one)."""
    times = [1.0 + place % 5 / 10 for place in range(40)] + [4.0 + place % 5 for place in range(60)] + [4.0]
    window = build(
        [
            Record(
                id=f"{place:03d}", occurred_at=place * 10**9, query=f"q{place}", session=f"s{place}", response_time=time
            )
            for place, time in enumerate(times)
        ]
    )
    topic = np.array([0] * 40 + [1] * 60 + [0], np.int32)
    return window, topic, 100


def test_what_is_usual_elsewhere_may_be_slow_for_its_topic(two):
    window, topic, one = two
    marks = signals(window, LIMITS)
    assert not marks.flags["slow"].any()
    found = in_topics(window, marks, topic, LIMITS)
    assert np.flatnonzero(found.flags["slow"]).tolist() == [one]
    assert logit(found.failure[one]) - logit(marks.failure[one]) == pytest.approx(marks.weights["slow"])
    assert np.array_equal(np.delete(found.failure, one), np.delete(marks.failure, one))


def test_a_slow_answer_that_nothing_follows_is_an_abandonment_too(two):
    window, topic, _ = two
    earlier = replace(window, response_time=np.roll(window.response_time, 1))
    found = in_topics(earlier, signals(earlier, LIMITS), np.roll(topic, 1), LIMITS)
    assert np.flatnonzero(found.flags["abandonment"]).tolist() == [0]


def test_under_the_threshold_nothing_is_slow_and_few_times_make_no_history(two):
    window, topic, _ = two
    assert not slow_for_topic(window, topic, Thresholds(response_time=4.0)).any()
    few = np.where(np.arange(len(topic)) < len(topic) - MIN_TIMES + 1, -1, topic)
    assert not slow_for_topic(window, few, LIMITS).any()
    assert not slow_for_topic(window, np.full(len(topic), -1, np.int32), LIMITS).any()


def test_what_is_certain_stays_certain_and_what_was_slow_stays_slow(two):
    window, topic, _ = two
    marks = signals(window, LIMITS)
    marks = replace(marks, failure=np.where(np.arange(len(topic)) == 100, 1.0, marks.failure))
    marks.flags["slow"][50] = True
    found = in_topics(window, marks, topic, LIMITS)
    assert found.failure[100] == 1.0
    assert found.flags["slow"][50]


def test_without_times_there_is_no_usual_one():
    assert usual_at_most(np.full(3, np.nan)) == float("inf")
    assert usual_at_most(np.array([1.0, 1.0, np.nan])) == 1.0
