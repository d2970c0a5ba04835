"""The graph of nearest neighbours, and its communities at a resolution."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sknetwork.clustering import Louvain

from kaizen_worker.types import Codes, Vectors

BLOCK = 1024
"""Rows compared with all others at a time; bounds memory to BLOCK * u floats."""


def graph(rows: Vectors, *, neighbours: int) -> sparse.csr_matrix:
    """Link each of the unit rows (u, d) to its nearest by cosine.

    Returns:
        (u, u) symmetric; a link weighs what share of both neighbourhoods is common to them (Jaccard), each row being a
        neighbour of itself.
    """
    near = _membership(_nearest(rows, min(neighbours, len(rows) - 1)))
    common = (near @ near.T).multiply(near + near.T > 0).tocoo()
    size = np.asarray(near.sum(axis=1)).ravel()
    either = size[common.row] + size[common.col] - common.data
    return sparse.csr_matrix((common.data / either, (common.row, common.col)), shape=near.shape)


def communities(links: sparse.csr_matrix, *, resolution: float) -> Codes:
    """Give the community of each node (u,), by Louvain in the nodes' order; a higher resolution makes more of them.

    Louvain, for scikit-network's Leiden draws from the C library's generator, which cannot be seeded: the same process
    would give another answer the second time. On these graphs both reach the same modularity.
    """
    return np.asarray(Louvain(resolution=resolution).fit_predict(links), dtype=np.int32)


def _nearest(rows: Vectors, count: int) -> NDArray[np.int64]:
    nearest = np.empty((len(rows), count), dtype=np.int64)
    for start in range(0, len(rows), BLOCK):
        cosine = rows[start : start + BLOCK] @ rows.T
        cosine[np.arange(len(cosine)), np.arange(start, start + len(cosine))] = -np.inf  # not its own neighbour
        nearest[start : start + BLOCK] = np.argpartition(cosine, -count, axis=1)[:, -count:]
    return nearest


def _membership(nearest: NDArray[np.int64]) -> sparse.csr_matrix:
    """Give (u, u) with a one where the column is among the row's neighbours, or is the row."""
    size, count = nearest.shape
    starts = np.arange(0, size * count + 1, count)
    links = sparse.csr_matrix((np.ones(size * count, dtype=np.float32), nearest.ravel(), starts), shape=(size, size))
    return links + sparse.eye(size, format="csr", dtype=np.float32)
