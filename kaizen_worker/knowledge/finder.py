"""What finds entries at answer time, behind one Protocol: by words and meaning, or by words alone.

Both promise the same: active entries and no others, however far an index is behind; none that is excluded; at most as
many as asked for, the best first, equal ones by id; the same entries in the same state give the same answer.
"""

from collections.abc import Callable
from typing import Protocol

from kaizen_api.knowledge import Hit
from kaizen_worker.knowledge.retrieval import Retrieval
from kaizen_worker.types import Vectors


class Finder(Protocol):
    """Finds a tenant's active entries; any number of threads may use it."""

    def search(self, query: str, *, limit: int, exclude: frozenset[str] = frozenset()) -> list[Hit]:
        """The entries that serve a question best, each with a score of 0 to 1.

        Args:
            query: What is asked; anything, for none of it is a query language.
            limit: Most entries.
            exclude: Ids that must not be found, such as those held out from this conversation.

        Raises:
            Unavailable: Redis does not answer.
        """


class Words:
    """By words alone: nothing is embedded, and no embedder has to answer.

    Args:
        retrieval: The index; asked for at the first search.
    """

    def __init__(self, retrieval: Callable[[], Retrieval]) -> None:
        self._retrieval = retrieval

    def search(self, query: str, *, limit: int, exclude: frozenset[str] = frozenset()) -> list[Hit]:
        """By BM25, as a share of what a text can score at most."""
        return self._retrieval().search(query, limit=limit, exclude=exclude, words_alone=True)


class Hybrid:
    """By words and meaning, weighed by how far meaning tells the tenant's entries apart.

    Args:
        retrieval: The index, with vectors of the same embedder as the question's; asked for at the first search.
        meaning: The question's vector (d,); None while nobody can compute it.
        otherwise: What finds entries meanwhile.
    """

    def __init__(
        self, retrieval: Callable[[], Retrieval], *, meaning: Callable[[str], Vectors | None], otherwise: Finder
    ) -> None:
        self._retrieval = retrieval
        self._meaning = meaning
        self._otherwise = otherwise

    def search(self, query: str, *, limit: int, exclude: frozenset[str] = frozenset()) -> list[Hit]:
        """By both, or by `otherwise`."""
        vector = self._meaning(query)
        if vector is None:
            return self._otherwise.search(query, limit=limit, exclude=exclude)
        return self._retrieval().search(query, limit=limit, exclude=exclude, vector=vector)
