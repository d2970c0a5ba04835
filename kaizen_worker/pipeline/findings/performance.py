"""performance: the response time is over its threshold, overall, in one topic or with one model."""

import numpy as np

from kaizen_worker.pipeline.findings.levels import Level, levels
from kaizen_worker.pipeline.findings.statement import Tested, basis, clearest, persons, seconds, strength
from kaizen_worker.types import Finding, Sample


def find(sample: Sample) -> Tested:
    """Compare the median and the average response time with the threshold, and each topic and model with the rest."""
    limit = sample.thresholds.response_time
    found, hypotheses = levels(sample, sample.window.response_time, limit=limit, unit="s", by_model=True)
    return Tested(tuple(_say(sample, level) for level in found), hypotheses)


def _say(sample: Sample, level: Level) -> Finding:
    rows, limit = level.group.rows, sample.thresholds.response_time
    slow = rows[sample.window.response_time[rows] > limit]
    one = level.level
    return Finding(
        type="performance",
        subject=level.group.subject,
        description=(
            f"Response time {level.group.where} is {seconds(one.estimate)} ({level.measure}; 95 %: "
            f"{seconds(one.low)} to {seconds(one.high)}),{level.against(seconds)} over the limit of {seconds(limit)}: "
            f"{basis(sample, rows)}, {len(slow)} of them over the limit."
        ),
        recommendation=_advice(level),
        p_value=level.p_value,
        effect=level.effect,
        strength=strength((1 - limit / one.estimate) * len(rows) / len(sample.window)),
        evidence=clearest(sample, slow, np.asarray(sample.window.response_time[slow])),
        support=len(rows),
        users=persons(sample, rows),
    )


def _advice(level: Level) -> str:
    if level.group.is_all:
        return "Look for what all answers wait for: the model, the index, or a tool that every request calls."
    if level.group.kind == "model":
        return (
            f"Time the same requests with another model: where it is faster and answers as well, route them away from "
            f"'{level.group.name}'."
        )
    return (
        f"Compare a trace of '{level.group.name}' with one of another topic: a tool or a retrieval step that only this "
        "topic uses is the likely cause; shorten it, cache its results, or answer with an approved entry."
    )
