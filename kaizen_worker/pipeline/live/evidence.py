"""Sequential evidence that rates rose, and when it is an alarm.

An e-detector (Shin, Ramdas and Rinaldo 2023, "E-detectors"): each test sums, over every second at which a rise may have
begun, the likelihood of what was counted since if the odds of a hit were a multiple of those at the limit, against the
limit itself (Shiryaev 1963, Roberts 1966), averaged over several multiples. As long as the rate is at most the limit,
whatever it does below it and however many interactions there are, each second adds 1 to the sum's mean at most. So
the expected alarms of one test are at most seconds / bar, and a bar of `tests * WEEK / budget` keeps those of all tests
together at or below the budget a week, by construction.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kaizen_worker.types import Flags, Floats

MULTIPLES = np.array([1.5, 2.5, 5.0, 10.0, 25.0, 100.0])
"""Of the odds at the limit: the rises that are looked for; what lies between is found a little later."""

WEEK = 604_800
"""Seconds, and steps of a test at most, in the span for which false alarms are counted."""

CALM = 86_400.0
"""Evidence that a rise is over: while it goes on, it is taken for over less than once a day."""

_LOGS = np.log(MULTIPLES)
_MOST = 1e30  # far beyond any bar, and what float32 holds

Rows = NDArray[np.intp]
Counts = NDArray[np.int32]


def bar(tests: int, *, budget: float, confidence: float) -> float:
    """The evidence from which one of so many tests is an alarm.

    Args:
        tests: All that run at the same time, over all tenants.
        budget: False alarms a week over all of them, at most.
        confidence: Of an alarm, 0..1, at least (`sureness`).
    """
    wanted = max(1 / budget, confidence / (1 - confidence) if confidence < 1 else np.inf)
    return tests * WEEK * float(wanted)


def sureness(evidence: float, tests: int) -> float:
    """The probability that an alarm is real: Bayes' rule, where one real pattern a week is expected.

    It may begin in any test and any second alike, so each pair of them has a prior of 1 / (tests * WEEK), and the
    evidence is the sum of their likelihood ratios.
    """
    return evidence / (evidence + tests * WEEK)


def costs(limits: Floats) -> Floats:
    """What one trial costs each alternative, (r, m), from limits (r,) in 0..1.

    With odds m times those of the limit q, a hit multiplies the likelihood by m and every trial divides it by
    1 + (m - 1) q.
    """
    return np.log1p((MULTIPLES - 1) * limits[:, None])


@dataclass(slots=True)
class Evidence:
    """r tests side by side, as they stand after some seconds.

    The open second is kept as counts, so that it does not matter in how many parts it came.
    """

    sums: NDArray[np.float32]  # (r, m) evidence for each alternative, when the open second began
    back: NDArray[np.float32]  # (r,) of what is raised: evidence that it is over
    raised: Flags  # (r,) found and not over: quiet
    trials: Counts  # (r,) of the open second
    hits: Counts  # (r,)

    @classmethod
    def fresh(cls, number: int) -> "Evidence":
        """Of tests that have seen nothing."""
        sums = np.zeros((number, len(MULTIPLES)), np.float32)
        counts = np.zeros((2, number), np.int32)
        return cls(sums, np.zeros(number, np.float32), np.zeros(number, np.bool_), counts[0], counts[1])

    def evidence(self, rows: Rows, cost: Floats) -> Floats:
        """The evidence of some tests (s,) with the open second; none of what is raised or has seen nothing."""
        log = self.hits[rows, None] * _LOGS - self.trials[rows, None] * cost[rows]
        risen = ((self.sums[rows] + 1.0) * np.exp(np.minimum(log, 600.0))).mean(axis=1)
        return np.where(self.raised[rows] | (self.trials[rows] == 0), 0.0, risen)

    def close(self, cost: Floats) -> None:
        """End the open second: a step of every test that had a trial in it."""
        rows = np.flatnonzero(self.trials)
        log = self.hits[rows, None] * _LOGS - self.trials[rows, None] * cost[rows]
        self.sums[rows] = np.minimum((self.sums[rows] + 1.0) * np.exp(np.minimum(log, 600.0)), _MOST)
        high = self.raised[rows]
        if high.any():
            self._calm(rows[high], -log[high, 0])
        self.trials[:] = 0
        self.hits[:] = 0

    def _calm(self, rows: Rows, log: Floats) -> None:
        """The same test backwards, for the least of the rises: a rate between it and the limit is taken for either."""
        self.sums[rows] = 0
        self.back[rows] = np.minimum((self.back[rows] + 1.0) * np.exp(np.minimum(log, 600.0)), _MOST)
        over = rows[self.back[rows] >= CALM]
        self.raised[over] = False
        self.back[over] = 0

    def rise(self, row: int) -> None:
        """An alarm was told: quiet from now on, until it is over."""
        self.forget(np.array([row]))
        self.raised[row] = True

    def forget(self, rows: Rows) -> None:
        """Begin these anew; evidence that is dropped can make no alarm, so the promise holds."""
        for column in (self.sums, self.back, self.raised, self.trials, self.hits):
            column[rows] = 0
