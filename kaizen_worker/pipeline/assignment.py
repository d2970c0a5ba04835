"""Which topic a text belongs to: the nearest centroid, unless the text is too far from all of them.

Needs numpy alone, so that whoever only looks topics up loads nothing of what finds them.
"""

import numpy as np

from kaizen_worker.types import Clusters, Codes, Floats, Vectors

BLOCK = 4096
"""Rows worked on at a time; bounds memory."""


def nearest(rows: Vectors, means: Vectors) -> tuple[Codes, Floats]:
    """Give the nearest of k >= 1 centroids of each row (u, d), and the cosine to it."""
    codes = np.empty(len(rows), dtype=np.int32)
    cosines = np.empty(len(rows))
    for start in range(0, len(rows), BLOCK):
        cosine = rows[start : start + BLOCK] @ means.T
        codes[start : start + BLOCK] = cosine.argmax(axis=1)
        cosines[start : start + BLOCK] = cosine.max(axis=1)
    return codes, cosines


def assign(vectors: Vectors, clusters: Clusters) -> Codes:
    """Give the cluster of each vector (m, d), the nearest one, or -1 where it is farther than the threshold."""
    if not len(clusters.centroids):
        return np.full(len(vectors), -1, dtype=np.int32)
    codes, cosines = nearest(vectors, clusters.centroids)
    return np.where(cosines >= clusters.threshold, codes, np.int32(-1))
