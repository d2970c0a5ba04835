"""Which topic a text belongs to: the nearest centroid, unless the text is too far from all of them.

What a text gets does not depend on the texts beside it, to the bit: so shards of any size give what the whole gives.
Needs numpy alone, so that whoever only looks topics up loads nothing of what finds them.
"""

import numpy as np

from kaizen_worker.types import Clusters, Codes, Floats, Halves, Vectors

BLOCK = 256
"""Rows compared at a time, always as many: libraries sum in another order where a matrix has another shape."""


def nearest(rows: Vectors | Halves, means: Vectors) -> tuple[Codes, Floats]:
    """Give the nearest of k >= 1 centroids of each row (u, d), the first of equal ones, and the cosine to it."""
    codes = np.empty(len(rows), dtype=np.int32)
    cosines = np.empty(len(rows))
    block = np.zeros((BLOCK, rows.shape[1]), dtype=np.float32)
    for start in range(0, len(rows), BLOCK):
        span = slice(start, min(start + BLOCK, len(rows)))
        block[: span.stop - start] = rows[span]
        cosine = (block @ means.T)[: span.stop - start]
        codes[span] = cosine.argmax(axis=1)
        cosines[span] = cosine.max(axis=1)
    return codes, cosines


def assign(vectors: Vectors | Halves, clusters: Clusters) -> Codes:
    """Give the cluster of each vector (m, d), the nearest one, or -1 where it is farther than the threshold."""
    if not len(clusters.centroids):
        return np.full(len(vectors), -1, dtype=np.int32)
    codes, cosines = nearest(vectors, clusters.centroids)
    return np.where(cosines >= clusters.threshold, codes, np.int32(-1))
