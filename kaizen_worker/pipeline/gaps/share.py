"""How often something holds of a topic's questions, as far as it is known from so many people.

One person's questions are alike, so questions count by what they are worth as independent ones (Kish 1965), and test
and interval are exact ones of that many: Clopper and Pearson (1934) as Korn and Graubard (1998, Survey Methodology
24:193) put it for samples in clusters. That holds where few questions say it, or nearly all.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaincinv

from kaizen_api.schema import Interval
from kaizen_worker.types import Codes, Floats

SURE = 0.5
"""Probability from which it holds of a question."""


@dataclass(frozen=True, slots=True)
class Share:
    """What is known of one share."""

    each: Floats  # (m,) probability that it holds of each question
    mean: float
    trials: float  # independent questions that the m are worth, 1..m
    people: int  # of whom it holds

    def above(self, limit: float) -> float:
        """p-value of "it is at most the limit", for a limit in 0..1."""
        hits = self.mean * self.trials
        return float(betainc(hits, self.trials - hits + 1, limit)) if hits > 0 else 1.0

    def beyond(self, baseline: float) -> Interval:
        """How much greater than the baseline it is, with its 95 % interval."""
        hits = self.mean * self.trials
        low = float(betaincinv(hits, self.trials - hits + 1, 0.025)) if hits > 0 else 0.0
        high = float(betaincinv(hits + 1, self.trials - hits, 0.975)) if hits < self.trials else 1.0
        return Interval(estimate=self.mean - baseline, low=low - baseline, high=high - baseline, unit="share")


def share(each: Floats, who: Codes) -> Share:
    """The share of m > 0 questions.

    Args:
        each: (m,) probability that it holds of the question.
        who: (m,) who asked it.
    """
    count, mean = len(each), float(each.mean())
    _, place = np.unique(who, return_inverse=True)
    sums, people = np.bincount(place, weights=each - mean), int(place.max()) + 1
    by_person = people / max(people - 1, 1) * float((sums**2).sum()) / count**2
    smoothed = (float(each.sum()) + 1) / (count + 2)  # never exactly 0 or 1
    alone = smoothed * (1 - smoothed) / count
    trials = min(count, max(1.0, count * alone / max(by_person, alone)))
    return Share(each, min(mean, 1.0), trials, len(np.unique(who[each >= SURE])))
