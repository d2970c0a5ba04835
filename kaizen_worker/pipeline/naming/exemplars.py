"""Exemplars: real queries that show what a topic is about, the most typical first, then its breadth."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kaizen_worker.types import Codes, Rows, Vectors

EXEMPLARS = 5
NEAR_DUPLICATE = 0.95
"""Cosine from which two queries count as the same."""

BLOCK = 4096
"""Vectors copied at a time."""


def exemplars(vectors: Rows, texts: Sequence[str], *, labels: Codes, centroids: Vectors) -> tuple[tuple[str, ...], ...]:
    """Give up to 5 real queries of each topic, the most typical first, then such as show its breadth.

    Args:
        vectors: (u, d) unit rows, one a text.
        texts: u distinct queries.
        labels: (u,) topic of each text, -1 for noise.
        centroids: (k, d) unit rows.

    Returns:
        k tuples. The first is the medoid, nearest to the centroid; each next one, of the more typical half, is near
        to the centroid and far from those chosen (maximal marginal relevance, Carbonell and Goldstein 1998), never a
        near-duplicate of one.
    """
    order = np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[order], np.arange(len(centroids) + 1))
    return tuple(
        tuple(texts[i] for i in _spread_out(vectors, order[start:stop], centroid))
        for start, stop, centroid in zip(bounds[:-1], bounds[1:], centroids, strict=True)
    )


def _spread_out(vectors: Rows, members: NDArray[np.int64], centroid: Vectors) -> list[int]:
    """Choose among the members (m,) of a topic with that centroid (d,)."""
    rows = np.empty((len(members), vectors.shape[1]), np.float32)
    for start in range(0, len(members), BLOCK):
        rows[start : start + BLOCK] = vectors[members[start : start + BLOCK]]
    typical = rows @ centroid
    nearest = np.where(typical >= np.median(typical), 0.0, 1.0) if len(members) else typical  # cosine to a chosen one
    chosen: list[int] = []
    while len(chosen) < EXEMPLARS and (nearest < NEAR_DUPLICATE).any():
        chosen.append(int(np.where(nearest < NEAR_DUPLICATE, typical - nearest, -np.inf).argmax()))
        nearest = np.maximum(nearest, rows @ rows[chosen[-1]])
    return [int(members[place]) for place in chosen]
