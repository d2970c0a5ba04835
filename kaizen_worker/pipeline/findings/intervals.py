"""95 % intervals without resampling: proportions, medians, means, and the difference of any two of them.

Each takes a design effect: how many times fewer independent observations there are than rows (`independence`).
"""

import numpy as np
from scipy.stats import t as student

from kaizen_api.schema import Interval
from kaizen_worker.types import Floats

Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


def share(hits: float, seen: float, *, design: float = 1.0) -> Interval:
    """Wilson's score interval of a proportion (Wilson 1927), unit "share"; `seen` at least 1."""
    n, estimate = seen / design, hits / seen
    centre = (estimate + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(estimate * (1 - estimate) / n + Z**2 / (4 * n**2))
    low, high = min(centre - half, estimate), max(centre + half, estimate)
    return Interval(estimate=estimate, low=float(max(low, 0.0)), high=float(min(high, 1.0)), unit="share")


def median(values: Floats, *, unit: str, design: float = 1.0) -> Interval:
    """Median with the order statistics around it (Conover 1999, section 3.2); values (m,), at least one."""
    count = len(values)
    half = Z * np.sqrt(count * design) / 2
    low, high = int(max(np.floor(count / 2 - half), 0)), int(min(np.ceil(count / 2 + half), count - 1))
    middle = (count - 1) // 2
    parts = np.partition(values, sorted({low, middle, count // 2, high}))
    estimate = float((parts[middle] + parts[count // 2]) / 2)
    return Interval(estimate=estimate, low=float(parts[low]), high=float(parts[high]), unit=unit)


def mean(values: Floats, *, unit: str, design: float = 1.0) -> Interval:
    """Mean with Student's interval; values (m,), at least two."""
    estimate, error = float(values.mean()), standard_error(values, design=design)
    half = float(student.isf(0.025, max(len(values) / design - 1, 1.0))) * error
    return Interval(estimate=estimate, low=estimate - half, high=estimate + half, unit=unit)


def standard_error(values: Floats, *, design: float) -> float:
    """Of the mean of values (m,), at least two."""
    return float(np.sqrt(values.var(ddof=1) * design / len(values)))


def difference(one: Interval, other: Interval) -> Interval:
    """One estimate less another, independent one, from their two intervals.

    Zou and Donner 2008 (Statistics in Medicine 27:1693); for Wilson's intervals it is Newcombe's method 10 (1998).
    """
    estimate = one.estimate - other.estimate
    down = np.hypot(one.estimate - one.low, other.high - other.estimate)
    up = np.hypot(one.high - one.estimate, other.estimate - other.low)
    return Interval(estimate=estimate, low=float(estimate - down), high=float(estimate + up), unit=one.unit)


def beyond(one: Interval, fixed: float) -> Interval:
    """An estimate less a fixed number."""
    return Interval(estimate=one.estimate - fixed, low=one.low - fixed, high=one.high - fixed, unit=one.unit)
