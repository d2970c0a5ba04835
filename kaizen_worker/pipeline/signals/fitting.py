"""Weights of the signs from the ratings that exist: a prior that gives way, and ratings that are no fair sample.

Who is unhappy rates more often, and some hit the wrong thumb. So the chance of a rating depends on the outcome, and how
much is fitted with the weights: how much more often answers with strong signs are rated tells it. With no rating at
all the prior stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit

from kaizen_worker.types import Flags, Floats

INTERCEPT = -2.2
"""Log odds of failure where no sign was seen: one in ten fails in silence."""

SPREAD = 1.0
"""Standard deviation of the prior around each weight: it gives way to some dozen outcomes that carry the sign."""

EAGER = (0.5, 1.0)
"""Prior of how much likelier a failure is rated than a success, in log odds: mean, and standard deviation."""

WIDEST = (-15.0, 15.0)
"""Log odds beyond which no search goes."""

MISTAKEN = 0.03
"""Ratings that say the opposite of what is true."""

MIN_OUTCOMES = 50
"""Ratings of each kind from which a weight is learned, and from which they judge a score."""

MOST_ROWS = 50_000
"""Interactions that are looked at; of more an even share."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What was learned: weights, and the log odds that a success, and a failure, is rated."""

    intercept: float
    weights: Mapping[str, float]
    calm: float
    cross: float

    def posterior(self, line: Floats, rating: Floats) -> Floats:
        """Probability (n,) of failure, of the log odds by the signs and the rating, NaN for none."""
        failed, fine = _told(rating, self.calm, self.cross)
        found: Floats = expit(line + failed - fine)
        return found


def fitted(columns: Mapping[str, Flags | Floats], rating: Floats, prior: Mapping[str, float]) -> Fit:
    """Fit of greatest posterior probability.

    Log odds of failure are linear in the columns, and whether it is rated depends on the outcome alone: the non-
    ignorable missingness of Baker and Laird (1988, Journal of the American Statistical Association 83:62). A weight
    may become 0, it never turns into its opposite. Few ratings move only how many fail in silence.

    Args:
        columns: Each (n,).
        rating: (n,) 1 failed, 0 went well, NaN not rated.
        prior: The weight of each column before any rating, of which the sign is kept.
    """
    step = max(1, len(rating) // MOST_ROWS)
    said = rating[::step]
    share = float(np.isfinite(said).mean()) if len(said) else 0.0
    often = float(logit(np.clip(share, 1e-6, 1 - 1e-6)))
    if share == 0:
        return Fit(INTERCEPT, dict(prior), often, often + EAGER[0])
    start = np.array([INTERCEPT, *prior.values()])
    rows = np.column_stack([np.ones(len(said)), *(columns[name][::step] for name in prior)]).astype(np.float64)
    bounds = [WIDEST, *(_reach(weight, learned=enough(said)) for weight in prior.values())]
    found = minimize(
        _Ratings(rows, start, said).loss,
        np.array([*start, often, often + EAGER[0]]),
        jac=True,
        method="L-BFGS-B",
        bounds=[*bounds, WIDEST, WIDEST],
        options={"maxiter": 200, "ftol": 1e-9, "gtol": 1e-4},
    ).x.tolist()
    return Fit(found[0], dict(zip(prior, found[1:-2], strict=True)), found[-2], found[-1])


def enough(rating: Floats) -> bool:
    """Whether both kinds occur often enough to learn a weight from."""
    return bool((rating == 1).sum() >= MIN_OUTCOMES and (rating == 0).sum() >= MIN_OUTCOMES)


def _reach(weight: float, *, learned: bool) -> tuple[float, float]:
    if not learned:
        return weight, weight
    return (0.0, WIDEST[1]) if weight > 0 else (WIDEST[0], 0.0)


@dataclass(frozen=True, slots=True)
class _Ratings:
    """What the likelihood is of."""

    columns: Floats  # (m, 1 + p), the first one ones
    prior: Floats  # (1 + p,)
    rating: Floats  # (m,)

    def loss(self, guess: Floats) -> tuple[float, Floats]:
        """Negative log posterior and its gradient, of weights (1 + p), log odds of rating a success, a failure."""
        weights, (calm, cross) = guess[:-2], guess[-2:]
        line = self.columns @ weights
        failed, fine = _told(self.rating, calm, cross)
        whole = np.logaddexp(log_expit(line) + failed, log_expit(-line) + fine)
        truth, rated = expit(line + failed - fine), np.isfinite(self.rating)
        apart, eager = (weights - self.prior) / SPREAD, (cross - calm - EAGER[0]) / EAGER[1]
        slope = apart / SPREAD - self.columns.T @ (truth - expit(line))
        calmer = (1 - truth) @ (expit(calm) - rated) - eager / EAGER[1]
        crosser = truth @ (expit(cross) - rated) + eager / EAGER[1]
        return float((apart @ apart + eager**2) / 2 - whole.sum()), np.array([*slope, calmer, crosser])


def _told(rating: Floats, calm: float, cross: float) -> tuple[Floats, Floats]:
    """Log probability (n,) of this rating, or of none, after a failure, and after a success."""
    meant, mistaken = np.log1p(-MISTAKEN), np.log(MISTAKEN)
    failed = np.where(rating == 1, meant, mistaken) + log_expit(cross)
    fine = np.where(rating == 0, meant, mistaken) + log_expit(calm)
    none = np.isnan(rating)
    return np.where(none, log_expit(-cross), failed), np.where(none, log_expit(-calm), fine)
