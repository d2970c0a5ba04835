"""OpenSearch or Elasticsearch: an index of the operator's own, whose documents have a title, a text, perhaps a url."""

import msgspec

from kaizen_api.errors import Unavailable
from kaizen_worker.search.keywords import keywords
from kaizen_worker.search.service import Service, decode
from kaizen_worker.search.web import Answer
from kaizen_worker.types import Passage


class _Document(msgspec.Struct, frozen=True):
    title: str = ""
    text: str = ""
    url: str = ""


class _Hit(msgspec.Struct, frozen=True):
    source: _Document = msgspec.field(name="_source")
    score: float | None = msgspec.field(default=None, name="_score")


class _Hits(msgspec.Struct, frozen=True):
    hits: list[_Hit]


class _Shards(msgspec.Struct, frozen=True):
    failed: int = 0


class _Answer(msgspec.Struct, frozen=True):
    hits: _Hits
    timed_out: bool = False
    shards: _Shards = msgspec.field(default_factory=_Shards, name="_shards")


class OpenSearch:
    """Documents by BM25 over any of the words, the title counting twice.

    Args:
        service: The server, with its login, if any.
        index: The index's name.
        trust: Of its passages.
    """

    name = "opensearch"

    def __init__(self, service: Service, *, index: str, trust: float) -> None:
        self._service = service
        self._index = index
        self._trust = trust

    def search(self, query: str, *, limit: int) -> list[Passage]:
        """The documents with their scores, which have no upper bound."""
        words = " ".join(keywords(query))
        if not words:
            return []
        match = {"query": words, "fields": ["title^2", "text"], "operator": "or"}
        body = {"size": limit, "_source": ["title", "text", "url"], "query": {"multi_match": match}}
        return self._service.post(f"/{self._index}/_search", body, self._read)

    def _read(self, answer: Answer) -> list[Passage]:
        found = decode(answer, _Answer)
        if found.timed_out or found.shards.failed:  # under status 200
            raise Unavailable(f"opensearch answers in part: {found.shards.failed} shards failed")
        return [
            Passage(
                self.name, hit.source.title, hit.source.text, hit.source.url, score=hit.score or 0.0, trust=self._trust
            )
            for hit in found.hits.hits
            if hit.source.text
        ]
