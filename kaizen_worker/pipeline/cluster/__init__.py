"""Texts to topics, their number unknown.

The partition is the same for any order of the texts, any run and any number of threads. Nothing is tuned to a set of
texts; how fine to cut is found from the texts themselves.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from kaizen_worker.pipeline.assignment import nearest
from kaizen_worker.pipeline.backend import NUMPY, Backend
from kaizen_worker.pipeline.cluster.anchor import hold
from kaizen_worker.pipeline.cluster.consensus import agreed
from kaizen_worker.pipeline.cluster.few import separate
from kaizen_worker.pipeline.cluster.hierarchy import groups
from kaizen_worker.pipeline.cluster.members import SMALLEST, centroids, fence
from kaizen_worker.pipeline.cluster.neighbours import graph, nearest_rows
from kaizen_worker.pipeline.cluster.resolution import NEIGHBOURS, READ, choose
from kaizen_worker.pipeline.cluster.sample import draw, hashes
from kaizen_worker.pipeline.cluster.views import combine
from kaizen_worker.types import Clusters, Codes, Rows, Vectors

__all__ = ["cluster", "settle"]

FEW = 400
"""Texts below which a graph of neighbours is too coarse, and a tree finds more (`tests/bench/test_small_logs.py`)."""

FEWEST = 100
"""Texts below which there is only the tree: one group, where none stands out."""

SAMPLE = 8000
"""Texts that are compared with each other; the rest joins the nearest cluster. So is a topic as fine in a million."""


def cluster(  # noqa: PLR0913 - three of the six say how, and have one answer for a tenant
    vectors: Rows,
    texts: Sequence[str],
    *,
    weights: NDArray[np.int64],
    seed: int,
    last: Vectors | None = None,
    backend: Backend = NUMPY,
) -> Clusters:
    """Cluster u distinct texts.

    Args:
        vectors: (u, d) unit rows, one a text.
        texts: u distinct texts; sorted ones need no second copy of the vectors.
        weights: (u,) interactions of each text. A text counts once for where topics lie, and with its weight for
            whether a cluster is large enough.
        seed: Of the sample and the halvings.
        last: (p, d) centroids of the last topics, in the same space; they hold as far as the texts allow.
        backend: Where neighbours and nearest centroids are looked for. What joins them, Louvain's communities among
            them, runs on the host.

    Returns:
        Clusters, the largest first, in the embedder's space. Noise are the texts that stand apart from all of them, a
        tenth at most.
    """
    if not texts:
        none = np.empty(0, np.int32)
        return Clusters(none, np.empty((0, vectors.shape[1]), np.float32), none, 1.0, none)
    with threadpool_limits(limits=1):  # sums in another order would be other sums
        if all(one <= other for one, other in pairwise(texts)):
            return settle(
                vectors, _fresh(vectors, texts, weights, seed, backend), last, weights=weights, backend=backend
            )
        order = np.array(sorted(range(len(texts)), key=texts.__getitem__), dtype=np.int64)
        rows, counts = vectors[order], weights[order]
        fresh = _fresh(rows, [texts[i] for i in order], counts, seed, backend)
        found = settle(rows, fresh, last, weights=counts, backend=backend)
    labels = np.empty_like(found.labels)
    labels[order] = found.labels
    return replace(found, labels=labels)


def settle(
    vectors: Rows,
    fresh: Vectors,
    last: Vectors | None,
    *,
    weights: NDArray[np.int64],
    backend: Backend = NUMPY,
) -> Clusters:
    """Put each text to the nearest of the centroids (k, d) of clusters, and of the last topics as far as they hold.

    The centroids stay what texts were compared with: moved to the middle of what they drew, they would draw others, and
    the same texts analysed again would change their topics.
    """
    means, held = fresh, np.full(len(fresh), -1, np.int32)
    if last is not None and len(last):
        means, held = hold(vectors, fresh, last, weights=weights, backend=backend)
    labels, cosines = nearest(vectors, means, backend=backend)
    threshold = fence(cosines)
    labels = np.where(cosines >= threshold, labels, np.int32(-1))
    order = _heaviest(labels, weights, len(means))
    rank = np.full(len(means) + 1, -1, dtype=np.int32)  # the last one is what -1 points to
    rank[order] = np.arange(len(order), dtype=np.int32)
    return Clusters(rank[labels], means[order], groups(means[order]), threshold, held[order])


def _fresh(vectors: Rows, texts: Sequence[str], weights: NDArray[np.int64], seed: int, backend: Backend) -> Vectors:
    """Give the centroids (k, d) of the clusters of a sample."""
    drawn = draw(hashes(texts, seed=seed), SAMPLE)
    sample = vectors[drawn].astype(np.float32)
    return centroids(sample, _partition(sample, [texts[i] for i in drawn], weights[drawn], seed, backend))


def _partition(
    vectors: Vectors, texts: Sequence[str], weights: NDArray[np.int64], seed: int, backend: Backend
) -> Codes:
    """Give the cluster (u,) of each of the texts that are compared with each other; every number occurs."""
    if len(texts) < FEW:
        apart = separate(vectors)
        if apart.any() or len(texts) < FEWEST:
            return _dissolve(vectors, apart, weights)
    rows = combine(vectors, texts, seed=seed)
    near = nearest_rows(rows, READ, backend=backend)
    drawn = hashes(texts, seed=seed)
    links = graph(near, neighbours=NEIGHBOURS)
    return _dissolve(rows, agreed(links, drawn, resolution=choose(rows, near, drawn)), weights)


def _dissolve(rows: Vectors, labels: Codes, weights: NDArray[np.int64]) -> Codes:
    """Put the texts of clusters that are too small to the nearest other one, unless all are."""
    large = np.bincount(labels, weights=weights) >= SMALLEST
    if large.all() or not large.any():
        return labels
    kept = np.flatnonzero(large)
    lost = ~large[labels]
    labels = labels.copy()
    labels[lost] = kept[nearest(rows[lost], centroids(rows, labels)[kept])[0]]
    return np.asarray(np.unique(labels, return_inverse=True)[1], dtype=np.int32)


def _heaviest(labels: Codes, weights: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Give the clusters that have a member from the heaviest on, equal ones as they stand."""
    member = labels >= 0
    total = np.bincount(labels[member], weights=weights[member], minlength=count)
    order = np.argsort(-total, kind="stable")
    return order[total[order] > 0]
