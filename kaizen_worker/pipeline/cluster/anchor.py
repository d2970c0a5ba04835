"""Yesterday's topics hold until today's texts say otherwise.

Clustering the same texts less one tenth gives another partition of those that lie between two topics, as good as the
first. So the last topics' centroids stay the partition, and a fresh cluster is let in only where it explains its own
members clearly better than the last topics do.
"""

import numpy as np
from numpy.typing import NDArray

from kaizen_worker.pipeline.assignment import nearest
from kaizen_worker.pipeline.backend import NUMPY, Backend
from kaizen_worker.pipeline.cluster.members import BLOCK, SMALLEST, centroids
from kaizen_worker.types import Codes, Floats, Rows, Vectors

GAIN = 0.06
"""Mean cosine by which a fresh cluster must be nearer to its members than the last topics are, to be let in.

Half of the clusters about something new gain over 0.2, half of the others nothing; of these one in twenty gains more
than 0.05 to 0.1, once, and what it splits stays split (`tests/bench/topics/test_stability.py`).
"""

KEPT = 1 / 3
"""Share of its texts below which a last topic has been replaced; something new of its size leaves it a half."""

_ALONE = 1e-3  # length of the others' sum below which there are none, but for rounding


def hold(
    vectors: Rows, fresh: Vectors, last: Vectors, *, weights: NDArray[np.int64], backend: Backend = NUMPY
) -> tuple[Vectors, Codes]:
    """Choose of the last topics those that still hold, and of the fresh clusters those that are let in.

    Args:
        vectors: (u, d) unit rows, one a text.
        fresh: (k, d) centroids of what clustering found in them.
        last: (p, d) centroids of the last topics, in the same space.
        weights: (u,) interactions of each text.
        backend: Where nearest centroids are looked for.

    Returns:
        Their centroids, and the last topic of each, -1 for none. There are two rounds: what is replaced in the first
        lets more in, in the second.
    """
    labels, _ = nearest(vectors, fresh, backend=backend)
    own = _own_cosines(vectors, labels, len(fresh))
    before = np.bincount(nearest(vectors, last, backend=backend)[0], minlength=len(last))
    held, let_in = np.arange(len(last), dtype=np.int32), np.zeros(len(fresh), dtype=np.bool_)
    means = last
    for _ in range(2):
        let_in |= _gains(labels, own - nearest(vectors, means, backend=backend)[1], len(fresh)) > GAIN
        size = np.bincount(
            nearest(vectors, np.concatenate([last[held], fresh[let_in]]), backend=backend)[0], minlength=len(held)
        )
        held = held[size[: len(held)] >= np.maximum(KEPT * before[held], 1)]
        means = np.concatenate([last[held], fresh[let_in]])
    origin = np.concatenate([held, np.full(int(let_in.sum()), -1, np.int32)])
    large = np.bincount(nearest(vectors, means, backend=backend)[0], weights=weights, minlength=len(means)) >= SMALLEST
    return (means[large], origin[large]) if large.any() else (means, origin)


def _own_cosines(vectors: Rows, labels: Codes, count: int) -> Floats:
    """Cosine (u,) of each text to the mean of the others in its cluster, -1 of one alone.

    Without it, for it would draw the mean of a few texts towards itself. The members' sum has the centroid's direction,
    and their cosines to it add up to its length.
    """
    means = np.zeros((count, vectors.shape[1]), dtype=np.float32)
    means[np.unique(labels)] = centroids(vectors, np.unique(labels, return_inverse=True)[1].astype(np.int32))
    cosine = np.empty(len(vectors))
    for start in range(0, len(vectors), BLOCK):
        span = slice(start, start + BLOCK)
        cosine[span] = np.einsum("ij,ij->i", vectors[span].astype(np.float64), means[labels[span]])
    length = np.bincount(labels, cosine, minlength=count)[labels]
    rest = np.sqrt(np.maximum(length**2 - 2 * length * cosine + 1, 0.0))
    alone = rest < _ALONE
    return np.asarray(np.where(alone, -1.0, (length * cosine - 1) / np.where(alone, 1.0, rest)), dtype=np.float64)


def _gains(labels: Codes, gain: Floats, count: int) -> Floats:
    """Mean gain (k,) of each fresh cluster's members, 0 where there are none."""
    size = np.bincount(labels, minlength=count)
    return np.asarray(np.bincount(labels, gain, minlength=count) / np.maximum(size, 1), dtype=np.float64)
