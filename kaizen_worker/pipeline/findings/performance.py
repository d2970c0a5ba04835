"""performance: the response time is over its threshold, overall, in one topic or with one model."""

import numpy as np

from kaizen_worker.pipeline.findings.levels import Level, levels
from kaizen_worker.pipeline.findings.rates import Rate, rates
from kaizen_worker.pipeline.findings.statement import (
    Tested,
    basis,
    clearest,
    percent,
    percents,
    persons,
    seconds,
    strength,
)
from kaizen_worker.types import Finding, Flags, Sample

SHARE = 0.1
"""Answers over the threshold of which a topic is slow for part of what is asked in it, whatever its median."""

TIMES, SLOWER = 2.0, 1.25
"""How many times the share, or the time, elsewhere it is at least: where everything is slow, that is said once."""


def find(sample: Sample) -> Tested:
    """Compare the median and the average response time with the threshold, and each topic and model with the rest.

    Only questions count: a word of thanks is answered at once wherever it is said. A topic that is slow for some of
    its questions alone shows by the share of answers over the threshold, and is told of so if not by its level.
    """
    limit, times = sample.thresholds.response_time, sample.window.response_time
    usable: Flags = np.isfinite(times) & ~sample.signals.flags["follow_up"]
    found, hypotheses = levels(sample, np.where(usable, times, np.nan), limit=limit, unit="s", by_model=True)
    found = [one for one in found if one.group.is_all or one.level.estimate >= SLOWER * one.baseline]
    told = {None, *(level.group.topic for level in found)}  # and everything is told by its level alone
    shares, more = rates(sample, times > limit, usable, limit=SHARE)
    partly = [rate for rate in shares if rate.group.topic not in told and rate.rate.estimate >= TIMES * rate.baseline]
    said = (*(_say(sample, level) for level in found), *(_say_share(sample, rate) for rate in partly))
    return Tested(said, hypotheses + more)


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


def _say_share(sample: Sample, rate: Rate) -> Finding:
    rows, limit = rate.group.rows, seconds(sample.thresholds.response_time)
    return rate.finding(
        sample,
        "performance",
        description=(
            f"{percents(rate.rate)} of the answers {rate.group.where} take over {limit},{rate.against} over the limit "
            f"of {percent(SHARE)}: {basis(sample, rows)}, {len(rate.hits)} of them over {limit}."
        ),
        recommendation=(
            f"Sort the answers of '{rate.group.name}' by their time and read what the slowest were asked: a tool or a "
            "retrieval step that only these use is the likely cause."
        ),
        clarity=sample.window.response_time,
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
