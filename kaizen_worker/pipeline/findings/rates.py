"""Is a sign more frequent than it may be: overall, and in which topics?

A topic speaks only where its rate is over the limit and over the rate elsewhere; everything speaks only where it is
over the limit even without its worst topic. So one broken topic is said once, and a general fault is said once.
"""

from dataclasses import dataclass

import numpy as np

from kaizen_api.schema import Interval
from kaizen_worker.pipeline.findings.groups import Group, everything, topics
from kaizen_worker.pipeline.findings.independence import MIN_SUPPORT, Rows, design_effect, units
from kaizen_worker.pipeline.findings.intervals import beyond, difference, share
from kaizen_worker.pipeline.findings.statement import WORTH
from kaizen_worker.pipeline.findings.tails import binomial, hypergeometric
from kaizen_worker.types import Codes, Flags, Sample

MAJORITY = 0.5
"""Share of the rows from which a topic is the whole: leaving it out would leave no picture of everything."""


@dataclass(frozen=True, slots=True)
class Count:
    """How often a sign occurs in some rows, and how many rows are worth one independent one."""

    hits: int
    seen: int
    design: float

    @property
    def rate(self) -> Interval:
        """Share of hits with its interval."""
        return share(self.hits, self.seen, design=self.design)

    def over(self, limit: float) -> float:
        """p-value of "the rate is at most the limit"."""
        return binomial(self.hits / self.design, self.seen / self.design, limit)

    def above(self, other: "Count") -> float:
        """p-value of "the rate is at most the other's"."""
        effective = (self.hits / self.design, self.seen / self.design)
        return hypergeometric(*effective, other.hits / other.design, other.seen / other.design)

    def without(self, part: "Count") -> "Count":
        """The rest of the rows, with the design effect of all."""
        return Count(self.hits - part.hits, self.seen - part.seen, self.design)


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate that is too high."""

    group: Group
    rate: Interval
    baseline: float  # the rate elsewhere; the limit, for everything
    effect: Interval  # rate less baseline
    p_value: float
    hits: Rows


def count(flag: Flags, unit: Codes, rows: Rows) -> Count:
    """Count a sign (n,) in some rows whose units are (n,)."""
    values = flag[rows].astype(np.float64)
    return Count(int(values.sum()), len(rows), design_effect(values, unit[rows]))


def rates(sample: Sample, flag: Flags, usable: Flags, *, limit: float) -> tuple[list[Rate], int]:
    """Rates over their limit, and how many hypotheses were tested.

    Args:
        sample: n interactions.
        flag: (n,) the sign.
        usable: (n,) rows in which it could occur.
        limit: Rate, 0..1, up to which it is no news.
    """
    whole = everything(sample, usable)
    if whole is None or not flag[whole.rows].any():
        return [], 0
    unit = units(sample.window)
    total = count(flag, unit, whole.rows)
    parts = [(group, count(flag, unit, group.rows)) for group in topics(sample, usable)]
    found = [_topic_rate(group, part, total, flag, limit) for group, part in parts]
    found.append(_overall_rate(whole, total, [part for _, part in parts], flag, limit))
    return [rate for rate in found if rate.p_value <= WORTH], len(found)


def _topic_rate(group: Group, part: Count, total: Count, flag: Flags, limit: float) -> Rate:
    rest = total.without(part)
    baseline = rest.rate if rest.seen else part.rate
    p_value = max(part.over(limit), part.above(rest)) if rest.seen >= MIN_SUPPORT else 1.0
    effect = difference(part.rate, baseline)
    return Rate(group, part.rate, baseline.estimate, effect, p_value, _hits(group, flag))


def _overall_rate(whole: Group, total: Count, parts: list[Count], flag: Flags, limit: float) -> Rate:
    p_value = total.over(limit)
    smaller = [part for part in parts if part.seen < MAJORITY * total.seen]
    if smaller:
        worst = max(smaller, key=lambda part: part.hits - limit * part.seen)
        p_value = max(p_value, total.without(worst).over(limit))
    return Rate(whole, total.rate, limit, beyond(total.rate, limit), p_value, _hits(whole, flag))


def _hits(group: Group, flag: Flags) -> Rows:
    return group.rows[flag[group.rows]]
