"""Which answers are slow: over the threshold, and over what is usual of all of them, or of their own topic."""

import numpy as np

from kaizen_worker.types import Codes, Flags, Floats, Thresholds, Window

FAR = 3 * 1.4826
"""Median absolute deviations above the median from which a response time stands out (three standard deviations)."""

MIN_TIMES = 20
"""Response times of a topic that make a history; fewer say nothing of what is usual there."""


def usual_at_most(times: Floats) -> float:
    """The longest usual time of these (m,), NaN for none, in seconds; infinite where there are no times."""
    if not np.isfinite(times).any():
        return float("inf")
    usual = np.nanmedian(times)
    return float(usual + FAR * np.nanmedian(np.abs(times - usual)))


def slow_for_topic(window: Window, topic: Codes, thresholds: Thresholds) -> Flags:
    """Which interactions (n,) are slow against the history of their topic, which is that of the window.

    Args:
        window: n interactions.
        topic: (n,) topic of each, -1 for none.
        thresholds: What no answer may take longer than.
    """
    found = np.zeros(len(window), np.bool_)
    rows = np.flatnonzero((topic >= 0) & np.isfinite(window.response_time))
    rows = rows[np.argsort(topic[rows], kind="stable")]
    for own in np.split(rows, np.flatnonzero(np.diff(topic[rows])) + 1):
        if len(own) >= MIN_TIMES:
            times = window.response_time[own]
            found[own] = times > max(thresholds.response_time, usual_at_most(times))
    return found
