"""Response times in bins that grow with the time: a quantile is off by 2 % at most, wherever it lies.

The mapping of DDSketch (Masson, Rim and Lee 2019), with its edges in a table, so that no logarithm is taken of a time.
"""

from math import ceil, log

import numpy as np
from numpy.typing import NDArray

from kaizen_api.schema import MAX_RESPONSE_SECONDS
from kaizen_worker.types import Floats

ACCURACY = 0.02
"""Largest relative error of a quantile."""

SHORTEST = 1e-4
"""Seconds; what is not longer counts as 0."""

_GROWTH = (1 + ACCURACY) / (1 - ACCURACY)

BINS = 1 + ceil(log(MAX_RESPONSE_SECONDS / SHORTEST) / log(_GROWTH))

_EDGES = np.array([SHORTEST * _GROWTH**power for power in range(BINS)])  # the longest time of each bin

Counts = NDArray[np.int64]


def count_times(seconds: Floats) -> Counts:
    """Count response times (m,), NaN for none, into (BINS,)."""
    known = seconds[~np.isnan(seconds)]
    bins = np.minimum(np.searchsorted(_EDGES, known), BINS - 1)
    return np.bincount(bins, minlength=BINS)


def quantile(counts: Counts, share: float) -> float | None:
    """Give the time in seconds that this share, 0..1, of those counted does not exceed; None where there is none.

    It is the lower one of the two that the quantile lies between, to within `ACCURACY`, or 0 up to `SHORTEST`.
    """
    total = int(counts.sum())
    if not total:
        return None
    place = int(np.searchsorted(counts.cumsum(), int(share * (total - 1)), side="right"))
    return float(2 * _EDGES[place] / (_GROWTH + 1)) if place else 0.0
