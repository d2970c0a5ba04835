"""How many independent observations there are: one user's hundred retries are not a hundred witnesses.

Tests and intervals count rows divided by a design effect, the variance of a mean over units to what independent rows
would give (Rao and Scott 1992, Biometrics 48:577; Kish 1965). It is never below 1.
"""

import numpy as np
from numpy.typing import NDArray

from kaizen_worker.types import Codes, Floats, Window

Rows = NDArray[np.intp]

MIN_SUPPORT = 20
"""Rows of a group below which no interval says anything useful."""

MIN_PEOPLE = 5
"""Distinct people behind a statement: fewer are anecdotes, and may be recognised."""

MIN_UNITS = 10
"""Units below which a variance between them cannot be estimated, and the next finer unit is taken."""


def units(window: Window) -> Codes:
    """The unit that repeats itself, (n,) int32: the person; sessions or rows where there are too few people."""
    people = window.people()
    if len(np.unique(people)) >= MIN_UNITS:
        return people
    sessions = np.where(window.session.codes >= 0, window.session.codes, np.arange(len(window)) + len(window))
    if len(np.unique(sessions)) >= MIN_UNITS:
        return sessions.astype(np.int32)
    return np.arange(len(window), dtype=np.int32)


def design_effect(values: Floats, unit: Codes) -> float:
    """Of the mean of values (m,) whose rows come from units (m,); 1.0 where all are alike."""
    count, spread = len(values), float(values.var(ddof=1)) if len(values) > 1 else 0.0
    if spread == 0.0:
        return 1.0
    _, place = np.unique(unit, return_inverse=True)
    sums = np.bincount(place, weights=values - values.mean())
    clusters = len(sums)
    if clusters < 2:  # noqa: PLR2004 - one unit is one observation
        return float(count)
    between = clusters / (clusters - 1) * float((sums**2).sum()) / count**2
    return max(1.0, between / (spread / count))


def needed_people(people: Codes) -> int:
    """How many distinct people a statement needs in this window: half of them, where there are hardly any."""
    return max(1, min(MIN_PEOPLE, len(np.unique(people)) // 2))
