"""A few logs with planted faults, a small `tests/bench/findings`: what is promised is found, and hardly more."""

from datetime import UTC, datetime

import numpy as np
import pytest

from kaizen_worker.embedding.static import Static
from kaizen_worker.helpdesk import load_turns
from kaizen_worker.pipeline.findings import findings
from kaizen_worker.pipeline.gaps import find_gaps
from kaizen_worker.simulate.judgement import Judge
from kaizen_worker.simulate.planted_log import draw
from kaizen_worker.simulate.planting import KINDS, plant

REPORTED = 0.7
START = datetime(2025, 3, 3, tzinfo=UTC)
SEEDS = (0, 1, 3)


@pytest.fixture(scope="module")
def judged(invented):
    """Draws and judges a log: the reported insights, and who judges them."""
    known = {}

    def embed(texts):
        new = [text for text in texts if text not in known]
        known.update(zip(new, Static().embed(new), strict=True))
        return np.stack([known[text] for text in texts])

    def judged(seed, faults):
        log = draw(plant(invented, load_turns(), start=START, seed=seed, interactions=8_000, faults=faults))
        sample = log.sample(log.seen(embed))
        said = [one for one in findings(sample, gaps=find_gaps(sample)) if one.confidence >= REPORTED]
        return said, Judge(log)

    return judged


def test_what_is_promised_is_found_and_what_is_found_is_true(judged):
    logs = [judged(seed, 7) for seed in SEEDS]
    promised = [
        (one.kind.name, judge.found(said, one))
        for said, judge in logs
        for one in judge.log.planting.planted
        if judge.promised(one)
    ]
    assert len(promised) >= 8
    assert [name for name, found in promised if not found] == []
    said = [(one.type, one.subject, judge.true(one)) for said, judge in logs for one in said]
    assert sum(not true for *_, true in said) <= 0.05 * len(said), said


def test_a_clean_log_says_nothing(judged):
    assert [one.description for seed in SEEDS for one in judged(seed, 0)[0]] == []


def test_every_kind_is_planted(invented):
    plans = [plant(invented, load_turns(), start=START, seed=seed) for seed in range(20)]
    assert {one.kind for plan in plans for one in plan.planted} == set(KINDS)
