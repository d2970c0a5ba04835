"""The graph of nearest neighbours, and its communities at a resolution."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sknetwork.clustering import Louvain

from kaizen_worker.pipeline.backend import NUMPY, Array, Backend
from kaizen_worker.types import Codes, Vectors

BLOCK = 1024
"""Rows compared with all others at a time; bounds memory to BLOCK * u floats."""

Neighbours = NDArray[np.int32]
"""(u, m) rows that are nearest to each row, the nearest first."""


def nearest_rows(rows: Vectors, count: int, *, backend: Backend = NUMPY) -> Neighbours:
    """Give the `count` nearest others of each of the unit rows (u, d) by cosine; all of them if there are fewer.

    Equally near ones in the order of rows. All rows are on the backend's device; what comes back are the nearest.
    """
    count = min(count, len(rows) - 1)
    held = backend.put(rows)
    found, cosines = _search(held, count + 1, backend)  # one more, for a row is among its own nearest
    cosines[found == np.arange(len(rows))[:, None]] = -np.inf
    order = np.lexsort((found, -cosines))[:, :count]
    return np.take_along_axis(found, order, axis=1)


def _search(held: Array, count: int, backend: Backend) -> tuple[Neighbours, NDArray[np.float32]]:
    """Give which rows are the nearest of each, itself among them unless others are as near, and their cosines."""
    if backend.knn is not None:
        apart, near = backend.knn(n_neighbors=count, algorithm="brute", metric="cosine").fit(held).kneighbors(held)
        return backend.get(near).astype(np.int32), (1.0 - backend.get(apart)).astype(np.float32)
    found = np.empty((held.shape[0], count), dtype=np.int32)
    cosines = np.empty(found.shape, dtype=np.float32)
    for start in range(0, len(found), BLOCK):
        span = slice(start, min(start + BLOCK, len(found)))
        cosine = held[span, :] @ held.T
        largest = backend.top(cosine, count)
        found[span] = backend.get(largest)
        cosines[span] = backend.get(backend.space.take_along_axis(cosine, largest, axis=1))
        del cosine  # before the next block's are made
    return found, cosines


def graph(near: Neighbours, *, neighbours: int, among: NDArray[np.bool_] | None = None) -> sparse.csr_matrix:
    """Link each row to its nearest.

    Args:
        near: (u, m) nearest rows of each.
        neighbours: How many of them are linked.
        among: (u,) the rows that count, v of them; default: all. A row with fewer neighbours among them has fewer.

    Returns:
        (v, v) symmetric; a link weighs what share of both neighbourhoods is common to them (Jaccard), each row being a
        neighbour of itself.
    """
    member = _membership(near, neighbours, np.ones(len(near), dtype=np.bool_) if among is None else among)
    common = (member @ member.T).multiply(member + member.T > 0).tocoo()
    size = np.asarray(member.sum(axis=1)).ravel()
    either = size[common.row] + size[common.col] - common.data
    return sparse.csr_matrix((common.data / either, (common.row, common.col)), shape=member.shape)


def communities(links: sparse.csr_matrix, *, resolution: float) -> Codes:
    """Give the community of each node (u,), by Louvain in the nodes' order; a higher resolution makes more of them.

    Louvain, for scikit-network's Leiden draws from the C library's generator, which cannot be seeded: the same process
    would give another answer the second time. On these graphs both reach the same modularity.
    """
    louvain = Louvain(resolution=resolution, sort_clusters=False, return_probs=False, return_aggregate=False)
    return np.asarray(louvain.fit_predict(links), dtype=np.int32)


def _membership(near: Neighbours, neighbours: int, among: NDArray[np.bool_]) -> sparse.csr_matrix:
    """Give (v, v) with a one where the column is among the row's neighbours, or is the row."""
    place = np.cumsum(among, dtype=np.int32) - 1
    kept = near[among]
    counts = among[kept]
    counts &= np.cumsum(counts, axis=1) <= neighbours
    starts = np.concatenate([[0], np.cumsum(counts.sum(axis=1))])
    size = len(kept)
    columns = place[kept[counts]]
    links = sparse.csr_matrix((np.ones(len(columns), dtype=np.float32), columns, starts), shape=(size, size))
    return links + sparse.eye(size, format="csr", dtype=np.float32)
