"""Is a sign more frequent than it may be: overall, and in which topics?

A topic speaks only where its rate is over the limit and over the rate elsewhere; everything speaks only where it is
over the limit even without its worst topic. So one broken topic is said once, and a general fault is said once.
Elsewhere means at the same time, too: a topic that was asked about during an outage, or by night, is not what failed.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from kaizen_api.schema import InsightType, Interval
from kaizen_worker.pipeline.findings.groups import Group, everything, topics
from kaizen_worker.pipeline.findings.independence import MIN_SUPPORT, Rows, design_effect, units
from kaizen_worker.pipeline.findings.intervals import beyond, difference, share
from kaizen_worker.pipeline.findings.onset import against, begin, earlier, hours_of, lasts, later, settle, starts
from kaizen_worker.pipeline.findings.scan import stretches_of
from kaizen_worker.pipeline.findings.statement import WORTH, clearest, percent, persons, strength
from kaizen_worker.pipeline.findings.tails import binomial, hypergeometric
from kaizen_worker.types import Codes, Finding, Flags, Floats, Sample

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
    past: float | None = None  # the rate before, where it is told since when

    @property
    def place(self) -> Hashable:
        """Where, whatever the time."""
        return self.group.id

    def at(self, p_value: float) -> Self:
        """The same with another p-value."""
        return replace(self, p_value=p_value)

    @property
    def against(self) -> str:
        """With what it is compared, as a sentence says it."""
        return against(self.group, self.baseline, self.past, percent)

    def finding(
        self,
        sample: Sample,
        kind: InsightType,
        *,
        description: str,
        recommendation: str,
        clarity: Floats | None = None,
    ) -> Finding:
        """The rate as a finding, with its test and its evidence.

        Args:
            sample: What it was found in.
            kind: Type of the insight.
            description: What is said.
            recommendation: What to do.
            clarity: (n,) by which of the hits the clearest are chosen; the failure probability, if absent.
        """
        rows, clear = self.group.rows, sample.signals.failure if clarity is None else clarity
        return Finding(
            type=kind,
            subject=self.group.subject,
            description=description,
            recommendation=recommendation,
            p_value=self.p_value,
            effect=self.effect,
            strength=strength(self.effect.estimate * len(rows) / len(sample.window)),
            evidence=clearest(sample, self.hits, np.asarray(clear[self.hits])),
            support=len(rows),
            users=persons(sample, rows),
        )


def count(flag: Flags, unit: Codes, rows: Rows) -> Count:
    """Count a sign (n,) in some rows whose units are (n,)."""
    values = flag[rows].astype(np.float64)
    return Count(int(values.sum()), len(rows), design_effect(values, unit[rows]))


def same_time(flag: Flags, when: Codes, rows: Rows, whole: Rows, rest: Count) -> Count:
    """The rest as it would be, had it come at the times of the rows: the rate of each stretch, by the rows in it.

    Direct standardisation (Rothman, Greenland and Lash 2008, Modern Epidemiology, ch. 3).

    Args:
        flag: (n,) the sign.
        when: (n,) stretch of time of each row.
        rows: Of the group.
        whole: Of the group and the rest.
        rest: Count of the rest.
    """
    last = int(when[whole].max(initial=0)) + 1
    seen, all_seen = (np.bincount(when[some], minlength=last) for some in (rows, whole))
    hits, all_hits = (np.bincount(when[some], weights=flag[some], minlength=last) for some in (rows, whole))
    others = all_seen - seen
    both = (seen > 0) & (others > 0)
    if not both.any():
        return rest
    rate = np.average((all_hits - hits)[both] / others[both], weights=seen[both])
    return Count(round(float(rate) * rest.seen), rest.seen, rest.design)


def rates(sample: Sample, flag: Flags, usable: Flags, *, limit: float) -> tuple[list[Rate], int]:
    """Rates over their limit, in the window or since a time in it, and how many hypotheses were tested.

    Args:
        sample: n interactions.
        flag: (n,) the sign.
        usable: (n,) rows in which it could occur.
        limit: Rate, 0..1, up to which it is no news.
    """
    always, hypotheses = _in_window(sample, flag, usable, limit=limit)
    looks = starts(sample) if hypotheses else []
    changed = [
        _since(sample, rate, flag, usable, row)
        for row in looks
        for rate in _in_window(sample, flag, later(usable, row), limit=limit)[0]
    ]
    told = settle(always, changed, len(looks))
    return [rate for rate in told if rate.p_value <= WORTH], hypotheses


def _since(sample: Sample, rate: Rate, flag: Flags, usable: Flags, row: int) -> Rate:
    """A rate of what came from that row on, tested against the past of its place too."""
    past, p_value = worse(sample, flag, rate.group.rows, earlier(sample, rate.group, usable, row))
    group = replace(rate.group, since=begin(sample, row))
    return replace(rate, group=group, p_value=max(rate.p_value, p_value), past=past)


def worse(sample: Sample, flag: Flags, rows: Rows, past: Rows) -> tuple[float, float]:
    """The rate of a sign (n,) in the past of some rows, and the p-value of "it was as high, at the same hours too".

    Rows are by time; 1.0 where the sign came and went.
    """
    if len(past) < MIN_SUPPORT:
        return 0.0, 1.0
    unit, hours = units(sample.window), hours_of(sample.window.occurred_at)
    now, then = count(flag, unit, rows), count(flag, unit, past)
    before, latest = then.hits / then.seen, float(flag[rows[len(rows) // 2 :]].mean())
    if not lasts(now.hits / now.seen, latest, before):
        return before, 1.0
    usual = same_time(flag, hours, rows, np.concatenate((past, rows)), then)
    return before, max(now.above(then), now.above(usual))


def _in_window(sample: Sample, flag: Flags, usable: Flags, *, limit: float) -> tuple[list[Rate], int]:
    """Rates over their limit in all usable rows, and how many hypotheses were tested."""
    whole = everything(sample, usable)
    if whole is None or not flag[whole.rows].any():
        return [], 0
    unit = units(sample.window)
    total = count(flag, unit, whole.rows)
    groups = topics(sample, usable)
    parts = [(int(flag[group.rows].sum()), len(group.rows)) for group in groups]
    when = stretches_of(sample.window.occurred_at)
    found = [
        _topic_rate(group, count(flag, unit, group.rows), (whole, total), (flag, when), limit)
        for group, (hits, seen) in zip(groups, parts, strict=True)
        if hits > limit * seen  # the others are under it, whatever they are worth
    ]
    found.append(_overall_rate(whole, total, [Count(*part, total.design) for part in parts], flag, limit))
    return [rate for rate in found if rate.p_value <= WORTH], len(groups) + 1


def _topic_rate(
    group: Group, part: Count, everything: tuple[Group, Count], signs: tuple[Flags, Codes], limit: float
) -> Rate:
    (whole, total), (flag, when) = everything, signs
    rest = total.without(part)
    baseline, p_value = rest.rate if rest.seen else part.rate, 1.0
    if rest.seen >= MIN_SUPPORT:
        p_value = max(part.over(limit), part.above(rest))
        if p_value <= WORTH:
            p_value = max(p_value, part.above(same_time(flag, when, group.rows, whole.rows, rest)))
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
