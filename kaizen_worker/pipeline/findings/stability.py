"""stability: the consciousness level varies too much, overall or in one topic."""

import numpy as np

from kaizen_worker.pipeline.findings.levels import Level, levels
from kaizen_worker.pipeline.findings.statement import Tested, basis, clearest, persons, strength
from kaizen_worker.types import Finding, Floats, Sample

LIMIT = 0.15
"""Distance to the median. Levels spread evenly over 0..1 have 0.25; over 0.15 they say little of the next answer."""


def find(sample: Sample) -> Tested:
    """Compare how far levels lie from the median of their topic and model with the limit, and each topic with the rest.

    Distances to the own median are those of Brown and Forsythe (1974), which is Levene's test with the median; steady
    differences between topics or models do not count. They are then compared like any measure.
    """
    swings = _swings(sample)
    found, hypotheses = levels(sample, swings, limit=LIMIT, unit="level")
    return Tested(tuple(_say(sample, level, swings) for level in found), hypotheses)


def _swings(sample: Sample) -> Floats:
    """Distance of each level to the median of its topic and model, (n,); NaN where there is no level."""
    level, model = sample.window.level, sample.window.model
    cell = sample.topic.astype(np.int64) * (len(model.names) + 1) + model.codes
    swings = np.full(len(level), np.nan)
    known = np.flatnonzero(np.isfinite(level))
    known = known[np.argsort(cell[known], kind="stable")]
    for rows in np.split(known, np.flatnonzero(np.diff(cell[known])) + 1):
        if len(rows):
            swings[rows] = np.abs(level[rows] - np.median(level[rows]))
    return swings


def _say(sample: Sample, level: Level, swings: Floats) -> Finding:
    rows, one = level.group.rows, level.level
    return Finding(
        type="stability",
        subject=level.group.subject,
        description=(
            f"The consciousness level {level.group.where} varies by {one.estimate:.2f} around what is usual "
            f"for its topic ({level.measure}; 95 %: {one.low:.2f} to {one.high:.2f}),"
            f"{level.against('{:.2f}'.format)} over the limit of {LIMIT:.2f}: {basis(sample, rows)}."
        ),
        recommendation=_advice(level),
        p_value=level.p_value,
        effect=level.effect,
        strength=strength((1 - LIMIT / one.estimate) * len(rows) / len(sample.window)),
        evidence=clearest(sample, rows, swings[rows]),
        support=len(rows),
        users=persons(sample, rows),
    )


def _advice(level: Level) -> str:
    if level.group.is_all:
        return (
            "Like questions get answers of unlike quality: lower the sampling temperature, and pin the versions of "
            "model and prompt."
        )
    return (
        f"Compare good and bad answers of '{level.group.name}': what the good ones used (an entry, a tool) should "
        "be there every time."
    )
