"""What clustering compares: the embedder's view of a text beside the words of the tenant's own language.

A transformer knows meaning in general, the tenant's word statistics know which words tell its topics apart; together
they are better than either.
"""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from kaizen_worker.types import Floats, Vectors

WORD = r"\b\w+\b"
DIMENSIONS = 128
"""Of each view: what is beyond them tells more about single texts than about topics."""

SPARE = 8
"""Dimensions more that are looked for, so that the last ones are found too."""

ITERATIONS = 5

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
    TF-IDF of words and pairs of words, reduced by a truncated SVD (latent semantic analysis, Deerwester et al. 1990).
    """
    centred = unit(vectors - vectors.mean(axis=0, dtype=np.float64))
    return unit(np.hstack([_principal(centred), LEXICAL * _reduced(*_words(texts), seed)]))


def _words(texts: Sequence[str]) -> tuple[sparse.csr_matrix, Sequence[str]]:
    """Weights (u, v) of v words, and these."""
    counts = TfidfVectorizer(sublinear_tf=True, min_df=2, ngram_range=(1, 2), token_pattern=WORD)
    try:
        return counts.fit_transform(texts), counts.get_feature_names_out().tolist()
    except ValueError:  # no word occurs twice
        return sparse.csr_matrix((len(texts), 1)), [""]


def _principal(rows: Vectors) -> Vectors:
    """Rows (u, d) on the directions that hold most of them."""
    if rows.shape[1] <= DIMENSIONS:
        return rows
    _, directions = np.linalg.eigh(rows.T.astype(np.float64) @ rows)
    return unit(rows @ directions[:, -DIMENSIONS:])


def _reduced(matrix: sparse.csr_matrix, terms: Sequence[str], seed: int) -> Vectors:
    """Rows (u, v) on most of what holds them: subspace iteration (Halko et al. 2011, algorithm 4.4).

    It begins with signs drawn by a hash of each word. Drawn by the number of words, as libraries do, all of them would
    be others for one word more, and it ends long before where it began is forgotten: of a log of 1,000 questions, one
    more then moved every tenth.
    """
    if matrix.shape[1] <= DIMENSIONS:
        return unit(matrix.toarray())
    found = matrix @ _signs(terms, seed)
    for _ in range(ITERATIONS):
        found = matrix @ (matrix.T @ np.linalg.qr(found)[0])
    basis = np.linalg.qr(found)[0]
    across = matrix.T @ basis  # (v, DIMENSIONS + SPARE)
    values, directions = np.linalg.eigh(across.T @ across)
    return unit(basis @ (directions[:, -DIMENSIONS:] * np.sqrt(np.maximum(values[-DIMENSIONS:], 0.0))))


def _signs(terms: Sequence[str], seed: int) -> Floats:
    """Give (v, DIMENSIONS + SPARE) of 1 and -1, a row by its word alone."""
    key, size = seed.to_bytes(8, "big", signed=True), (DIMENSIONS + SPARE) // 8
    drawn = b"".join(blake2b(term.encode(), digest_size=size, key=key).digest() for term in terms)
    bits = np.unpackbits(np.frombuffer(drawn, np.uint8)).reshape(len(terms), DIMENSIONS + SPARE)
    return np.asarray(bits * 2.0 - 1.0, dtype=np.float64)
