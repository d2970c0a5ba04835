"""Who belongs to a cluster: nearest centroids, and the cosine below which a text is near to none."""

import numpy as np
from scipy import sparse

from kaizen_worker.pipeline.cluster.views import unit
from kaizen_worker.types import Clusters, Codes, Floats, Vectors

BLOCK = 4096
"""Rows worked on at a time; bounds memory."""

MOST_NOISE = 0.1
"""Largest share of texts that may be noise."""

LEAST_SPREAD = 0.1
"""Between the quartiles of cosines; a few paraphrases alone would show less than there is."""


def centroids(rows: Vectors, labels: Codes) -> Vectors:
    """Give the direction of each cluster's mean, (k, d) unit rows; every label but -1 must occur."""
    sums = np.zeros((int(labels.max(initial=-1)) + 1, rows.shape[1]))
    for start in range(0, len(rows), BLOCK):
        own = labels[start : start + BLOCK]
        member = np.flatnonzero(own >= 0)
        shape = (len(sums), len(own))
        sums += sparse.csr_matrix((np.ones(len(member)), (own[member], member)), shape) @ rows[start : start + BLOCK]
    return unit(sums)


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


def fence(cosines: Floats) -> float:
    """Give the cosine below which a member is an outlier among all members' cosines (u,) to their own centroids.

    Tukey's lower fence, q1 - 1.5 (q3 - q1), so that there is noise only where some stand apart; lowered where it would
    make more than a tenth noise, and where the members are so alike that hardly any new text could join them.
    """
    low, high = np.quantile(cosines, [0.25, 0.75])
    most = np.quantile(cosines, MOST_NOISE, method="lower")
    return float(min(low - 1.5 * max(high - low, LEAST_SPREAD), most))
