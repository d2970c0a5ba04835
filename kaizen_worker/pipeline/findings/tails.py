"""One-sided p-values, exact where a distribution is, for counts that may be effective ones and so no whole numbers."""

import numpy as np
from scipy.special import betainc
from scipy.stats import hypergeom, norm
from scipy.stats import t as student

from kaizen_worker.types import Floats


def binomial(hits: float, seen: float, chance: float) -> float:
    """P(at least `hits` of `seen`) under `chance`; the incomplete beta function takes fractions too."""
    if hits <= 0 or seen <= 0:
        return 1.0
    return float(betainc(hits, max(seen - hits, 0.0) + 1.0, min(max(chance, 0.0), 1.0)))


def hypergeometric(hits: float, seen: float, other_hits: float, other_seen: float) -> float:
    """Fisher's exact test, one-sided: the rate of the first is no higher than the second's; counts are rounded."""
    hit, draw, more, rest = round(hits), round(seen), round(other_hits), round(other_seen)
    if hit <= 0 or draw <= 0 or rest <= 0:
        return 1.0
    few, many = sorted((hit + more, draw))  # the distribution is symmetric in both, the smaller one is faster
    return float(min(1.0, hypergeom.sf(hit - 1, draw + rest, many, few)))


def over_mean(values: Floats, limit: float, *, error: float, freedom: float) -> float:
    """Student's test that the mean of values is no higher than `limit`, with a given standard error."""
    excess = float(values.mean()) - limit
    if error == 0.0:
        return 0.0 if excess > 0 else 1.0
    return float(student.sf(excess / error, max(freedom, 1.0)))


def higher_ranks(ranks: Floats, total: int, *, design: float) -> float:
    """Mann-Whitney: rows with these mid-ranks out of 1..total lie no higher than the other rows.

    Normal form without correction for ties, which only makes it more careful; the variance is multiplied by the design
    effect of the ranks.
    """
    count = len(ranks)
    if not 0 < count < total:
        return 1.0
    variance = (total + 1) * (total - count) / (12.0 * count) * design
    return float(norm.sf((ranks.mean() - (total + 1) / 2) / np.sqrt(variance)))
