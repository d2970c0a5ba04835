"""The active entries of one tenant in RAM, for words and for meaning; derived, and rebuilt at will.

A search looks at a `View`, one state that later changes don't touch, so any number of threads search while one changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kaizen_worker.knowledge.scan import LEAST, Scan
from kaizen_worker.store.lexical import Lexical, Reader, Terms
from kaizen_worker.types import Flags, Floats, Halves, Served, Vectors

EVEN = 0.5
"""Weight of the cosine in a score where nothing is known that speaks for the words."""

CANDIDATES = 100
"""Best entries by either measure, of which the best by both are taken."""

_DIGITS = 6
_MARGIN_RANKS = 3
_CHUNK = 256
_SUMMED = 1e-5  # how far sums of one product in another order may be apart, and more


@dataclass(frozen=True, slots=True)
class View:
    """One state of the index. Row i is entry `ids[i]`; `ids` may go on after the last row of `vectors`."""

    ids: Sequence[str]
    rows: Mapping[str, int]
    reader: Reader
    vectors: Vectors  # (n, d) float32, unit length, zeros where there is none yet
    alive: Flags  # (n,) False for rows of entries that went
    scan: Scan  # the same vectors, roughly
    weight: float  # of the cosine in a score, 0..1; the rest is that of BM25 / upper bound

    def search(
        self, query: str, vector: Vectors | None, *, limit: int, exclude: frozenset[str] = frozenset()
    ) -> list[tuple[str, float]]:
        """Ids of the best entries and their scores, 0..1, the best first, equal ones by id.

        Args:
            query: What is asked.
            vector: (d,) its vector; None: words alone decide.
            limit: Most entries.
            exclude: Ids that must not be found.
        """
        without = [row for row in map(self.rows.get, exclude) if row is not None]
        terms, count = self.reader.terms(query), max(CANDIDATES, limit)
        words = dict(self.reader.best(terms, limit=count, without=without))
        scores = words if vector is None else self._fused_all(terms, words, vector, count=count, without=without)
        found = ((self.ids[row], score) for row, score in scores.items())
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))[:limit]

    def _fused_all(
        self, terms: Terms, words: dict[int, float], vector: Vectors, *, count: int, without: list[int]
    ) -> dict[int, float]:
        """Score of each row that is among the best by words (known with its score) or by meaning."""
        near = [row for row in self._near(vector, count=count, without=without) if row not in words]
        words |= self.reader.scores(terms, near) | {row: 0.0 for row in near if not terms.stems}
        cosines = self._cosines_of(np.fromiter(words, np.int64, len(words)), vector)
        return {
            row: self._fused(word, float(cosine)) for (row, word), cosine in zip(words.items(), cosines, strict=True)
        }

    def _near(self, vector: Vectors, *, count: int, without: list[int]) -> list[int]:
        """Rows of the largest cosines above 0, the largest first; whichever way they are looked for, the same."""
        rough, error = self._rough(vector)
        rough = np.where(self.alive, rough, np.float32(-1))
        rough[without] = -1
        rows = np.flatnonzero(rough >= max(_largest(rough, count) - 2 * error, -error))
        rows = rows[self.alive[rows] & ~np.isin(rows, without)]
        cosines = self._cosines_of(rows, vector)
        best = np.lexsort((rows, -cosines))[:count]
        near: list[int] = rows[best[cosines[best] > 0]].tolist()
        return near

    def _rough(self, vector: Vectors) -> tuple[Vectors, float]:
        """The cosine of each row, and how far it may be from the true one."""
        if len(self.vectors) < LEAST:
            return self.vectors @ vector, _SUMMED
        return self.scan.products(vector, len(self.vectors))

    def _cosines_of(self, rows: NDArray[np.int64], vector: Vectors) -> Vectors:
        """Of some rows, each by itself: the same in whatever company."""
        found: Vectors = np.einsum("ij,j->i", self.vectors[rows], vector)
        return found

    def _fused(self, word: float, cosine: float) -> float:
        return round((1.0 - self.weight) * word + self.weight * min(max(cosine, 0.0), 1.0), _DIGITS)

    def served(self, texts: Sequence[str], vectors: Halves) -> Served:
        """How well the entries cover each of u texts with their vectors (u, d)."""
        measures = np.array([self._words(text) for text in texts], np.float64).reshape(len(texts), 3)
        bm25, idf, margin = measures.T
        return Served(bm25=bm25, idf=idf, cosine=self._cosines(vectors), margin=margin)

    def _words(self, text: str) -> tuple[float, float, float]:
        terms: Terms = self.reader.terms(text)
        best = [score for _, score in self.reader.best(terms, limit=_MARGIN_RANKS)]
        first, third = (best + [0.0] * _MARGIN_RANKS)[: _MARGIN_RANKS : _MARGIN_RANKS - 1]
        return first, self.reader.coverage(terms), first - third

    def _cosines(self, vectors: Halves) -> Floats:
        best = np.zeros(len(vectors), np.float64)
        alive = self.vectors[self.alive]
        for start in range(0, len(vectors) if len(alive) else 0, _CHUNK):
            best[start : start + _CHUNK] = (vectors[start : start + _CHUNK].astype(np.float32) @ alive.T).max(axis=1)
        return np.round(best, _DIGITS)


class Index:
    """What a `View` is taken of; one thread at a time changes it.

    Args:
        dimension: d of the vectors.
    """

    def __init__(self, dimension: int) -> None:
        self._ids: list[str] = []
        self._rows: dict[str, int] = {}
        self._vectors: Vectors = np.zeros((0, dimension), np.float32)
        self._scan = Scan(dimension)
        self._alive: Flags = np.zeros(0, np.bool_)
        self._lexical = Lexical()

    def __contains__(self, entry_id: str) -> bool:
        return entry_id in self._rows

    @property
    def dead(self) -> float:
        """Share of rows whose entries went; they weigh on the frequency of words until the index is rebuilt."""
        return 1.0 - float(self._alive.mean()) if self._ids else 0.0

    def change(self, added: Mapping[str, str], *, removed: Sequence[str] = ()) -> None:
        """Take entries out, and others in: id to the text that is searched. One that is in is replaced."""
        rows = dict(self._rows)  # views keep the former one
        gone = [rows.pop(entry_id) for entry_id in (*removed, *added) if entry_id in rows]
        start, end = len(self._ids), len(self._ids) + len(added)
        self._lexical.update(zip(range(start, end), added.values(), strict=True), removed=gone)
        self._grow(end)
        self._alive = np.concatenate([self._alive, np.ones(len(added), np.bool_)])
        self._alive[gone] = False
        self._ids.extend(added)
        self._rows = rows | dict(zip(added, range(start, end), strict=True))

    def place(self, vectors: Mapping[str, Vectors]) -> None:
        """Set the vectors (d,) of entries that are in; views of before may see them."""
        placed = {self._rows[entry_id]: vector for entry_id, vector in vectors.items()}
        for row, vector in placed.items():
            self._vectors[row] = vector
        self._scan.place(placed)

    def view(self, *, weight: float = EVEN) -> View:
        """The state now, with the weight of the cosine in a score."""
        rows = len(self._ids)
        return View(
            self._ids, self._rows, self._lexical.reader(), self._vectors[:rows], self._alive, self._scan, weight
        )

    def _grow(self, rows: int) -> None:
        if rows > len(self._vectors):
            wider = np.zeros((max(rows, 2 * len(self._vectors)), self._vectors.shape[1]), np.float32)
            wider[: len(self._vectors)] = self._vectors
            self._vectors = wider


def _largest(values: Vectors, count: int) -> float:
    """The smallest of the `count` largest values."""
    place = max(len(values) - count, 0)
    return float(np.partition(values, place)[place]) if len(values) else 0.0
