"""Meilisearch: an index of the operator's own, whose documents have a title, a text and, perhaps, a url."""

import msgspec

from kaizen_worker.search.keywords import keywords
from kaizen_worker.search.service import Service, decode
from kaizen_worker.search.web import Answer
from kaizen_worker.types import Passage


class _Hit(msgspec.Struct, frozen=True):
    title: str = ""
    text: str = ""
    url: str = ""
    score: float = msgspec.field(default=0.0, name="_rankingScore")


class _Hits(msgspec.Struct, frozen=True):
    hits: list[_Hit]


class Meilisearch:
    """Documents by their words; where none has all of them, the last ones are left out, one after the other.

    Args:
        service: The server, with its key, if any.
        index: The index's name.
        trust: Of its passages.
    """

    name = "meilisearch"

    def __init__(self, service: Service, *, index: str, trust: float) -> None:
        self._service = service
        self._index = index
        self._trust = trust

    def search(self, query: str, *, limit: int) -> list[Passage]:
        """The documents with their ranking scores, 0..1."""
        words = " ".join(keywords(query.replace('"', " ")))
        if not words:
            return []
        body = {
            "q": words,
            "limit": limit,
            "matchingStrategy": "last",
            "showRankingScore": True,
            "attributesToRetrieve": ["title", "text", "url"],
        }
        return self._service.post(f"/indexes/{self._index}/search", body, self._read)

    def _read(self, answer: Answer) -> list[Passage]:
        return [
            Passage(self.name, hit.title, hit.text, hit.url, score=hit.score, trust=self._trust)
            for hit in decode(answer, _Hits).hits
            if hit.text
        ]
