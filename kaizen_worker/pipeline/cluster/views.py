"""What clustering compares: the embedder's view of a text beside the words of the tenant's own language.

A transformer knows meaning in general, the tenant's word statistics know which words tell its topics apart; together
they are better than either.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from kaizen_worker.types import Vectors

WORD = r"\b\w+\b"
TOPICS = 128
"""Dimensions of the lexical view."""

LEXICAL = 0.5
"""Length of the lexical view beside the embedder's, which has 1."""


def unit(rows: NDArray[np.floating]) -> Vectors:
    """Bring each row (u, d) to unit length, float32; a row of zeros stays."""
    wide = rows.astype(np.float64)
    lengths = np.sqrt((wide * wide).sum(axis=1, keepdims=True))
    return np.asarray(np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0), dtype=np.float32)


def combine(vectors: Vectors, texts: Sequence[str], *, seed: int) -> Vectors:
    """Put both views side by side: (u, d + at most 128) unit rows.

    The embedder's vectors are centred, for what all texts of a tenant have in common tells none apart. The words are
    TF-IDF by truncated SVD (latent semantic analysis, Deerwester et al. 1990).
    """
    wide = vectors.astype(np.float64)
    return unit(np.hstack([unit(wide - wide.mean(axis=0)), LEXICAL * _lexical(texts, seed)]))


def _lexical(texts: Sequence[str], seed: int) -> Vectors:
    try:
        words = TfidfVectorizer(sublinear_tf=True, min_df=2, token_pattern=WORD).fit_transform(texts)
    except ValueError:  # no word occurs twice
        return np.zeros((len(texts), 0), dtype=np.float32)
    dimensions = min(TOPICS, words.shape[1] - 1)
    if dimensions < 1:
        return np.zeros((len(texts), 0), dtype=np.float32)
    return unit(TruncatedSVD(dimensions, random_state=seed).fit_transform(words))
