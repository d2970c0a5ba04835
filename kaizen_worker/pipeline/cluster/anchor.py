"""Yesterday's topics hold until today's texts say otherwise.

Clustering the same texts less one tenth gives another partition of those that lie between two topics, as good as the
first. So the last topics' centroids stay the partition, and a fresh cluster is let in only where it explains its own
members clearly better than the last topics do. The same for any number of threads, and for any order of the texts but
for the last bits of a sum: whoever wants those gives the texts in one order, as a window has them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from kaizen_worker.pipeline.assignment import nearest
from kaizen_worker.pipeline.cluster.hierarchy import groups
from kaizen_worker.pipeline.cluster.members import centroids, fence
from kaizen_worker.types import Clusters, Codes, Floats, Vectors

GAIN = 0.06
"""Mean cosine by which a fresh cluster must be nearer to its members than the last topics are, to be let in.

Half of the clusters about something new gain over 0.2, half of the others nothing; of these one in twenty gains more
than 0.05 to 0.1, once, and what it splits stays split (`tests/bench/topics/test_stability.py`).
"""

KEPT = 1 / 3
"""Share of its texts below which a last topic has been replaced; something new of its size leaves it a half."""

LEAST = 3
"""Interactions below which a topic is dissolved into the others."""

_ALONE = 1e-3  # length of the others' sum below which there are none, but for rounding


@dataclass(frozen=True, slots=True)
class Anchored:
    """Clusters with what became of the last topics."""

    clusters: Clusters
    held: Codes  # (k,) the last topic that each cluster goes on with, -1 for none


def anchor(vectors: Vectors, fresh: Clusters, last: Vectors | None, *, weights: NDArray[np.int64]) -> Anchored:
    """Hold on to the last topics as far as the texts allow.

    Args:
        vectors: (u, d) unit rows, one a text.
        fresh: What clustering found in them.
        last: (p, d) centroids of the last topics, in the same space; None where there are none yet, and the fresh
            clusters are all let in.
        weights: (u,) interactions of each text.

    Returns:
        Clusters of the same texts, the largest first: each text is in the nearest of the last topics that still hold
        and the fresh clusters that are let in. Noise are the texts that stand apart from all of them, a tenth at most.
    """
    if not len(fresh.centroids):
        return Anchored(fresh, np.empty(0, np.int32))
    with threadpool_limits(limits=1):  # sums in another order would be other sums
        means, held = _settle(vectors, fresh, fresh.centroids[:0] if last is None else last, weights)
        labels, cosines = nearest(vectors, means)
        threshold = fence(cosines)
        labels = np.where(cosines >= threshold, labels, np.int32(-1))
        order = _heaviest(labels, weights, len(means))
        rank = np.full(len(means) + 1, -1, dtype=np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        settled = centroids(vectors, rank[labels])
        return Anchored(Clusters(rank[labels], settled, groups(settled), threshold), held[order])


def _settle(vectors: Vectors, fresh: Clusters, last: Vectors, weights: NDArray[np.int64]) -> tuple[Vectors, Codes]:
    """Give the centroids that hold, and the last topic of each, -1 for none.

    Two rounds: what is replaced in the first lets more in, in the second.
    """
    if not len(last):
        return fresh.centroids, np.full(len(fresh.centroids), -1, np.int32)
    own = _own_cosines(vectors, fresh)
    before = np.bincount(nearest(vectors, last)[0], minlength=len(last))
    held, let_in = np.arange(len(last), dtype=np.int32), np.zeros(len(fresh.centroids), dtype=np.bool_)
    means = last
    for _ in range(2):
        let_in |= _gains(fresh.labels, own - nearest(vectors, means)[1]) > GAIN
        size = np.bincount(
            nearest(vectors, np.concatenate([last[held], fresh.centroids[let_in]]))[0], minlength=len(held)
        )
        held = held[size[: len(held)] >= np.maximum(KEPT * before[held], 1)]
        means = np.concatenate([last[held], fresh.centroids[let_in]])
    origin = np.concatenate([held, np.full(int(let_in.sum()), -1, np.int32)])
    large = np.bincount(nearest(vectors, means)[0], weights=weights, minlength=len(means)) >= LEAST
    return (means[large], origin[large]) if large.any() else (means, origin)


def _own_cosines(vectors: Vectors, fresh: Clusters) -> Floats:
    """Cosine (u,) of each text to the mean of the others in its fresh cluster, -1 of one alone and of noise.

    Without it, for it would draw the mean of a few texts towards itself. The members' sum has the centroid's direction,
    and their cosines to it add up to its length.
    """
    member = fresh.labels >= 0
    rows, labels = vectors[member].astype(np.float64), fresh.labels[member]
    cosine = np.einsum("ij,ij->i", rows, fresh.centroids[labels])
    length = np.bincount(labels, cosine)[labels]
    rest = np.sqrt(np.maximum(length**2 - 2 * length * cosine + 1, 0.0))
    alone = rest < _ALONE
    own = np.full(len(vectors), -1.0)
    own[member] = np.where(alone, -1.0, (length * cosine - 1) / np.where(alone, 1.0, rest))
    return own


def _gains(labels: Codes, gain: Floats) -> Floats:
    """Mean gain (k,) of each fresh cluster's members."""
    member = labels >= 0
    size = np.bincount(labels[member])
    return np.asarray(np.bincount(labels[member], gain[member]) / np.maximum(size, 1), dtype=np.float64)


def _heaviest(labels: Codes, weights: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Give the clusters that have a member from the heaviest on, equal ones as they stand."""
    member = labels >= 0
    total = np.bincount(labels[member], weights=weights[member], minlength=count)
    order = np.argsort(-total, kind="stable")
    return order[total[order] > 0]
