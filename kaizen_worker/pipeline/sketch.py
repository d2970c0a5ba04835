"""What a topic's live counting keeps: a sketch of any number of interactions in constant space, merged exactly.

Every part is an integer sum or a smallest-of set, so merging is associative and commutative bit for bit: workers may
sketch batches in any grouping and order, and the result is the same.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from kaizen_worker.types import Floats, Vectors

UNIT = 1 << 30
"""Fixed point of the vector sum: 1.0 is this much, so 2**33 unit vectors fit into 64 bits."""

LATENCY_BOUNDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Upper bounds of the latency buckets, s; one more bucket holds what is above."""

EXEMPLARS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """Sums over the interactions of one topic."""

    count: int
    vector_sum: NDArray[np.int64]  # (d,) in 1 / UNIT
    outcomes: Mapping[str, int]  # outcome -> interactions
    latency: tuple[int, ...]  # interactions a bucket of LATENCY_BOUNDS, not cumulated
    latency_sum: int  # µs
    exemplars: tuple[str, ...]  # at most EXEMPLARS distinct texts, a fair draw: those with the smallest hash

    @property
    def centroid(self) -> Vectors:
        """Direction of the mean, (d,) float32 of unit length; zeros if there is none."""
        total = self.vector_sum.astype(np.float64)
        length = np.sqrt((total * total).sum())
        return np.asarray(total / length if length else total, dtype=np.float32)

    @property
    def spread(self) -> float:
        """Mean squared distance of the unit vectors to their mean, 0..1: 1 - |mean|^2."""
        mean = self.vector_sum / (UNIT * max(self.count, 1))
        return float(np.clip(1.0 - (mean * mean).sum(), 0.0, 1.0))


def sketch(*, vectors: Vectors, texts: Sequence[str], outcomes: Sequence[str], response_time: Floats) -> Sketch:
    """Sketch m interactions of one topic.

    Args:
        vectors: (m, d) unit rows.
        texts: m queries, masked.
        outcomes: m names of how it went.
        response_time: (m,) seconds, NaN where unknown.
    """
    known = response_time[~np.isnan(response_time)]
    buckets = np.searchsorted(LATENCY_BOUNDS, known, side="left")
    return Sketch(
        count=len(texts),
        vector_sum=np.rint(vectors.astype(np.float64) * UNIT).astype(np.int64).sum(axis=0),
        outcomes=dict(sorted(Counter(outcomes).items())),
        latency=tuple(np.bincount(buckets, minlength=len(LATENCY_BOUNDS) + 1).tolist()),
        latency_sum=int(np.rint(known * 1e6).astype(np.int64).sum()),
        exemplars=_drawn(texts),
    )


def merge(left: Sketch, right: Sketch) -> Sketch:
    """Give the sketch of both together; the same as if all of it had been sketched at once."""
    return Sketch(
        count=left.count + right.count,
        vector_sum=left.vector_sum + right.vector_sum,
        outcomes=dict(sorted((Counter(left.outcomes) + Counter(right.outcomes)).items())),
        latency=tuple(a + b for a, b in zip(left.latency, right.latency, strict=True)),
        latency_sum=left.latency_sum + right.latency_sum,
        exemplars=_drawn((*left.exemplars, *right.exemplars)),
    )


def _drawn(texts: Sequence[str]) -> tuple[str, ...]:
    """Give the texts whose hashes are smallest: the draw depends on the set of texts, not on how it was cut up."""
    return tuple(
        sorted(set(texts), key=lambda text: (blake2b(text.encode(), digest_size=8).digest(), text))[:EXEMPLARS]
    )
