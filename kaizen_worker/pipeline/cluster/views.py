"""What clustering compares: the embedder's view of a text beside the words of the tenant's own language.

A transformer knows meaning in general, the tenant's word statistics know which words tell its topics apart; together
they are better than either.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from kaizen_worker.types import Vectors

WORD = r"\b\w+\b"
DIMENSIONS = 128
"""Of each view: what is beyond them tells more about single texts than about topics."""

LEXICAL = 0.5
"""Length of the lexical view beside the embedder's, which has 1."""


def unit(rows: NDArray[np.floating]) -> Vectors:
    """Bring each row (u, d) to unit length, float32; a row of zeros stays."""
    wide = rows.astype(np.float64)
    lengths = np.sqrt((wide * wide).sum(axis=1, keepdims=True))
    return np.asarray(np.divide(wide, lengths, out=wide, where=lengths > 0), dtype=np.float32)


def combine(vectors: Vectors, texts: Sequence[str], *, seed: int) -> Vectors:
    """Put both views side by side: (u, at most 256) unit rows.

    The embedder's vectors are centred, for what all texts of a tenant have in common tells none apart. The words are
    TF-IDF of words and pairs of words, reduced by truncated SVD (latent semantic analysis, Deerwester et al. 1990).
    """
    centred = unit(vectors - vectors.mean(axis=0, dtype=np.float64))
    return unit(np.hstack([_principal(centred), LEXICAL * _reduced(_words(texts), seed)]))


def _words(texts: Sequence[str]) -> sparse.csr_matrix:
    counts = TfidfVectorizer(sublinear_tf=True, min_df=2, ngram_range=(1, 2), token_pattern=WORD)
    try:
        return counts.fit_transform(texts)
    except ValueError:  # no word occurs twice
        return sparse.csr_matrix((len(texts), 1))


def _principal(rows: Vectors) -> Vectors:
    """Rows (u, d) on the directions that hold most of them."""
    if rows.shape[1] <= DIMENSIONS:
        return rows
    _, directions = np.linalg.eigh(rows.T.astype(np.float64) @ rows)
    return unit(rows @ directions[:, -DIMENSIONS:])


def _reduced(matrix: sparse.csr_matrix, seed: int) -> Vectors:
    if matrix.shape[1] <= DIMENSIONS:
        return unit(matrix.toarray())
    return unit(TruncatedSVD(DIMENSIONS, random_state=seed).fit_transform(matrix))
