"""usage_pattern: a kind of request that dominates, overall or in one topic."""

from dataclasses import dataclass

import numpy as np

from kaizen_worker.pipeline.findings.groups import Group, everything, topics
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
from kaizen_worker.types import Codes, Finding, Flags, Sample

DOMINANT = 0.5
"""A kind dominates when it is more than half of all requests."""

ADVICE = {
    "analysis": "bring a text or a figure to work on: test long inputs and show the steps of the result.",
    "command": "want something done: connect the tools that do it, and confirm what was done.",
    "creation": "want something made: offer templates, and keep what users settled on as examples.",
    "follow_up": "lean on the turn before: keep enough of the conversation in the context.",
    "question": "ask: coverage of the knowledge base decides on quality, so look at the gaps first.",
    "statement": "only state something: ask back for the aim, or act on the statement by default.",
}
"""What a dominant kind means for the assistant: most requests do so."""

POINTS = 0.2
"""How far over the rest a kind must be in a topic: every topic leans a little."""


@dataclass(frozen=True, slots=True)
class _Share:
    """How much of a group is of one kind."""

    kind: str
    group: Group
    hits: Rows
    part: Count
    rest: Count | None  # elsewhere, for a topic

    @property
    def p_value(self) -> float:
        """Of "it does not dominate, or no more than elsewhere"."""
        return max(self.part.over(DOMINANT), self.part.above(self.rest) if self.rest else 0.0)


def find(sample: Sample) -> Tested:
    """Test each kind's share of the questions against a half, and in each topic also against the rest."""
    usable = ~sample.signals.flags["follow_up"]
    whole = everything(sample, usable)
    if sample.kinds is None or whole is None:
        return Tested((), 0)
    who, kinds = units(sample.window), sample.kinds.codes[sample.window.text]
    groups = [whole, *topics(sample, usable)]
    spoken: list[Finding] = []
    for code, kind in enumerate(sample.kinds.names):
        event = kinds == code
        total = count(event, who, whole.rows)
        for group in groups:
            share = _share(group, event, who, total, kind)
            if share is not None and share.p_value <= WORTH:
                spoken.append(_say(sample, share))
    return Tested(tuple(spoken), len(groups) * len(sample.kinds.names))


def _share(group: Group, event: Flags, who: Codes, total: Count, kind: str) -> _Share | None:
    """The share of the kind, if it is large enough to be tested."""
    hits = group.rows[event[group.rows]]
    if len(hits) <= DOMINANT * len(group.rows):
        return None
    part = count(event, who, group.rows)
    if group.is_all:
        return _Share(kind, group, hits, part, None)
    rest = total.without(part)
    if rest.seen < MIN_SUPPORT or part.hits / part.seen - rest.hits / rest.seen < POINTS:
        return None
    return _Share(kind, group, hits, part, rest)


def _say(sample: Sample, share: _Share) -> Finding:
    group, part, rest, hits = share.group, share.part, share.rest, share.hits
    against = f" against {percent(rest.hits / rest.seen)} elsewhere" if rest else ""
    return Finding(
        type="usage_pattern",
        subject={**group.subject, "kind": share.kind},
        description=(
            f"{percents(part.rate)} of the requests {group.where} are of the kind '{share.kind}'{against}: "
            f"{len(hits)} of {basis(sample, group.rows)}."
        ),
        recommendation=f"Most requests {group.where} {ADVICE[share.kind]}",
        p_value=share.p_value,
        effect=difference(part.rate, rest.rate) if rest else beyond(part.rate, DOMINANT),
        strength=NEWS * strength((part.rate.estimate - DOMINANT) * len(group.rows) / len(sample.window)),
        evidence=clearest(sample, hits, sample.window.occurred_at[hits].astype(np.float64)),
        support=len(group.rows),
        users=persons(sample, group.rows),
    )
