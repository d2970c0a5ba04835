"""Which topic a text belongs to: the nearest centroid, unless the text is too far from all of them.

What a text gets does not depend on the texts beside it, to the bit: so shards of any size give what the whole gives.
Products of matrices cannot promise that (on some processors the last rows of a block are summed in another order), so
they only say which centroids may be the nearest; these are then compared one text at a time.
Needs numpy alone unless handed another backend, so that whoever only looks topics up loads nothing of what finds them.
"""

import numpy as np

from kaizen_worker.pipeline.backend import NUMPY, Backend
from kaizen_worker.types import Clusters, Codes, Floats, Rows, Vectors

BLOCK = 256
"""Rows compared at a time."""

_ROUNDING = 2.0**-24  # of float32; each of d products and sums of a cosine may be wrong by as much (Higham 2002, 3.1)


def nearest(rows: Rows, means: Vectors, *, backend: Backend = NUMPY) -> tuple[Codes, Floats]:
    """Give the nearest of k >= 1 centroids of each row (u, d), the first of equal ones, and the cosine to it.

    The centroids stay on the backend's device, the rows pass by in blocks.
    """
    codes = np.empty(len(rows), dtype=np.int32)
    cosines = np.empty(len(rows))
    held, space = backend.put(means), backend.space
    margin = 4 * rows.shape[1] * _ROUNDING
    for start in range(0, len(rows), BLOCK):
        span = slice(start, min(start + BLOCK, len(rows)))
        block = np.ascontiguousarray(rows[span], dtype=np.float32)
        rough = backend.put(block) @ held.T
        near = rough >= space.max(rough, axis=1, keepdims=True) - margin
        codes[span] = backend.get(space.argmax(rough, axis=1))
        cosines[span] = np.einsum("ij,ij->i", block, means[codes[span]])
        for row in np.flatnonzero(backend.get(space.count_nonzero(near, axis=1)) > 1):
            those = np.flatnonzero(backend.get(near[int(row), :]))
            exact = np.einsum("ij,ij->i", np.repeat(block[row : row + 1], len(those), axis=0), means[those])
            codes[start + row], cosines[start + row] = those[exact.argmax()], exact.max()
    return codes, cosines


def assign(vectors: Rows, clusters: Clusters, *, backend: Backend = NUMPY) -> Codes:
    """Give the cluster of each vector (m, d), the nearest one, or -1 where it is farther than the threshold."""
    if not len(clusters.centroids):
        return np.full(len(vectors), -1, dtype=np.int32)
    codes, cosines = nearest(vectors, clusters.centroids, backend=backend)
    return np.where(cosines >= clusters.threshold, codes, np.int32(-1))
