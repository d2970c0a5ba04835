"""One fault is told once: topics of one group that have the same fault, as where one was split, are named together.

The same is: type, error, model and tool; at times that meet; and an effect that the intervals cannot tell apart. The
finding of the topic with the most behind it speaks, so its id stays; none is left out, for all are named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kaizen_worker.pipeline.findings.choice import Scored
from kaizen_worker.pipeline.findings.statement import MAX_EVIDENCE
from kaizen_worker.types import Finding, Sample

ALONE = frozenset({"gap", "regression", "usage_cluster"})
"""Types of which each topic needs its own: its knowledge, its repair, its share."""

Times = Mapping[str, int]
"""Interaction id -> microseconds since the epoch."""


def together(sample: Sample, scored: Sequence[Scored]) -> list[Scored]:
    """Join what is the same in topics of one group, in the order of what speaks for it; the rest stays as it is."""
    if not sample.groups:
        return list(scored)
    group = dict(zip(sample.topic_ids, sample.groups, strict=True))
    times = _times(sample, scored)
    ranked = sorted(range(len(scored)), key=lambda row: (-scored[row][0].support, _topic(scored[row][0]), row))
    heads: dict[int, list[int]] = {}
    for row in ranked:
        one = scored[row][0]
        head = next((other for other in heads if _same(scored[other][0], one, group, times)), row)
        heads.setdefault(head, []).append(row)
    return [_joined(sample, [scored[row] for row in heads[head]]) for head in sorted(heads)]


def _times(sample: Sample, scored: Sequence[Scored]) -> dict[str, int]:
    ids = {one for finding, _ in scored for one in finding.evidence}
    found = zip(sample.window.ids, sample.window.occurred_at.tolist(), strict=True)
    return {one: time for one, time in found if one in ids}


def _same(one: Finding, other: Finding, group: Mapping[str, str], times: Times) -> bool:
    """Whether both tell of one fault in two topics of a group."""
    if one.type != other.type or one.type in ALONE or _elsewhere(one) != _elsewhere(other):
        return False
    own, its = _topic(one), _topic(other)
    if not own or not its or own == its or group.get(own) != group.get(its):
        return False
    alike = one.effect.low <= other.effect.high and other.effect.low <= one.effect.high
    return alike and one.effect.unit == other.effect.unit and _meet(one, other, times)


def _elsewhere(finding: Finding) -> dict[str, str]:
    """What it is about beside the topic."""
    return {name: value for name, value in finding.subject.items() if name != "topic"}


def _topic(finding: Finding) -> str:
    return finding.subject.get("topic", "")


def _meet(one: Finding, other: Finding, times: Times) -> bool:
    """Whether the times of the evidence of both overlap."""
    first, second = ([times[row] for row in finding.evidence] for finding in (one, other))
    return bool(first and second) and min(first) <= max(second) and min(second) <= max(first)


def _joined(sample: Sample, same: Sequence[Scored]) -> Scored:
    """The first of them, which names the others and shows their evidence beside its own."""
    (head, sure), *others = same
    if not others:
        return head, sure
    names = dict(zip(sample.topic_ids, sample.topic_names, strict=True))
    also = ", ".join(f"'{names[_topic(one)]}' ({one.support} interactions)" for one, _ in others)
    longest = max(len(one.evidence) for one, _ in same)
    rows = [one.evidence[place] for place in range(longest) for one, _ in same if place < len(one.evidence)]
    told = replace(
        head,
        description=f"{head.description} The same in {also}, of the same group of topics.",
        strength=min(1.0, sum(one.strength**2 for one, _ in same) ** 0.5),
        evidence=tuple(dict.fromkeys(rows))[:MAX_EVIDENCE],
    )
    return told, sure
