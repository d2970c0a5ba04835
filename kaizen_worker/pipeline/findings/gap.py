"""gap: a topic that is not served, as the search for gaps found it."""

from collections.abc import Sequence

import numpy as np

from kaizen_api.schema import Gap, Interval
from kaizen_worker.pipeline.findings.independence import units
from kaizen_worker.pipeline.findings.levels import Level, levels
from kaizen_worker.pipeline.findings.rates import count
from kaizen_worker.pipeline.findings.statement import (
    MAX_EVIDENCE,
    WORTH,
    Tested,
    basis,
    clearest,
    percent,
    percents,
    persons,
    points,
    strength,
)
from kaizen_worker.types import Finding, Flags, Sample

SAID = {
    "missing": (
        "nothing in the knowledge base covers it",
        "Add entries that answer it: the gap's queries say what to look for.",
    ),
    "stale": (
        "entries are used, and users reject the answers",
        "Renew the entries that these answers used; their content is out of date or wrong.",
    ),
    "contradictory": (
        "several entries are used together, and users reject the answers",
        "Read the entries that these answers used side by side, and settle what is true.",
    ),
    "retrieval_miss": (
        "the knowledge base covers it, and the answers do not use it",
        "Repair the retrieval: the entries are there. Look at their titles, their language, the queries.",
    ),
    "out_of_scope": (
        "nothing is near it, neither entries nor other topics",
        "Decide whether the assistant should serve it; if not, let it say so at once and point to who does.",
    ),
    "unclear": (
        "the assistant mostly asks back",
        "Add an entry that names the usual readings of the question and answers each.",
    ),
}
"""What each diagnosis means, and what to do."""

EMPTY = "the knowledge base is empty"
"""What "missing" means where there is no entry at all: the gap's coverage is exactly 0."""

BROKEN = 0.3
"""Mean failure probability from which a filled gap is open again: thrice what is silent everywhere."""


REJECTING = ("negation", "rephrase", "repeat", "escalation", "negative_feedback", "rejected")
"""What users (or judges) do to an answer that they reject."""

REJECTED = ("stale", "contradictory")
"""Diagnoses that say so."""


def find(sample: Sample, gaps: Sequence[Gap]) -> Tested:
    """State each gap that its own test supports; every topic counts as a hypothesis.

    Where a gap is said to show by rejected answers, these must be more frequent than elsewhere: a low score alone is
    what `consciousness` tells.
    """
    spoken: list[Finding] = []
    for gap in gaps:
        p_value = max(gap.p_value, _rejected(sample, gap) if gap.diagnosis in REJECTED else 0.0)
        if p_value <= WORTH and gap.deficit_interval is not None:
            spoken.append(_say(sample, gap, gap.deficit_interval, p_value))
    return Tested(tuple(spoken), len(sample.topic_ids))


def _rejected(sample: Sample, gap: Gap) -> float:
    """p-value of "answers in this topic are rejected no more often than in the others"."""
    asked, who = ~sample.signals.flags["follow_up"], units(sample.window)
    sign: Flags = np.logical_or.reduce([sample.signals.flags[name] for name in REJECTING])
    own = sample.topic == sample.topic_ids.index(gap.topic)
    here, elsewhere = (count(sign, who, np.flatnonzero(asked & rows)) for rows in (own, ~own))
    return here.above(elsewhere) if elsewhere.seen else 0.0


def _say(sample: Sample, gap: Gap, deficit: Interval, p_value: float) -> Finding:
    code = sample.topic_ids.index(gap.topic)
    rows = np.flatnonzero((sample.topic == code) & ~sample.signals.flags["follow_up"])
    meaning, advice = SAID[gap.diagnosis]
    meaning = EMPTY if gap.diagnosis == "missing" and gap.coverage == 0 else meaning
    return Finding(
        type="gap",
        subject={"topic": gap.topic},
        description=(
            f"'{sample.topic_names[code]}' is not served: {meaning}. {points(deficit.estimate)} points more of "
            f"its questions are left unserved than of a served topic's (95 %: {points(deficit.low)} to "
            f"{points(deficit.high)} points), {basis(sample, rows)}."
        ),
        recommendation=advice,
        p_value=p_value,
        effect=deficit,
        strength=strength(gap.deficit * len(rows) / len(sample.window)),
        evidence=tuple(gap.evidence[:MAX_EVIDENCE]),
        support=len(rows),
        users=persons(sample, rows),
    )


def again(sample: Sample) -> Tested:
    """Topics whose questions fail, by the signs alone: what tells that a gap that was filled is open again."""
    failing = np.where(sample.signals.flags["follow_up"], np.nan, sample.signals.failure)
    found, hypotheses = levels(sample, failing, limit=BROKEN, unit="share")
    return Tested(tuple(_say_again(sample, level) for level in found if level.group.topic is not None), hypotheses)


def _say_again(sample: Sample, level: Level) -> Finding:
    rows, one = level.group.rows, level.level
    return Finding(
        type="gap",
        subject=level.group.subject,
        description=(
            f"The questions {level.group.where} fail with a probability of {percents(one)} at the {level.measure}, "
            f"against {percent(level.baseline)} elsewhere: {basis(sample, rows)}."
        ),
        recommendation="Read the evidence: the knowledge of this topic is out of date, gone, or no longer found.",
        p_value=level.p_value,
        effect=level.effect,
        strength=strength(level.effect.estimate * len(rows) / len(sample.window)),
        evidence=clearest(sample, rows, sample.signals.failure[rows]),
        support=len(rows),
        users=persons(sample, rows),
    )
