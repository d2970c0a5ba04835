"""How sure a finding is, when many things were looked at in one cycle.

First the false discovery rate is held at 5 % over everything that was tested, so that on clean data 19 cycles of 20
report nothing. Then each finding gets a probability of being real, from its own p-value and from how many of the
hypotheses seem true in this cycle: sure of itself it is only as far as both allow.
"""

import numpy as np

from kaizen_worker.types import Floats

RATE = 0.05
"""Share of the reported findings that may be false."""

NULLS = (0.5, 0.95)
"""Least and greatest share of hypotheses taken for empty: never surer than one in two beforehand, never hopeless."""

MOST = 0.999
"""No test knows whether its own assumptions hold."""


def q_values(p_values: Floats, hypotheses: int) -> Floats:
    """Least false discovery rate at which each would be reported (Benjamini and Hochberg 1995), (m,) 0..1.

    Args:
        p_values: (m,) of those worth a sentence.
        hypotheses: All that were tested; the rest count as p = 1, which only makes this more careful.
    """
    order = np.argsort(p_values, kind="stable")
    scaled = p_values[order] * hypotheses / np.arange(1, len(p_values) + 1)
    found = np.empty(len(p_values))
    found[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return found


def confidences(p_values: Floats, hypotheses: int, *, worth: float) -> Floats:
    """Probability that each finding is real, (m,) 0..1; 0.0 where the false discovery rate would be too high.

    The odds in favour are those beforehand times 1 / (-e p log p), the most that a p-value can speak for anything
    (Sellke, Bayarri and Berger 2001, The American Statistician 55:62). Beforehand, the share of empty hypotheses is
    Storey's (2002): those with p over `worth`, which all but `worth` of the empty ones have.
    """
    q = q_values(p_values, hypotheses)
    empty = np.clip((hypotheses - len(p_values)) / ((1 - worth) * max(hypotheses, 1)), *NULLS)
    p = np.clip(p_values, 1e-300, np.exp(-1))
    against = empty / (1 - empty) * -np.e * p * np.log(p)
    sure = np.minimum(np.minimum(1 / (1 + against), 1 - q), MOST)
    return np.where(q <= RATE, sure, 0.0)
