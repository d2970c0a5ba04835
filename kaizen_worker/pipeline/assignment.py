"""Which topic a text belongs to: the nearest centroid, unless the text is too far from all of them.

What a text gets does not depend on the texts beside it, to the bit: so shards of any size give what the whole gives.
Needs numpy alone unless handed another backend, so that whoever only looks topics up loads nothing of what finds them.
"""

import numpy as np

from kaizen_worker.pipeline.backend import NUMPY, Backend
from kaizen_worker.types import Clusters, Codes, Floats, Rows, Vectors

BLOCK = 256
"""Rows compared at a time, always as many: libraries sum in another order where a matrix has another shape."""


def nearest(rows: Rows, means: Vectors, *, backend: Backend = NUMPY) -> tuple[Codes, Floats]:
    """Give the nearest of k >= 1 centroids of each row (u, d), the first of equal ones, and the cosine to it.

    The centroids stay on the backend's device, the rows pass by in blocks.
    """
    codes = np.empty(len(rows), dtype=np.int32)
    cosines = np.empty(len(rows))
    block = np.zeros((BLOCK, rows.shape[1]), dtype=np.float32)
    held, space = backend.put(means), backend.space
    for start in range(0, len(rows), BLOCK):
        span = slice(start, min(start + BLOCK, len(rows)))
        count = span.stop - start
        block[:count] = rows[span]
        cosine = (backend.put(block) @ held.T)[:count, :]
        codes[span] = backend.get(space.argmax(cosine, axis=1))
        cosines[span] = backend.get(space.max(cosine, axis=1))
    return codes, cosines


def assign(vectors: Rows, clusters: Clusters, *, backend: Backend = NUMPY) -> Codes:
    """Give the cluster of each vector (m, d), the nearest one, or -1 where it is farther than the threshold."""
    if not len(clusters.centroids):
        return np.full(len(vectors), -1, dtype=np.int32)
    codes, cosines = nearest(vectors, clusters.centroids, backend=backend)
    return np.where(cosines >= clusters.threshold, codes, np.int32(-1))
