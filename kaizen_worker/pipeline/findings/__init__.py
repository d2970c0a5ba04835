"""Findings: statistics in, insights out, one type per file.

Every finder says how many hypotheses it tested, and only what survives the control of all of them together is an
insight, so on clean data hardly any cycle reports anything. The same window gives the same insights with the same ids.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from kaizen_api.schema import Chance, Gap, Insight
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
from kaizen_worker.pipeline.findings.multiplicity import confidences, q_values
from kaizen_worker.pipeline.findings.siblings import together
from kaizen_worker.pipeline.findings.statement import WORTH, Tested, identity
from kaizen_worker.types import Finding, Sample

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

_NO_FAILURE = frozenset({"follow_up", "thanked"})  # what a turn is, and the one sign of success

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
    chances, chosen = _chances(tested), strongest(together(sample, merge(scored)), most)
    shown = _signs(sample, {one for finding, _ in chosen for one in finding.evidence})
    return [_insight(one, opened, chances[_name(one[0])], shown) for one in chosen]


def _name(finding: Finding) -> str:
    return identity(finding.type, finding.subject)


def _chances(tested: Sequence[Tested]) -> dict[str, Chance]:
    """What its test says of each finding, by its id."""
    spoken = [finding for one in tested for finding in one.findings]
    total = sum(one.hypotheses for one in tested)
    controlled = q_values(np.array([finding.p_value for finding in spoken], np.float64), total)
    return {
        _name(finding): Chance(p_value=float(finding.p_value), q_value=float(q_value), hypotheses=total)
        for finding, q_value in zip(spoken, controlled, strict=True)
    }


def _signs(sample: Sample, ids: Collection[str]) -> dict[str, list[str]]:
    """Which signs of failure these interactions show, those without any left out."""
    flags = {name: flag for name, flag in sorted(sample.signals.flags.items()) if name not in _NO_FAILURE}
    rows = {one: row for row, one in enumerate(sample.window.ids) if one in ids}
    shown = {one: [name for name, flag in flags.items() if flag[row]] for one, row in rows.items()}
    return {one: names for one, names in shown.items() if names}


def _supported(sample: Sample, tested: Sequence[Tested]) -> list[Scored]:
    """Findings with their confidence, if it reaches the threshold; what is settled only comes back as a regression."""
    settled = sample.settled or {}
    spoken = [finding for one in tested for finding in one.findings]
    p_values = np.array([finding.p_value for finding in spoken], np.float64)
    sure = confidences(p_values, sum(one.hypotheses for one in tested), worth=WORTH)
    return [
        (finding, float(confidence))
        for finding, confidence in zip(spoken, sure, strict=True)
        if confidence > 0 and confidence >= sample.thresholds.confidence and _name(finding) not in settled
    ]


def _insight(scored: Scored, opened: Mapping[str, str], chance: Chance, shown: Mapping[str, list[str]]) -> Insight:
    finding, confidence = scored
    topic = finding.subject.get("topic")
    return Insight(
        id=_name(finding),
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
        chance=chance,
        signs={one: shown[one] for one in finding.evidence if one in shown},
    )
