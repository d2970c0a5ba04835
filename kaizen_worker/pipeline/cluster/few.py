"""Few texts: too few for a graph of neighbours, so the tree of them is cut where the groups stand out most."""

import numpy as np
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import silhouette_score

from kaizen_worker.types import Codes, Vectors

STANDS_OUT = 0.1
"""Mean silhouette below which the texts are one group."""


def separate(rows: Vectors) -> Codes:
    """Give the group of each of the unit rows (u, d): average linkage by cosine, cut at the best silhouette."""
    best, labels = STANDS_OUT, np.zeros(len(rows), dtype=np.int32)
    for groups in range(2, len(rows)):
        cut = AgglomerativeClustering(groups, metric="cosine", linkage="average").fit_predict(rows)
        score = silhouette_score(rows, cut, metric="cosine")
        if score > best:
            best, labels = score, np.asarray(cut, dtype=np.int32)
    return labels
