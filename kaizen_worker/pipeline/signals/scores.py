"""Do the scores predict anything? A critic, and the assistant's own level, earn their weight or get none.

The weight follows from how well low scores pick out failures: the area under the curve, less its uncertainty. A score
that cannot be told from chance gets exactly 0.
"""

from collections.abc import Mapping

import numpy as np
from scipy.special import ndtri
from scipy.stats import norm, rankdata

from kaizen_api.critic import Critic
from kaizen_worker.pipeline.signals.fitting import enough
from kaizen_worker.types import Floats

LEVEL = "consciousness_level"
"""Name under which the assistant's own level is weighed beside its critics."""

ACCEPTED = "accepted"
"""Name under which the critics' verdict is weighed, 1 or 0."""

SIGNIFICANCE = 0.01
"""Of all scores together: a useless score is weighed once in a hundred windows."""

LEAST_AREA = 0.55
"""An area under the curve that is worth a weight, even where it is certain."""

MIN_EACH = 20
"""Failures and successes that carry the score; fewer give no stable area."""


def predictors(scores: Mapping[str, Floats], said: Floats, followed: Floats) -> dict[str, Critic]:
    """Whether each score predicts failures, by name; a score that no interaction carries is left out.

    What users said decides where there is enough of it, else what they did next; never another judge.

    Args:
        scores: Each (n,) 0..1, NaN for none, higher is better.
        said: (n,) 1 failed, 0 went well, NaN unknown: the ratings.
        followed: (n,) likewise, by the next turn.
    """
    given = {name: scores[name] for name in sorted(scores) if np.isfinite(scores[name]).any()}
    outcome = said if enough(said) else followed
    earned = score_weights(given, outcome)
    return {name: _critic(earned[name], _area(given[name], outcome), rated=outcome is said) for name in given}


def _critic(weight: float, measured: tuple[float, int, int], *, rated: bool) -> Critic:
    area, failed, fine = measured
    auc = round(area, 4) if min(failed, fine) >= MIN_EACH else None
    return Critic(weight=weight, auc=auc, failed=failed, succeeded=fine, by="ratings" if rated else "next_turn")


def score_weights(scores: Mapping[str, Floats], outcome: Floats) -> dict[str, float]:
    """Log odds that each score earns per standard deviation below its mean, 0.0 for none; by name.

    Scores that say the same share their weight: each is divided by one plus its correlations with the others.

    Args:
        scores: Each (n,) 0..1, NaN for none, higher is better.
        outcome: (n,) 1 failed, 0 went well, NaN unknown.
    """
    earned = {name: _weight(scores[name], outcome, tests=len(scores)) for name in sorted(scores)}
    kept = [name for name, weight in earned.items() if weight > 0]
    if len(kept) > 1:
        alike = np.abs(np.corrcoef([standard(scores[name]) for name in kept]))
        earned.update({name: earned[name] / float(alike[row].sum()) for row, name in enumerate(kept)})
    return earned


def standard(score: Floats) -> Floats:
    """Standard deviations below the mean, (n,); 0 where there is no score or it never changes."""
    spread = np.nanstd(score) if np.isfinite(score).any() else 0.0
    if spread == 0:
        return np.zeros(len(score))
    return np.nan_to_num((np.nanmean(score) - score) / spread)


def _weight(score: Floats, outcome: Floats, *, tests: int) -> float:
    """Distance of the two means in standard deviations, from the lower end of the area under the curve.

    For two normal populations of equal spread the log odds are linear in the score, with slope d', and the area is
    Phi(d' / sqrt 2) (Green and Swets 1966); the error of the area is Hanley and McNeil's (1982). A score that tells all
    apart is certain only up to half an outcome.
    """
    area, failed, fine = _area(score, outcome)
    if min(failed, fine) < MIN_EACH:
        return 0.0
    chance = np.sqrt((failed + fine + 1) / (12.0 * failed * fine))
    if norm.sf((area - 0.5) / chance) * tests > SIGNIFICANCE:
        return 0.0
    least = min(area, 1 - 0.5 / min(failed, fine)) - norm.isf(0.05) * _error(area, failed, fine)
    return float(np.sqrt(2) * ndtri(least)) if least > LEAST_AREA else 0.0


def _area(score: Floats, outcome: Floats) -> tuple[float, int, int]:
    """Probability that a failure scores below a success, ties half; and how many there are of each."""
    known = np.isfinite(score) & np.isfinite(outcome)
    bad = outcome[known] == 1
    failed, fine = int(bad.sum()), int((~bad).sum())
    if not failed or not fine:
        return 0.5, failed, fine
    ranks = rankdata(-score[known])
    return float((ranks[bad].sum() - failed * (failed + 1) / 2) / (failed * fine)), failed, fine


def _error(area: float, failed: int, fine: int) -> float:
    """Standard error of an area under the curve (Hanley and McNeil 1982, Radiology 143:29)."""
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (failed - 1) * (one - area**2) + (fine - 1) * (two - area**2)
    return float(np.sqrt(max(spread, 0.0) / (failed * fine)))
