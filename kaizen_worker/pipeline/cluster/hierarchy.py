"""The level above: clusters of clusters."""

import numpy as np
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import silhouette_score

from kaizen_worker.types import Codes, Vectors

FEWEST = 6
"""Clusters below which there is no level above."""


def groups(centroids: Vectors) -> Codes:
    """Give the group (k,) of each centroid, -1 if there are too few: a Ward tree, cut at the best silhouette.

    There are at least two groups, and at most a third as many as clusters.
    """
    best, chosen = -1.0, np.full(len(centroids), -1, dtype=np.int32)
    if len(centroids) < FEWEST:
        return chosen
    for count in range(2, len(centroids) // 3 + 1):
        cut = AgglomerativeClustering(count).fit_predict(centroids)
        score = silhouette_score(centroids, cut)
        if score > best:
            best, chosen = score, np.asarray(cut, dtype=np.int32)
    return chosen
