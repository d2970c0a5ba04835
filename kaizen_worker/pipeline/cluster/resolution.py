"""How fine to cut: the resolution whose clusters are found again in other texts of the same tenant."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from kaizen_worker.pipeline.assignment import nearest
from kaizen_worker.pipeline.cluster.members import centroids
from kaizen_worker.pipeline.cluster.neighbours import Neighbours, communities, graph
from kaizen_worker.pipeline.cluster.sample import Hashes, halves
from kaizen_worker.types import Codes, Floats, Vectors

NEIGHBOURS = 16
"""Neighbours of a text among all; among half of the texts it has half as many, so a resolution means the same."""

READ = 2 * NEIGHBOURS
"""Neighbours that are looked up: so many that half of them, in either half, are enough."""

RESOLUTIONS = tuple(0.25 * 2 ** (step / 2) for step in range(13))
"""From 0.25 to 16, by factors of the square root of two."""

SPLITS = 4
SMOOTHING = np.array([1, 8, 28, 56, 70, 56, 28, 8, 1]) / 256
"""Wide, for one text more moves single agreements by more than what resolutions a step apart differ by."""

PRIOR = 0.02
"""Agreement that one doubling away from the usual number of topics costs."""

ALIKE = 0.02
"""Agreements that differ by less are alike; so much, halvings drawn anew change them."""


def choose(rows: Vectors, near: Neighbours, drawn: Hashes) -> float:
    """Give the resolution at which two halves of the unit rows (u, d) agree best on how to cut either of them.

    Each half is clustered alone; its labels are compared (adjusted Rand index) with those that the other half's
    centroids give it (Lange et al. 2004, stability-based validation), over some halvings, and smoothed over
    neighbouring resolutions. What is far from sqrt(u / 2) clusters, the rule of thumb of Mardia et al. 1979, has to
    agree better. Of those that agree alike the finest is taken: the level above puts together what it parts.
    """
    scores = np.mean([_agreement(rows, near, halves(drawn, split)) for split in range(SPLITS)], axis=0)
    smooth = np.convolve(np.pad(scores[:, 0], len(SMOOTHING) // 2, mode="edge"), SMOOTHING, mode="valid")
    doublings = np.log2(scores[:, 1] / np.sqrt(len(rows) / 2))
    worth = smooth - PRIOR * doublings**2
    return RESOLUTIONS[int(np.flatnonzero(worth >= worth.max() - ALIKE)[-1])]


def _agreement(rows: Vectors, near: Neighbours, first: NDArray[np.bool_]) -> Floats:
    """Give (resolutions, 2): the agreement of two halves, and the number of clusters."""
    parts = rows[first], rows[~first]
    links = [graph(near, neighbours=NEIGHBOURS // 2, among=part) for part in (first, ~first)]
    return np.array([_at(resolution, parts, links) for resolution in RESOLUTIONS])


def _at(resolution: float, parts: tuple[Vectors, Vectors], links: list[sparse.csr_matrix]) -> tuple[float, float]:
    labels = [communities(each, resolution=resolution) for each in links]
    means = [centroids(part, own) for part, own in zip(parts, labels, strict=True)]
    agreement = [
        _rand(own, nearest(part, other)[0]) for part, own, other in zip(parts, labels, reversed(means), strict=True)
    ]
    return float(np.mean(agreement)), float(np.mean([len(each) for each in means]))


def _rand(one: Codes, other: Codes) -> float:
    """Adjusted Rand index (Hubert and Arabie 1985) of two partitions (n,); scikit-learn's costs a Louvain more."""
    width = int(other.max()) + 1
    table = np.bincount(one.astype(np.int64) * width + other, minlength=(int(one.max()) + 1) * width).reshape(-1, width)
    together, first, second, pairs = (
        float((size * (size - 1)).sum()) for size in (table, table.sum(axis=1), table.sum(axis=0), np.array(len(one)))
    )
    chance = first * second / pairs
    return (together - chance) / ((first + second) / 2 - chance) if first + second > 2 * chance else 1.0
