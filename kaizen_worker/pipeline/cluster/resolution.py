"""How fine to cut: the resolution whose clusters are found again in other texts of the same tenant."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics import adjusted_rand_score

from kaizen_worker.pipeline.assignment import nearest
from kaizen_worker.pipeline.backend import NUMPY, Backend
from kaizen_worker.pipeline.cluster.members import centroids
from kaizen_worker.pipeline.cluster.neighbours import Neighbours, communities, graph
from kaizen_worker.pipeline.cluster.sample import Hashes, halves
from kaizen_worker.types import Floats, Vectors

NEIGHBOURS = 16
"""Neighbours of a text among all; among half of the texts it has half as many, so a resolution means the same."""

READ = 2 * NEIGHBOURS
"""Neighbours that are looked up: so many that half of them, in either half, are enough."""

RESOLUTIONS = tuple(0.25 * 2 ** (step / 2) for step in range(13))
"""From 0.25 to 16, by factors of the square root of two."""

SPLITS = 10
SMOOTHING = np.array([1, 4, 6, 4, 1]) / 16
PRIOR = 0.02
"""Agreement that one doubling away from the usual number of topics costs."""

ALIKE = 0.02
"""Agreements that differ by less are alike; so much, halvings drawn anew change them."""


def choose(rows: Vectors, near: Neighbours, drawn: Hashes, *, backend: Backend = NUMPY) -> float:
    """Give the resolution at which two halves of the unit rows (u, d) agree best on how to cut either of them.

    Each half is clustered alone; its labels are compared (adjusted Rand index) with those that the other half's
    centroids give it (Lange et al. 2004, stability-based validation), over some halvings, and smoothed over
    neighbouring resolutions. What is far from sqrt(u / 2) clusters, the rule of thumb of Mardia et al. 1979, has to
    agree better. Of those that agree alike the finest is taken: the level above puts together what it parts.
    """
    scores = np.mean([_agreement(rows, near, halves(drawn, split), backend) for split in range(SPLITS)], axis=0)
    smooth = np.convolve(np.pad(scores[:, 0], len(SMOOTHING) // 2, mode="edge"), SMOOTHING, mode="valid")
    doublings = np.log2(scores[:, 1] / np.sqrt(len(rows) / 2))
    worth = smooth - PRIOR * doublings**2
    return RESOLUTIONS[int(np.flatnonzero(worth >= worth.max() - ALIKE)[-1])]


def _agreement(rows: Vectors, near: Neighbours, first: NDArray[np.bool_], backend: Backend) -> Floats:
    """Give (resolutions, 2): the agreement of two halves, and the number of clusters."""
    parts = rows[first], rows[~first]
    links = [graph(near, neighbours=NEIGHBOURS // 2, among=part) for part in (first, ~first)]
    return np.array([_at(resolution, parts, links, backend) for resolution in RESOLUTIONS])


def _at(
    resolution: float, parts: tuple[Vectors, Vectors], links: list[sparse.csr_matrix], backend: Backend
) -> tuple[float, float]:
    labels = [communities(each, resolution=resolution) for each in links]
    means = [centroids(part, own) for part, own in zip(parts, labels, strict=True)]
    agreement = [
        adjusted_rand_score(own, nearest(part, other, backend=backend)[0])
        for part, own, other in zip(parts, labels, reversed(means), strict=True)
    ]
    return float(np.mean(agreement)), float(np.mean([len(each) for each in means]))
