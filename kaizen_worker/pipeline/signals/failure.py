"""Signs to a probability of failure: a logistic sum whose weights are set in advance, and moved by explicit outcomes.

It works on the first day, without any feedback; with enough of it the weights follow what users of this tenant really
mean. A sign may lose its weight, it never turns into its opposite. The same input gives the same bits.
"""

from collections.abc import Mapping

import numpy as np

from kaizen_worker.types import Flags, Floats

INTERCEPT = -2.2
"""Log odds of failure where no sign was seen: one in ten fails in silence."""

WEIGHTS: Mapping[str, float] = {
    "error": 3.5,
    "refusal": 2.4,  # certain where seen, but seen in under a third of the bad dialogues
    "negation": 2.8,  # the user's next turn carries most (area under the curve .64 to .77 on rated dialogues)
    "escalation": 2.4,
    "repeat": 1.8,
    "rephrase": 1.4,  # weaker (.50 to .59): a question in other words may be a further question
    "clarification": 1.0,  # asking back is a delay, not yet a failure
    "abandonment": 0.6,
    "slow": 0.5,
    "thanked": -1.2,  # the one sign of success
}
"""Log odds that each implicit sign adds before any feedback is seen, in the order of the measured areas."""

EXPLICIT: Mapping[str, float] = {"negative_feedback": 4.5, "positive_feedback": -2.5, "rejected": 2.0, "accepted": -0.7}
"""Log odds that an outcome itself adds; a judge errs more often than the user."""

MIN_OUTCOMES = 50
"""Outcomes of each kind below which the weights stay where they are."""

SPREAD = 1.0
"""Standard deviation of the prior around each weight: it gives way to some dozen outcomes that carry the sign."""

STEPS = 50
"""Newton steps at most; the loss is convex and five are usual."""


def probability(log_odds: Floats) -> Floats:
    """The logistic function, (n,) 0..1."""
    found: Floats = 1.0 / (1.0 + np.exp(-log_odds))
    return found


def ratings(feedback: Floats) -> Floats:
    """What users said of it, (n,): 1 failed, 0 went well, NaN nothing."""
    return np.where(feedback < 0, 1.0, np.where(feedback > 0, 0.0, np.nan))


def outcomes(feedback: Floats, accepted: Floats) -> Floats:
    """What is known for certain, (n,): 1 failed, 0 went well, NaN unknown.

    Feedback counts alone where there is enough of both kinds; the judges' `accepted` fills in where there is not.
    """
    stated = ratings(feedback)
    return stated if enough(stated) else np.where(np.isnan(stated), 1.0 - accepted, stated)


def enough(outcome: Floats) -> bool:
    """Whether both kinds occur often enough to learn from."""
    return bool((outcome == 1).sum() >= MIN_OUTCOMES and (outcome == 0).sum() >= MIN_OUTCOMES)


def sign_weights(flags: Mapping[str, Flags], outcome: Floats) -> tuple[float, dict[str, float]]:
    """Intercept and weight of each implicit sign, moved from the prior by the outcomes, if there are enough.

    The slopes survive that unhappy users rate more often, the intercept does not (Prentice and Pyke 1979, Biometrika
    66:403): it is moved only as far as the rated share of the interactions reaches.
    """
    if not enough(outcome):
        return INTERCEPT, dict(WEIGHTS)
    rated = ~np.isnan(outcome)
    signs = np.column_stack([flags[name][rated] for name in WEIGHTS]).astype(np.float64)
    prior = np.array([INTERCEPT, *WEIGHTS.values()])
    moved = towards(prior, np.column_stack([np.ones(len(signs)), signs]), outcome[rated])
    intercept = INTERCEPT + float(rated.mean()) * (moved[0] - INTERCEPT)
    kept = np.where(moved * prior > 0, moved, 0.0)[1:]
    return float(intercept), dict(zip(WEIGHTS, kept.tolist(), strict=True))


def towards(prior: Floats, columns: Floats, outcome: Floats) -> Floats:
    """Weights (p,) of greatest posterior probability under a normal prior around `prior`, by Newton's method.

    Args:
        prior: (p,) where the weights start and are drawn to.
        columns: (m, p), the first one ones.
        outcome: (m,) 0 or 1.
    """
    precision = np.full(len(prior), 1.0 / SPREAD**2)
    precision[0] = 1e-3  # the intercept follows the data
    weights = prior.copy()
    for _ in range(STEPS):
        expected = probability(columns @ weights)
        slope = columns.T @ (expected - outcome) + precision * (weights - prior)
        curve = (columns * (expected * (1 - expected))[:, None]).T @ columns + np.diag(precision)
        step = np.linalg.solve(curve, slope)
        weights = weights - np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-9:  # noqa: PLR2004 - far below any weight that matters
            break
    return weights


def log_odds(flags: Mapping[str, Flags], feedback: Floats, accepted: Floats) -> Floats:
    """Log odds of failure (n,) from all signs and outcomes, without the scores."""
    intercept, weights = sign_weights(flags, outcomes(feedback, accepted))
    total = np.full(len(feedback), intercept)
    for name, weight in weights.items():
        total += weight * flags[name]
    seen = {
        "negative_feedback": feedback < 0,
        "positive_feedback": feedback > 0,
        "rejected": accepted == 0,
        "accepted": accepted == 1,
    }
    for name, weight in EXPLICIT.items():
        total += weight * seen[name]
    return total
