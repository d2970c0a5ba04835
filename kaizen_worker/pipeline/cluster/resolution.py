"""How fine to cut: the resolution whose clusters are found again in other texts of the same tenant."""

from collections.abc import Iterator

import numpy as np
from scipy import sparse
from sklearn.metrics import adjusted_rand_score

from kaizen_worker.pipeline.assignment import nearest
from kaizen_worker.pipeline.cluster.members import centroids
from kaizen_worker.pipeline.cluster.neighbours import communities, graph
from kaizen_worker.types import Codes, Floats, Vectors

NEIGHBOURS = 16
"""Neighbours of a text among all; among half of the texts it has half as many, so a resolution means the same."""

RESOLUTIONS = tuple(0.25 * 2 ** (step / 2) for step in range(13))
"""From 0.25 to 16, by factors of the square root of two."""

SPLITS = 10
SMOOTHING = np.array([1, 4, 6, 4, 1]) / 16
PRIOR = 0.02
"""Agreement that one doubling away from the usual number of topics costs."""


def choose(rows: Vectors, *, seed: int) -> float:
    """Give the resolution at which two halves of the unit rows (u, d) agree best on how to cut either of them.

    Each half is clustered alone; its labels are compared (adjusted Rand index) with those that the other half's
    centroids give it (Lange et al. 2004, stability-based validation), over some random halvings, and smoothed over
    neighbouring resolutions. Where many agree alike, the number of clusters that is nearest to sqrt(u / 2), the rule of
    thumb of Mardia et al. 1979, decides.
    """
    scores = np.mean([_agreement(halves) for halves in _halvings(rows, seed)], axis=0)
    smooth = np.convolve(np.pad(scores[:, 0], len(SMOOTHING) // 2, mode="edge"), SMOOTHING, mode="valid")
    doublings = np.log2(scores[:, 1] / np.sqrt(len(rows) / 2))
    return RESOLUTIONS[int((smooth - PRIOR * doublings**2).argmax())]


def _halvings(rows: Vectors, seed: int) -> Iterator[tuple[Vectors, Vectors]]:
    random = np.random.default_rng(seed)
    half = len(rows) // 2
    for _ in range(SPLITS):
        order = random.permutation(len(rows))
        yield rows[order[:half]], rows[order[half:]]


def _agreement(halves: tuple[Vectors, Vectors]) -> Floats:
    """Give (resolutions, 2): the agreement of two halves, and the number of clusters."""
    links = [graph(half, neighbours=NEIGHBOURS // 2) for half in halves]
    return np.array([_at(resolution, halves, links) for resolution in RESOLUTIONS])


def _at(resolution: float, halves: tuple[Vectors, Vectors], links: list[sparse.csr_matrix]) -> tuple[float, float]:
    labels = [communities(each, resolution=resolution) for each in links]
    means = [centroids(half, own) for half, own in zip(halves, labels, strict=True)]
    agreement = [
        adjusted_rand_score(own, _codes(half, other))
        for half, own, other in zip(halves, labels, reversed(means), strict=True)
    ]
    return float(np.mean(agreement)), float(np.mean([len(each) for each in means]))


def _codes(rows: Vectors, means: Vectors) -> Codes:
    return nearest(rows, means)[0]
