"""usage_cluster: a topic that carries a large or a growing share of the interactions."""

import numpy as np

from kaizen_worker.pipeline.findings.groups import Group, topics
from kaizen_worker.pipeline.findings.independence import MIN_SUPPORT, Rows, units
from kaizen_worker.pipeline.findings.intervals import beyond, difference
from kaizen_worker.pipeline.findings.rates import Count, count
from kaizen_worker.pipeline.findings.statement import (
    NEWS,
    WORTH,
    Tested,
    basis,
    clearest,
    percent,
    percents,
    persons,
    strength,
)
from kaizen_worker.types import Codes, Finding, Floats, Sample

LARGE = 0.2
"""Share from which one topic deserves its own care: a fifth of all work."""

FAIR = 2.0
"""Times an equal share that a large topic has at least; with four topics a fifth is nothing."""

GROWTH, POINTS = 1.5, 0.03
"""How much larger the share of the later half is at least: times that of the earlier one, and above it."""


def find(sample: Sample) -> Tested:
    """Test each topic's share of the questions: against what is large, and its later half against the earlier."""
    usable = ~sample.signals.flags["follow_up"]
    rows, who = np.flatnonzero(usable), units(sample.window)
    groups = topics(sample, usable)
    halves = _halves(sample, rows)
    found = [_large(sample, group, rows, who) for group in groups]
    if halves is not None:
        found += [_growing(sample, group, halves, who) for group in groups]
    return Tested(tuple(finding for finding in found if finding is not None), len(found))


def _halves(sample: Sample, rows: Rows) -> tuple[Rows, Rows] | None:
    """Rows before and after the middle of the window's time, if both suffice."""
    times = sample.window.occurred_at[rows]
    if not len(rows) or times[0] == times[-1]:
        return None
    late = times - times[0] > (times[-1] - times[0]) / 2
    return (rows[~late], rows[late]) if min(late.sum(), (~late).sum()) >= MIN_SUPPORT else None


def _large(sample: Sample, group: Group, rows: Rows, who: Codes) -> Finding | None:
    limit = max(LARGE, FAIR / len(sample.topic_ids))
    if len(group.rows) <= limit * len(rows):
        return None
    part = _share(sample, group, rows, who)
    p_value = part.over(limit)
    if p_value > WORTH:
        return None
    return Finding(
        type="usage_cluster",
        subject={**group.subject, "share": "large"},
        description=(
            f"'{group.name}' carries {percents(part.rate)} of all questions, over the limit of {percent(limit)}: "
            f"{basis(sample, group.rows)}."
        ),
        recommendation=f"Give '{group.name}' tested entries of its own and watch it first: a gain here counts most.",
        p_value=p_value,
        effect=beyond(part.rate, limit),
        strength=NEWS * strength(part.rate.estimate),
        evidence=clearest(sample, group.rows, _latest(sample, group.rows)),
        support=len(group.rows),
        users=persons(sample, group.rows),
    )


def _growing(sample: Sample, group: Group, halves: tuple[Rows, Rows], who: Codes) -> Finding | None:
    code = sample.topic_ids.index(group.subject["topic"])
    early, late = (float((sample.topic[half] == code).mean()) for half in halves)
    if late < GROWTH * early or late - early < POINTS:
        return None
    before, after = (_share(sample, group, half, who) for half in halves)
    p_value = after.above(before)
    if p_value > WORTH:
        return None
    effect = difference(after.rate, before.rate)
    return Finding(
        type="usage_cluster",
        subject={**group.subject, "share": "growing"},
        description=(
            f"'{group.name}' grew from {percents(before.rate)} of the questions in the first half of the window to "
            f"{percents(after.rate)} in the second: {basis(sample, group.rows)}."
        ),
        recommendation=f"Check that knowledge and tools for '{group.name}' keep up, and find what drives its growth.",
        p_value=p_value,
        effect=effect,
        strength=NEWS * strength(effect.estimate),
        evidence=clearest(sample, group.rows, _latest(sample, group.rows)),
        support=len(group.rows),
        users=persons(sample, group.rows),
    )


def _share(sample: Sample, group: Group, rows: Rows, who: Codes) -> Count:
    code = sample.topic_ids.index(group.subject["topic"])
    return count(sample.topic == code, who, rows)


def _latest(sample: Sample, rows: Rows) -> Floats:
    return sample.window.occurred_at[rows].astype(np.float64)
