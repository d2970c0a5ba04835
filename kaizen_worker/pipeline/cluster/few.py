"""Few texts: too few for a graph of neighbours, so the tree of them is cut where the groups stand out most."""

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import silhouette_score

from kaizen_worker.pipeline.cluster.resolution import PRIOR
from kaizen_worker.types import Codes, Vectors

STANDS_OUT = 0.1
"""Mean silhouette below which the texts are one group."""

MOST = 6.0
"""Groups that are tried, as a multiple of the usual number."""


def separate(rows: Vectors) -> Codes:
    """Give the group of each of the unit rows (u, d): average linkage by cosine, cut at the best silhouette.

    Where many cuts are as good, the number of groups that is nearest to sqrt(u / 2) decides, as among many texts.
    Groups have two members on average at least; u log u work, and u^2 for each of up to `MOST` sqrt(u / 2) cuts.
    """
    usual = np.sqrt(len(rows) / 2)
    best, labels = -np.inf, np.zeros(len(rows), dtype=np.int32)
    if len(rows) < 3:  # noqa: PLR2004 - two texts make no two groups
        return labels
    apart = np.clip(1.0 - rows.astype(np.float64) @ rows.T.astype(np.float64), 0.0, None)
    apart = (apart + apart.T) / 2
    np.fill_diagonal(apart, 0.0)
    tree = linkage(squareform(apart), method="average")
    for groups in range(2, min(len(rows) // 2, round(MOST * usual)) + 1):
        cut = fcluster(tree, groups, criterion="maxclust")
        found = len(set(cut))
        score = silhouette_score(apart, cut, metric="precomputed") if found > 1 else -1.0
        likely = score - PRIOR * np.log2(found / usual) ** 2
        if score > STANDS_OUT and likely > best:
            best, labels = likely, np.asarray(cut - 1, dtype=np.int32)
    return labels
