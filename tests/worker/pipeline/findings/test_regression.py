import numpy as np

from kaizen_worker.pipeline.findings import findings
from kaizen_worker.pipeline.findings.regression import since
from kaizen_worker.pipeline.gaps import find_gaps

HOUR = 3_600_000_000
START = 1_760_000_000_000_000
FIXED = START + 20 * HOUR


def _types(sample):
    return {one.type: one for one in findings(sample)}


def test_what_comes_back_after_it_was_settled_is_a_regression(world):
    slow = world(1).change("garden", response_time=5.0)
    before = _types(slow.sample())["performance"]
    found = _types(slow.sample(settled={before.id: float(FIXED)}))
    assert "performance" not in found
    assert found["regression"].subject == {"topic": "t-garden", "insight": before.id}
    assert found["regression"].support < before.support
    assert "worse again since" in found["regression"].description


def test_what_stays_repaired_is_silent_though_the_window_still_shows_the_fault(world):
    slow = world(1).change("garden", where=lambda record: record.occurred_at < FIXED, response_time=5.0)
    settled = {_types(slow.sample())["performance"].id: float(FIXED)}
    assert _types(slow.sample(settled=settled)) == {}


def test_a_gap_that_opens_again_is_a_regression(world):
    refused = world(1).change("payroll", response="I don't know the answer to that.")
    sample = refused.sample()
    (before,) = [one for one in findings(sample, gaps=find_gaps(sample)) if one.type == "gap"]
    sample = refused.sample(settled={before.id: float(FIXED)})
    found = {one.type: one for one in findings(sample, gaps=find_gaps(sample))}
    assert "gap" not in found
    assert found["regression"].topic == "t-payroll"


def test_an_unknown_or_recent_settling_says_nothing(world):
    slow = world(1).change("garden", response_time=5.0)
    before = _types(slow.sample())["performance"]
    end = float(max(record.occurred_at for record in slow.records))
    assert "regression" not in _types(slow.sample(settled={"i0123456789abcdef": float(FIXED)}))
    assert "regression" not in _types(slow.sample(settled={before.id: end}))


def test_since_cuts_every_column(world):
    sample = world(1).sample()
    later = since(sample, 1000)
    rows = len(sample.window) - 1000
    assert len(later.window) == len(later.topic) == len(later.signals.failure) == rows
    assert later.window.ids == sample.window.ids[1000:]
    for name in ("occurred_at", "text", "response_time", "feedback", "level", "accepted"):
        assert np.array_equal(
            getattr(later.window, name), getattr(sample.window, name)[1000:], equal_nan=name != "text"
        )
    for name in ("session", "user", "error", "model", "tool"):
        assert np.array_equal(getattr(later.window, name).codes, getattr(sample.window, name).codes[1000:])
    assert all(len(flag) == rows for flag in later.signals.flags.values())
    assert all(len(score) == rows for score in later.window.critics.values())
    assert all(len(sign) == rows for sign in later.window.answers.values())
    assert len(later.window.entry_ids) == rows
