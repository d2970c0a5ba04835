"""The companion of a dear embedder: its vectors, foreseen from what is cheap, many times as fast.

Fitted to some texts of a tenant that the dear embedder has embedded, it maps what is known of any text for nothing, its
static vector and its words, into the dear one's space. What is foreseen depends on the text and the fit alone, to the
bit, whatever texts come beside it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from math import log1p
from zlib import crc32

import numpy as np
from scipy import linalg, sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from kaizen_worker.pipeline.words import words
from kaizen_worker.types import Halves, Vectors

BUCKETS = 1 << 13
"""Places that words and pairs of words are hashed to."""

SMOOTH = 0.3
"""Of the ridge: the squared error that a unit of the map's squared length is worth."""

BLOCK = 256
"""Texts mapped at a time, always as many: libraries sum in another order where a matrix has another shape."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A linear map from s static dimensions and `BUCKETS` words to d dimensions."""

    centre: Vectors  # (s,) mean static vector
    idf: Vectors  # (BUCKETS,) weight of each bucket, 0 where no word was seen
    map: Vectors  # (s + BUCKETS, d), through float16, as it is stored
    mean: Vectors  # (d,) mean of the dear vectors

    @property
    def name(self) -> str:
        """Ten digits of its content: two fits of one name are the same."""
        parts = (self.centre, self.idf, self.map, self.mean)
        return blake2b(b"".join(part.tobytes() for part in parts), digest_size=5).hexdigest()


def fit(texts: Sequence[str], static: Vectors, dear: Halves) -> Fit:
    """Learn to foresee the dear vectors (n, d) of n texts from their static vectors (n, s) and their words.

    Ridge regression in its dual form (Saunders et al. 1998), for there are more words than texts. Words weigh by TF-IDF
    and are hashed (Weinberger et al. 2009).
    """
    counts = _counts(texts)
    seen = np.bincount(counts.indices, minlength=BUCKETS)
    idf = np.where(seen > 0, np.log((1 + len(texts)) / (1 + seen)), 0.0).astype(np.float32)
    lexical = _weighed(counts, idf)
    centre, mean = static.mean(axis=0, dtype=np.float64), dear.mean(axis=0, dtype=np.float64)
    shifted = static - centre
    with threadpool_limits(limits=1):  # sums in another order would be other sums
        kernel = shifted @ shifted.T + (lexical @ lexical.T).toarray()
        kernel[np.diag_indices_from(kernel)] += SMOOTH
        dual = linalg.solve(kernel, dear - mean, assume_a="pos")
        learned = np.vstack([shifted.T @ dual, lexical.T @ dual])
    rounded = learned.astype(np.float16).astype(np.float32)
    return Fit(centre.astype(np.float32), idf, rounded, mean.astype(np.float32))


def foresee(fit: Fit, texts: Sequence[str], static: Vectors) -> Vectors:
    """Give the foreseen vectors (n, d) of n texts with their static vectors (n, s); of no certain length."""
    lexical = _weighed(_counts(texts), fit.idf)
    width = len(fit.centre)
    from_static, from_words = fit.map[:width], fit.map[width:]
    rows = np.empty((len(texts), fit.map.shape[1]), np.float32)
    block = np.zeros((BLOCK, width), np.float32)
    with threadpool_limits(limits=1):
        for start in range(0, len(texts), BLOCK):
            span = slice(start, min(start + BLOCK, len(texts)))
            block[: span.stop - start] = static[span] - fit.centre
            rows[span] = (block @ from_static)[: span.stop - start] + lexical[span] @ from_words + fit.mean
    return rows


def _counts(texts: Sequence[str]) -> sparse.csr_matrix:
    """Give (n, BUCKETS): logarithmic counts of words and of pairs of neighbouring words."""
    starts, columns, values = [0], list[int](), list[float]()
    for text in texts:
        own = words(text)
        terms = [*own, *map(" ".join, pairwise(own))]
        counts = sorted(Counter(crc32(term.encode()) % BUCKETS for term in terms).items())
        columns.extend(column for column, _ in counts)
        values.extend(log1p(count) for _, count in counts)
        starts.append(len(columns))
    return sparse.csr_matrix((np.array(values, np.float32), columns, starts), shape=(len(texts), BUCKETS))


def _weighed(counts: sparse.csr_matrix, idf: Vectors) -> sparse.csr_matrix:
    """Bring rows to unit length after weighing; one of words that were never seen is zeros."""
    rows = sparse.csr_matrix(counts @ sparse.diags(idf))
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    rows.data /= np.repeat(np.where(lengths > 0, lengths, 1.0), np.diff(rows.indptr)).astype(np.float32)
    return rows
