"""Which phrases of a topic mean what its queries mean: the same order for the same vectors, whatever their last bits.

Counts alone put the most frequent word first; with vectors, what a phrase says of the whole counts too (after
KeyBERT, Grootendorst 2020).
"""

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

import numpy as np

from kaizen_worker.types import Vectors

Embed = Callable[[Sequence[str]], Vectors]
"""Texts (n) to unit rows (n, d), a text's row the same whatever else is asked."""


def cosines(
    phrases: Sequence[Sequence[str]], read: Sequence[Sequence[tuple[str, float]]], embed: Embed
) -> list[Vectors]:
    """Cosines of each topic's phrases to the mean of its queries.

    Args:
        phrases: Phrases of each of k topics.
        read: Queries of each topic with their weights.
        embed: Gives their vectors, asked once for the phrases and once for the queries.

    Returns:
        k arrays, one cosine a phrase, rounded so that no last bit decides.
    """
    if not phrases:
        return []
    said = embed([phrase for own in phrases for phrase in own])
    asked = embed([text for own in read for text, _ in own])
    parts = zip(_parts(phrases), _parts(read), read, strict=True)
    return [_to_mean(said[own], asked[queries], [weight for _, weight in texts]) for own, queries, texts in parts]


def _to_mean(rows: Vectors, queries: Vectors, weights: Sequence[float]) -> Vectors:
    mean = np.asarray(weights, np.float32) @ queries
    return np.asarray((rows @ (mean / max(float(np.linalg.norm(mean)), 1e-9))).round(3))


def _parts(lists: Sequence[Sequence[object]]) -> list[slice]:
    ends = accumulate((len(each) for each in lists), initial=0)
    return [slice(start, end) for start, end in pairwise(ends)]
