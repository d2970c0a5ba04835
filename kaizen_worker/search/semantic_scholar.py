"""Semantic Scholar: abstracts of papers. One request a second with a key; without one, what strangers leave over."""

import msgspec

from kaizen_worker.search.keywords import keywords
from kaizen_worker.search.service import Params, Service, decode
from kaizen_worker.search.web import Answer
from kaizen_worker.types import Passage

_FIELDS = "title,abstract,url"


class _Paper(msgspec.Struct, frozen=True):
    title: str | None = None
    abstract: str | None = None
    url: str | None = None


class _Papers(msgspec.Struct, frozen=True):
    data: list[_Paper] = []  # absent where there is none


class SemanticScholar:
    """Papers by their words; what has no abstract is passed over.

    Args:
        service: The API, with its key, if any.
        trust: Of its passages.
    """

    name = "semantic_scholar"

    def __init__(self, service: Service, *, trust: float) -> None:
        self._service = service
        self._trust = trust

    def search(self, query: str, *, limit: int) -> list[Passage]:
        """Title and abstract of each; no scores, for it tells none."""
        words = " ".join(keywords(query))  # plain words: a hyphen or another sign makes it find nothing
        if not words:
            return []
        params: Params = {"query": words, "fields": _FIELDS, "limit": limit}
        return self._service.get("/graph/v1/paper/search", params, self._read)

    def _read(self, answer: Answer) -> list[Passage]:
        return [
            Passage(self.name, paper.title or "", paper.abstract, paper.url or "", score=0.0, trust=self._trust)
            for paper in decode(answer, _Papers).data
            if paper.abstract
        ]
