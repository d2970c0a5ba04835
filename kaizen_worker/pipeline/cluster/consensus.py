"""What many runs of Louvain agree on, so that one text more moves few others.

One run goes by the order of its nodes, and another order, or one link more, gives other communities as good as the
first: what two such runs have in common is what the texts say. Clusterings are put together by how many of them have
two linked nodes in one community (consensus clustering, Lancichinetti and Fortunato 2012).
"""

import numpy as np
from scipy import sparse

from kaizen_worker.pipeline.cluster.neighbours import communities
from kaizen_worker.pipeline.cluster.sample import Hashes, reshuffled
from kaizen_worker.types import Codes

RUNS = 16
ROUNDS = 2
"""Of `RUNS` each; a third changes hardly a label."""


def agreed(links: sparse.csr_matrix, drawn: Hashes, *, resolution: float) -> Codes:
    """Give the community of each node (u,) that runs in `RUNS` orders agree on, drawn by the nodes' hashes (u,)."""
    for stage in range(ROUNDS):
        runs = [_in_order(links, reshuffled(drawn, stage * RUNS + run), resolution) for run in range(RUNS)]
        pairs = links.tocoo()
        together = np.mean([labels[pairs.row] == labels[pairs.col] for labels in runs], axis=0)
        links = sparse.csr_matrix((pairs.data * together, (pairs.row, pairs.col)), shape=links.shape)
        links.eliminate_zeros()
    return _in_order(links, drawn, resolution)


def _in_order(links: sparse.csr_matrix, key: Hashes, resolution: float) -> Codes:
    """Communities by Louvain in the order of a key (u,)."""
    order = np.argsort(key, kind="stable")
    labels = np.empty(len(order), dtype=np.int32)
    labels[order] = communities(links[order][:, order], resolution=resolution)
    return labels
