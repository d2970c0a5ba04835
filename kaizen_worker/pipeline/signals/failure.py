"""Signs to a probability of failure: a logistic sum whose weights are set in advance, and moved by explicit outcomes.

It works on the first day, without any feedback; with feedback the weights, and how many fail in silence, follow what
users of this tenant really mean. An error is a failure for certain, unless the user was content with it. A sign may
lose its weight, it never turns into its opposite. The same input gives the same bits.
"""

from collections.abc import Mapping

import numpy as np
from msgspec.structs import replace

from kaizen_api.critic import Critic
from kaizen_worker.pipeline.signals.fitting import fitted
from kaizen_worker.pipeline.signals.scores import ACCEPTED, standard
from kaizen_worker.types import Flags, Floats

WEIGHTS: Mapping[str, float] = {
    "empty": 4.0,  # nothing was answered: 86 % on its own, and users who are content with it move it as the others
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

JUDGED: Mapping[str, float] = {"rejected": 2.0, "accepted": -0.7}
"""Log odds that the judges' verdict adds, where too few outcomes are known to tell whether it predicts anything."""


def ratings(feedback: Floats) -> Floats:
    """What users said of it, (n,): 1 failed, 0 went well, NaN nothing."""
    return np.where(feedback < 0, 1.0, np.where(feedback > 0, 0.0, np.nan))


def failures(
    flags: Mapping[str, Flags], said: Floats, scores: Mapping[str, Floats], critics: Mapping[str, Critic]
) -> tuple[Floats, dict[str, Critic], dict[str, float]]:
    """Probability (n,) that each interaction failed, and what critics and signs weigh in it.

    Args:
        flags: Each (n,), those of `WEIGHTS`, and error and follow_up.
        said: (n,) from `ratings`.
        scores: Each (n,) 0..1, NaN for none.
        critics: What each score predicts by itself.
    """
    kept = {_column(name): critic.weight for name, critic in critics.items() if critic.weight > 0}
    columns: dict[str, Flags | Floats] = {name: flags[name] for name in WEIGHTS}
    columns |= {_column(name): standard(scores[name]) for name in critics if _column(name) in kept}
    asked = ~flags["error"] & ~flags["follow_up"]
    fit = fitted({name: column[asked] for name, column in columns.items()}, said[asked], {**WEIGHTS, **kept})
    line = np.full(len(said), fit.intercept)
    for name, weight in fit.weights.items():
        line += weight * columns[name]
    if ACCEPTED in critics and critics[ACCEPTED].auc is None:
        line += JUDGED["rejected"] * (scores[ACCEPTED] == 0) + JUDGED["accepted"] * (scores[ACCEPTED] == 1)
    weighed = {name: replace(critic, weight=fit.weights.get(_column(name), 0.0)) for name, critic in critics.items()}
    likely = np.where(flags["error"] & ~(said == 0), 1.0, fit.posterior(line, said))
    return likely, weighed, {name: fit.weights[name] for name in WEIGHTS}


def _column(critic: str) -> str:
    """A critic may have the name of a sign."""
    return f"critic {critic}"
