"""Findings: statistics in, insights out, one type per file.

Every finder says how many hypotheses it tested, and only what survives the control of all of them together is an
insight, so on clean data hardly any cycle reports anything. The same window gives the same insights with the same ids.
"""

from collections.abc import Callable, Sequence

import numpy as np

from kaizen_api.schema import Gap, Insight
from kaizen_worker.pipeline.findings import (
    clarity,
    consciousness,
    effectiveness,
    emerging,
    error_pattern,
    gap,
    performance,
    regression,
    reliability,
    stability,
    usage_cluster,
    usage_pattern,
)
from kaizen_worker.pipeline.findings.choice import Scored, merge, strongest
from kaizen_worker.pipeline.findings.multiplicity import confidences
from kaizen_worker.pipeline.findings.statement import WORTH, Tested, identity
from kaizen_worker.types import Sample

Finder = Callable[[Sample], Tested]

HARM: tuple[Finder, ...] = (
    performance.find,
    reliability.find,
    error_pattern.find,
    consciousness.find,
    stability.find,
    clarity.find,
    effectiveness.find,
)
"""What can get worse, and with the gaps be settled and come back."""

NEWS: tuple[Finder, ...] = (usage_cluster.find, usage_pattern.find, emerging.find)


def findings(sample: Sample, *, gaps: Sequence[Gap] = (), limit: int | None = None) -> list[Insight]:
    """Everything that the sample supports, the strongest first.

    Args:
        sample: The window with its topics and signals; `kinds` for usage patterns, `settled` for regressions.
        gaps: From the search for gaps.
        limit: At most so many, `thresholds.max_insights` if absent.
    """
    tested = [find(sample) for find in (*HARM, *NEWS)]
    tested.append(gap.find(sample, gaps))
    tested.append(regression.find(sample, (*HARM, gap.again)))
    scored = _supported(sample, tested)
    most = sample.thresholds.max_insights if limit is None else limit
    opened = {one.topic: one.id for one in gaps}
    return [_insight(one, opened) for one in strongest(merge(scored), most)]


def _supported(sample: Sample, tested: Sequence[Tested]) -> list[Scored]:
    """Findings with their confidence, if it reaches the threshold; what is settled only comes back as a regression."""
    settled = sample.settled or {}
    spoken = [finding for one in tested for finding in one.findings]
    p_values = np.array([finding.p_value for finding in spoken], np.float64)
    sure = confidences(p_values, sum(one.hypotheses for one in tested), worth=WORTH)
    return [
        (finding, float(confidence))
        for finding, confidence in zip(spoken, sure, strict=True)
        if confidence > 0
        and confidence >= sample.thresholds.confidence
        and identity(finding.type, finding.subject) not in settled
    ]


def _insight(scored: Scored, opened: dict[str, str]) -> Insight:
    finding, confidence = scored
    topic = finding.subject.get("topic")
    return Insight(
        id=identity(finding.type, finding.subject),
        type=finding.type,
        description=finding.description,
        confidence=round(confidence, 4),
        effect=finding.effect,
        evidence=list(finding.evidence),
        recommendation=finding.recommendation,
        topic=topic,
        gap=opened.get(topic) if finding.type == "gap" and topic else None,
        subject=dict(finding.subject),
        support=finding.support,
        users=finding.users,
    )
