"""A topic over some interactions, and how such are merged."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kaizen_api.errors import Invalid
from kaizen_worker.pipeline.sketch.distinct import Hashes, distinct, lowest
from kaizen_worker.pipeline.sketch.times import BINS, Counts, quantile
from kaizen_worker.types import Floats, Vectors

OUTCOMES = (
    "error",
    "slow",
    "low_level",
    "rejected",
    "negative_feedback",
    "refusal",
    "clarification",
    "negation",
    "rephrase",
    "repeat",
    "escalation",
    "abandonment",
    "thanked",
    "empty",
)
"""The signals that are counted; the order is that of `Sketch.outcomes`, and part of the encoding."""

FINEST = 2.0**-24
"""Every float16 is a multiple of it, so sums of up to `MOST` of 1 or less have no more than 53 digits: exact."""

MOST = 2**29
"""Interactions up to which sums of unit float16 rows are exact in float64, in whatever order."""

EXEMPLARS = 16
"""Distinct queries kept, a fair sample whatever their number."""

LENGTH = 280
"""Characters of an exemplar that are kept."""

MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sketch:
    """One topic over n interactions; two are the same if their encodings are."""

    interactions: int  # n
    questions: int  # of them such as ask something themselves: what `total` and `exemplars` are of
    failure: int  # sum of failure probabilities, each rounded to millionths
    first: int  # µs since the epoch, occurred_at of the earliest; 0 where there is none
    last: int  # and of the latest
    outcomes: Counts  # (len(OUTCOMES),) interactions with each of them
    response_times: Counts  # (BINS,), see `times`
    total: Floats  # (d,) sum of the questions' unit vectors, exact; (0,) where there are no interactions
    askers: Hashes  # the lowest hashes of who asked, see `distinct`
    exemplars: tuple[tuple[int, str], ...]  # hash and text of the queries with the lowest hashes, ascending

    def failure_rate(self) -> float:
        """Mean failure probability, 0..1, to within half a millionth; 0 where there are no interactions."""
        return self.failure / MILLION / self.interactions if self.interactions else 0.0

    def users(self) -> int:
        """Distinct users: exact below `distinct.KEPT`, from there on with a standard error of 3.2 %."""
        return distinct(self.askers)

    def signs(self) -> dict[str, float]:
        """The share of interactions, 0..1, with each of the outcomes that occur."""
        counts = zip(OUTCOMES, self.outcomes.tolist(), strict=True)
        return {name: count / self.interactions for name, count in counts if count}

    def response_time(self, share: float) -> float | None:
        """That quantile of response times in seconds, to within 2 %; None where none is known."""
        return quantile(self.response_times, share)

    def centroid(self) -> Vectors:
        """The direction of the mean question, (d,) float32 of unit length; zeros where there is none."""
        length = np.linalg.norm(self.total)
        return np.asarray(self.total / (length or 1.0), np.float32)

    def spread(self) -> float:
        """One less the questions' mean cosine to the centroid, 0..1: the length of a sum of unit rows tells it."""
        return 1.0 - float(np.linalg.norm(self.total)) / self.questions if self.questions else 0.0


def _nothing(size: int, dtype: type[np.generic]) -> Any:
    array = np.zeros(size, dtype)
    array.flags.writeable = False  # it is shared
    return array


EMPTY = Sketch(
    interactions=0,
    questions=0,
    failure=0,
    first=0,
    last=0,
    outcomes=_nothing(len(OUTCOMES), np.int64),
    response_times=_nothing(BINS, np.int64),
    total=_nothing(0, np.float64),
    askers=_nothing(0, np.uint64),
    exemplars=(),
)
"""The sketch of no interactions: merged with another it is that other."""


def merge(parts: Iterable[Sketch]) -> Sketch:
    """Give the sketch of all interactions of the parts together; no interaction may be in two of them.

    Raises:
        Invalid: vectors of different lengths, or more than `MOST` interactions.
    """
    some = [part for part in parts if part.interactions]
    if len(some) < 2:  # noqa: PLR2004  # one is its own sum
        return some[0] if some else EMPTY
    interactions = sum(part.interactions for part in some)
    if interactions > MOST or len({part.total.size for part in some}) > 1:
        raise Invalid(f"sketches to merge must have vectors of one length, and at most {MOST} interactions together")
    return Sketch(
        interactions=interactions,
        questions=sum(part.questions for part in some),
        failure=sum(part.failure for part in some),
        first=min(part.first for part in some),
        last=max(part.last for part in some),
        outcomes=np.sum([part.outcomes for part in some], axis=0),
        response_times=np.sum([part.response_times for part in some], axis=0),
        total=np.sum([part.total for part in some], axis=0),
        askers=lowest(np.concatenate([part.askers for part in some])),
        exemplars=tuple(sorted({exemplar for part in some for exemplar in part.exemplars})[:EXEMPLARS]),
    )
