"""Is a measure higher than it may be: overall, in which topics, and with which models?

"Higher" is said of the median or of the average, as one of them shows it (and the p-value is doubled for the choice).
A topic or model speaks only where it is also higher than the rest at the same times, a topic only without the models
that are too high themselves, and everything only without its worst one. So what is slow by night, or was during an
outage, is not laid at the door of who asked then.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.stats import rankdata

from kaizen_api.schema import Interval
from kaizen_worker.pipeline.findings.groups import Group, everything, models, topics
from kaizen_worker.pipeline.findings.independence import MIN_SUPPORT, Rows, design_effect, units
from kaizen_worker.pipeline.findings.intervals import beyond, difference, mean, median, standard_error
from kaizen_worker.pipeline.findings.onset import against, begin, earlier, hours_of, lasts, later, settle, starts
from kaizen_worker.pipeline.findings.rates import MAJORITY
from kaizen_worker.pipeline.findings.scan import stretches_of
from kaizen_worker.pipeline.findings.statement import WORTH
from kaizen_worker.pipeline.findings.tails import binomial, higher_ranks, over_mean
from kaizen_worker.types import Codes, Flags, Floats, Sample

CLEAR = 1e-4
"""p-value from which the median is named, even where the average shows it better: it is what a user meets."""


@dataclass(frozen=True, slots=True)
class Level:
    """A measure that is too high."""

    group: Group
    measure: str  # "median" or "average"
    level: Interval
    baseline: float  # elsewhere; the limit, for everything
    effect: Interval  # level less baseline
    p_value: float
    past: float | None = None  # the level before, where it is told since when

    @property
    def place(self) -> Hashable:
        """Where, whatever the time."""
        return self.group.kind, self.group.id

    def at(self, p_value: float) -> Self:
        """The same with another p-value."""
        return replace(self, p_value=p_value)

    def against(self, show: Callable[[float], str]) -> str:
        """With what it is compared, as a sentence says it."""
        return against(self.group, self.baseline, self.past, show)


@dataclass(frozen=True, slots=True)
class _Measure:
    """A measure of every row, and the limit up to which it is no news."""

    values: Floats  # (n,)
    ranks: Floats  # (n,) 0..1, among the usable rows of the same stretch of time
    who: Codes  # (n,) units
    limit: float
    unit: str

    def over(self, rows: Rows) -> tuple[float, str]:
        """p-value of "neither median nor average is over the limit", and which of the two shows it better."""
        values, who = self.values[rows], self.who[rows]
        higher, other = values > self.limit, values != self.limit
        if values.mean() <= self.limit and 2 * higher.sum() <= other.sum():
            return 1.0, "median"  # both p-values are over a half, and nothing more need be computed
        design = design_effect(values, who)
        by_mean = over_mean(
            values, self.limit, error=standard_error(values, design=design), freedom=len(rows) / design - 1
        )
        design = self._design(rows)
        by_median = binomial(higher.sum() / design, other.sum() / design, 0.5)
        return min(1.0, 2 * min(by_median, by_mean)), "median" if by_median <= max(by_mean, CLEAR) else "average"

    def above(self, rows: Rows, total: int) -> float:
        """p-value of "no higher than the other rows of the total"."""
        ranks = self.ranks[rows]
        return higher_ranks(ranks * total + 0.5, total, design=design_effect(ranks, self.who[rows]))

    def level(self, rows: Rows, measure: str) -> Interval:
        """Median or average of the rows."""
        values = self.values[rows]
        if measure == "median":
            return median(values, unit=self.unit, design=self._design(rows))
        return mean(values, unit=self.unit, design=design_effect(values, self.who[rows]))

    def excess(self, rows: Rows) -> float:
        """By how much the rows together exceed the limit."""
        return float((self.values[rows] - self.limit).sum())

    def _design(self, rows: Rows) -> float:
        return design_effect((self.values[rows] > self.limit).astype(np.float64), self.who[rows])


def levels(
    sample: Sample, values: Floats, *, limit: float, unit: str, by_model: bool = False
) -> tuple[list[Level], int]:
    """Measures over their limit, in the window or since a time in it, and how many hypotheses were tested.

    Args:
        sample: n interactions.
        values: (n,) the measure, NaN for none.
        limit: Up to which it is no news.
        unit: Of the measure, for the intervals.
        by_model: Whether each model is a group too.
    """
    usable = np.isfinite(values)
    ranks = np.full(len(values), np.nan)
    ranks[usable] = _ranked(values[usable], stretches_of(sample.window.occurred_at)[usable])
    measure = _Measure(values, ranks, units(sample.window), limit, unit)
    always, hypotheses = _in_window(sample, measure, usable, by_model=by_model)
    looks = starts(sample) if hypotheses else []
    changed = [
        _since(sample, level, measure, usable, row)
        for row in looks
        for level in _in_window(sample, measure, later(usable, row), by_model=by_model)[0]
    ]
    told = settle(always, changed, len(looks))
    return [level for level in told if level.p_value <= WORTH], hypotheses


def _since(sample: Sample, level: Level, measure: _Measure, usable: Flags, row: int) -> Level:
    """A level of what came from that row on, tested against the past of its place too."""
    rows, now = earlier(sample, level.group, usable, row), level.group.rows
    if len(rows) < MIN_SUPPORT:
        return level.at(1.0)
    both = np.concatenate((rows, now))
    ranks = _ranked(measure.values[both], hours_of(sample.window.occurred_at)[both])[len(rows) :]
    p_value = higher_ranks(ranks * len(both) + 0.5, len(both), design=design_effect(ranks, measure.who[now]))
    past, latest = measure.level(rows, level.measure), measure.level(now[len(now) // 2 :], level.measure)
    left = lasts(level.level.estimate, latest.estimate, past.estimate)
    if difference(level.level, past).low <= 0 or not left:
        return level.at(1.0)
    group = replace(level.group, since=begin(sample, row))
    return replace(level, group=group, p_value=max(level.p_value, p_value), past=past.estimate)


def _in_window(sample: Sample, measure: _Measure, usable: Flags, *, by_model: bool) -> tuple[list[Level], int]:
    """Measures over their limit in all usable rows, and how many hypotheses were tested."""
    whole = everything(sample, usable)
    if whole is None:
        return [], 0
    groups = [*topics(sample, usable), *(models(sample, usable) if by_model else [])]
    found = [level for group in groups if (level := _group_level(group, whole, measure)) is not None]
    high = [level.group.rows for level in found if level.group.kind == "model"]
    found = [level for level in found if level.group.kind == "model" or _apart(level.group, high, measure)]
    overall = _overall_level(whole, groups, measure)
    return [*found, *([] if overall is None else [overall])], len(groups) + 1


def _apart(topic: Group, high: list[Rows], measure: _Measure) -> bool:
    """Whether a topic is over the limit without the models that are, too; where little is left of it, it may be."""
    if not high:
        return True
    rows = np.setdiff1d(topic.rows, np.concatenate(high))
    return len(rows) < MIN_SUPPORT or measure.over(rows)[0] <= WORTH


def _ranked(values: Floats, when: Codes) -> Floats:
    """Mid-ranks (m,) among the values of the same stretch of time, spread over 0..1 (strata as in van Elteren 1960)."""
    ranks = np.empty(len(values))
    for stretch in np.unique(when):
        rows = np.flatnonzero(when == stretch)
        ranks[rows] = (rankdata(values[rows]) - 0.5) / len(rows)
    return ranks


def _group_level(group: Group, whole: Group, measure: _Measure) -> Level | None:
    total = len(whole.rows)
    p_value, kind = measure.over(group.rows)
    if p_value <= WORTH:
        p_value = max(p_value, measure.above(group.rows, total))
    if p_value > WORTH or total - len(group.rows) < MIN_SUPPORT:
        return None
    level = measure.level(group.rows, kind)
    baseline = measure.level(np.setdiff1d(whole.rows, group.rows, assume_unique=True), kind)
    effect = difference(level, baseline)
    # Ranks may differ where the level hardly does: what is said to be higher must be so by its own interval.
    return Level(group, kind, level, baseline.estimate, effect, p_value) if effect.low > 0 else None


def _overall_level(whole: Group, groups: list[Group], measure: _Measure) -> Level | None:
    p_value, kind = measure.over(whole.rows)
    parts = [group for group in groups if _is_part(group, whole, measure)]
    if parts and p_value <= WORTH:
        worst = max(parts, key=lambda group: measure.excess(group.rows))
        p_value = max(p_value, measure.over(np.setdiff1d(whole.rows, worst.rows, assume_unique=True))[0])
    if p_value > WORTH:
        return None
    level = measure.level(whole.rows, kind)
    return Level(whole, kind, level, measure.limit, beyond(level, measure.limit), p_value)


def _is_part(group: Group, whole: Group, measure: _Measure) -> bool:
    """Whether what is said of everything must hold without the group: one of many, or a model that stands out."""
    seen, total = len(group.rows), len(whole.rows)
    if seen < MAJORITY * total:
        return True
    return group.kind == "model" and total - seen >= MIN_SUPPORT and measure.above(group.rows, total) <= WORTH
