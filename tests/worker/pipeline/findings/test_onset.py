"""What began within the window is told once, since when; what comes back each night, or is a little more, is not."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from kaizen_worker.pipeline.findings import findings, performance
from kaizen_worker.pipeline.findings.onset import LENGTHS, begin, hours_of, settle, starts
from kaizen_worker.pipeline.findings.scan import BINS, moment

HOUR = 3_600_000_000
START = 1_760_000_000_000_000
WEEK = 24 * 7
ONSET = 140


def _hour(record):
    return (record.occurred_at - START) / HOUR


def _late(record):
    return _hour(record) >= ONSET


CHANGES = {
    "performance": {"response_time": lambda record: record.response_time * 6},
    "consciousness": {"level": lambda record: record.level - 0.5},
    "clarity": {"response": "Could you please clarify what you mean?", "share": 0.6},
    "reliability": {"error": "timeout", "share": 0.4},
    "error_pattern": {"error": "timeout", "share": 0.4},
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_fault_that_began_late_is_told_once_with_its_time(world, kind):
    changed = world(3, sessions=2500, hours=WEEK).change("garden", where=_late, **CHANGES[kind])
    told = [one for one in findings(changed.sample()) if one.type == kind]
    assert [one.topic for one in told] == ["t-garden"]
    named = {moment(round(START + (BINS - length) * WEEK / BINS * HOUR))[:13] for length in (3, 4, 6)}
    assert any(f"since {time}" in told[0].description for time in named)
    assert " before" in told[0].description


def test_answers_that_became_empty_are_told_with_what_they_were_before(world):
    changed = world(3, sessions=2500, hours=WEEK).change("garden", where=_late, response=" ", share=0.4)
    (told,) = [one for one in findings(changed.sample()) if one.subject.get("answer") == "empty"]
    assert "since" in told.description
    assert " before, over the limit" in told.description


def test_what_was_always_so_has_no_time(world):
    changed = world(3, sessions=1500, hours=WEEK).change("garden", **CHANGES["performance"])
    (told,) = [one for one in findings(changed.sample()) if one.type == "performance"]
    assert "since" not in told.description


def test_everything_and_a_model_have_their_time_too(world):
    slow = world(3, sessions=2000, hours=WEEK).change(where=_late, **CHANGES["performance"])
    (told,) = [one for one in findings(slow.sample()) if one.type == "performance"]
    assert told.subject == {}
    assert "overall since" in told.description
    low = world(3, sessions=2000, hours=WEEK).change(
        where=lambda record: _late(record) and record.model == "large", **CHANGES["consciousness"]
    )
    (told,) = [one for one in findings(low.sample()) if one.type == "consciousness"]
    assert told.subject == {"model": "large"}
    assert "since" in told.description


def test_what_a_topic_is_each_night_is_no_news(world):
    def by_night(record):
        return _hour(record) % 24 > 17  # and the window ends with a night

    slow = world(3, sessions=2500, hours=WEEK).change("garden", where=by_night, **CHANGES["performance"])
    assert not [one for one in performance.find(slow.sample()).findings if "since" in one.description]


@pytest.mark.parametrize("kind", ["reliability", "performance"])
def test_what_came_and_went_is_not_so_since(world, kind):
    gone = world(3, sessions=2500, hours=WEEK).change(
        "garden", where=lambda record: 100 < _hour(record) < 118, **{**CHANGES[kind], "share": 0.9}
    )
    assert not [one for one in findings(gone.sample()) if one.type == kind and "since" in one.description]


def test_a_tool_is_not_worse_than_other_tools_because_turns_without_one_cannot_fail(world):
    bare = world(3, sessions=2500).change(where=lambda record: record.tool == "none", tool=None, error=None)
    failing = bare.change(where=lambda record: record.tool is not None, share=0.3, error="quota")
    assert not [one for one in findings(failing.sample()) if one.subject.keys() == {"error", "tool"}]


def test_a_topic_that_is_slow_for_a_part_of_its_questions_is_told(world):
    def part(record):
        return sum(record.id.encode()) % 10 < 3

    slow = world(3, sessions=1500).change("garden", where=part, response_time=lambda record: record.response_time * 3)
    (told,) = [one for one in findings(slow.sample()) if one.type == "performance"]
    assert told.topic == "t-garden"
    assert "of the answers in" in told.description
    assert told.effect.unit == "share"


def test_words_of_thanks_do_not_hide_a_slow_topic(world):
    slow = world(3, sessions=1500).change("garden", **CHANGES["performance"])
    thanked = slow.follow("garden", "thanks a lot!").follow("garden", "thank you").follow("garden", "thanks")
    first, second = (performance.find(one.sample()).findings for one in (slow, thanked))
    assert [one.effect for one in first if one.subject] == [one.effect for one in second if one.subject]


def test_where_everything_is_slow_a_topic_that_is_a_little_slower_is_not_told(world):
    slow = world(3, sessions=6000).change(**CHANGES["performance"])
    slow = slow.change("garden", response_time=lambda record: record.response_time * 1.15)
    (told,) = performance.find(slow.sample()).findings
    assert told.subject == {}


def test_looks_begin_with_their_bins(world):
    sample = world(3, sessions=500, hours=WEEK).sample()
    rows, times = starts(sample), sample.window.occurred_at
    assert len(rows) == len(LENGTHS)
    assert rows == sorted(rows)
    for row in rows:
        assert times[row - 1] < begin(sample, row) + 1
        assert begin(sample, row) <= times[row] + 1


def test_a_short_window_is_not_cut(world):
    sample = world(3, sessions=100, hours=WEEK).sample()
    at_once = replace(sample, window=replace(sample.window, occurred_at=np.full(len(sample.window), START)))
    assert starts(at_once) == []


def test_hours_are_of_a_day_and_of_a_week_from_three_of_them_on():
    def hours(days):
        return len(np.unique(hours_of(np.arange(0, days * 24 * HOUR + 1, HOUR))))

    assert [hours(2), hours(3), hours(20), hours(21)] == [1, 4, 4, 28]


@dataclass(frozen=True)
class Said:
    place: str
    p_value: float
    name: str

    def at(self, p_value):
        return replace(self, p_value=p_value)


def test_a_place_is_told_once_and_pays_for_every_look():
    whole = [Said("a", 1e-6, "a"), Said("b", 1e-9, "b")]
    looks = [
        Said("a", 1e-5, "a late"),
        Said("a", 1e-8, "a later"),
        Said("b", 2e-3, "b late"),
        Said("c", 1e-4, "c late"),
    ]
    assert settle(whole, [], 0) == whole
    told = {one.place: one for one in settle(whole, looks, 5)}
    assert len(told) == 3
    assert (told["a"].name, told["a"].p_value) == ("a later", pytest.approx(1e-7))
    assert (told["b"].name, told["b"].p_value) == ("b", pytest.approx(2e-9))
    assert (told["c"].name, told["c"].p_value) == ("c late", pytest.approx(1e-3))
