"""Texts to topics, their number unknown.

The partition is the same for any order of the texts, any run and any number of threads. Nothing is tuned to a set of
texts; how fine to cut is found from the texts themselves.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from kaizen_worker.pipeline.assignment import nearest
from kaizen_worker.pipeline.backend import NUMPY, Backend
from kaizen_worker.pipeline.cluster.few import separate
from kaizen_worker.pipeline.cluster.hierarchy import groups
from kaizen_worker.pipeline.cluster.members import centroids, fence
from kaizen_worker.pipeline.cluster.neighbours import communities, graph, nearest_rows
from kaizen_worker.pipeline.cluster.resolution import NEIGHBOURS, READ, choose
from kaizen_worker.pipeline.cluster.sample import draw, hashes
from kaizen_worker.pipeline.cluster.views import combine
from kaizen_worker.types import Clusters, Codes, Halves, Vectors

__all__ = ["cluster"]

FEW = 400
"""Texts below which a graph of neighbours is too coarse, and a tree finds more (`tests/bench/test_small_logs.py`)."""

FEWEST = 100
"""Texts below which there is only the tree: one group, where none stands out."""

SAMPLE = 8000
"""Texts that are compared with each other; the rest joins the nearest cluster. So is a topic as fine in a million."""

SMALLEST = 3
"""Interactions below which a cluster is dissolved into the others."""


def cluster(
    vectors: Vectors | Halves,
    texts: Sequence[str],
    *,
    weights: NDArray[np.int64],
    seed: int,
    backend: Backend = NUMPY,
) -> Clusters:
    """Cluster u distinct texts.

    Args:
        vectors: (u, d) unit rows, one a text.
        texts: u distinct texts; sorted ones need no second copy of the vectors.
        weights: (u,) interactions of each text. A text counts once for where topics lie, and with its weight for
            whether a cluster is large enough.
        seed: Of the sample and the halvings.
        backend: Where neighbours and nearest centroids are looked for. What joins them, Louvain's communities among
            them, runs on the host.

    Returns:
        Clusters, the largest first, in the embedder's space. Noise are the texts that stand apart from all of them, a
        tenth at most.
    """
    if not texts:
        return Clusters(np.empty(0, np.int32), np.empty((0, vectors.shape[1]), np.float32), np.empty(0, np.int32), 1.0)
    order = np.array(sorted(range(len(texts)), key=texts.__getitem__), dtype=np.int64)
    if np.array_equal(order, np.arange(len(texts))):
        return _cluster(vectors, texts, weights, seed, backend)
    found = _cluster(vectors[order], [texts[i] for i in order], weights[order], seed, backend)
    labels = np.empty_like(found.labels)
    labels[order] = found.labels
    return replace(found, labels=labels)


def _cluster(
    vectors: Vectors | Halves, texts: Sequence[str], weights: NDArray[np.int64], seed: int, backend: Backend
) -> Clusters:
    with threadpool_limits(limits=1):  # sums in another order would be other sums
        drawn = draw(hashes(texts, seed=seed), SAMPLE)
        sample = vectors[drawn].astype(np.float32)
        found = _partition(sample, [texts[i] for i in drawn], weights[drawn], seed, backend)
        labels, cosines = nearest(vectors, centroids(sample, found), backend=backend)
        threshold = fence(cosines)
        labels = _by_size(np.where(cosines >= threshold, labels, np.int32(-1)), weights)
        settled = centroids(vectors, labels)
        return Clusters(labels, settled, groups(settled), threshold)


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
    resolution = choose(rows, near, hashes(texts, seed=seed), backend=backend)
    return _dissolve(rows, communities(graph(near, neighbours=NEIGHBOURS), resolution=resolution), weights)


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


def _by_size(labels: Codes, weights: NDArray[np.int64]) -> Codes:
    """Number the clusters that have a member from the heaviest on, equal ones by their first member; -1 stays."""
    member = labels >= 0
    present, first, codes = np.unique(labels[member], return_index=True, return_inverse=True)
    order = np.lexsort((first, -np.bincount(codes, weights=weights[member])))
    rank = np.empty(len(present), dtype=np.int32)
    rank[order] = np.arange(len(present), dtype=np.int32)
    numbered = np.full(len(labels), -1, dtype=np.int32)
    numbered[member] = rank[codes]
    return numbered
