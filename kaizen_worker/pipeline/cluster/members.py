"""The middle of a cluster, and the cosine below which a text is near to none."""

import numpy as np
from scipy import sparse

from kaizen_worker.pipeline.cluster.views import unit
from kaizen_worker.types import Codes, Floats, Rows, Vectors

BLOCK = 4096
"""Rows summed at a time; bounds memory."""

SMALLEST = 3
"""Interactions below which a cluster is dissolved into the others."""

MOST_NOISE = 0.1
"""Largest share of texts that may be noise."""

LEAST_SPREAD = 0.1
"""Between the quartiles of cosines; a few paraphrases alone would show less than there is."""


def centroids(rows: Rows, labels: Codes) -> Vectors:
    """Give the direction of each cluster's mean, (k, d) unit rows; every label but -1 must occur.

    Sums of float16 rows are exact in float64, up to 2^29 of them: their order means nothing.
    """
    sums = np.zeros((int(labels.max(initial=-1)) + 1, rows.shape[1]))
    for start in range(0, len(rows), BLOCK):
        own = labels[start : start + BLOCK]
        member = np.flatnonzero(own >= 0)
        member_of = sparse.csr_matrix((np.ones(len(member)), (own[member], member)), (len(sums), len(own)))
        sums += member_of @ rows[start : start + BLOCK].astype(np.float64)
    return unit(sums)


def fence(cosines: Floats) -> float:
    """Give the cosine below which a member is an outlier among all members' cosines (u,) to their own centroids.

    Tukey's lower fence, q1 - 1.5 (q3 - q1), so that there is noise only where some stand apart; lowered where it would
    make more than a tenth noise, and where the members are so alike that hardly any new text could join them.
    """
    low, high = np.quantile(cosines, [0.25, 0.75])
    most = np.quantile(cosines, MOST_NOISE, method="lower")
    return float(min(low - 1.5 * max(high - low, LEAST_SPREAD), most))
