"""OpenAlex: abstracts of scholarly works of all publishers. A key is needed; its limit is a day's."""

from datetime import UTC, datetime
from http import HTTPStatus

import msgspec

from kaizen_worker.search.keywords import keywords
from kaizen_worker.search.service import Params, Service, decode, retry_after
from kaizen_worker.search.web import Answer
from kaizen_worker.types import Passage

LONGEST = 3_000
"""Words of an abstract that are read."""

_FIELDS = "id,doi,display_name,abstract_inverted_index,primary_location,relevance_score"


class _Location(msgspec.Struct, frozen=True):
    license: str | None = None


class _Work(msgspec.Struct, frozen=True):
    id: str
    doi: str | None = None
    display_name: str | None = None
    abstract_inverted_index: dict[str, list[int]] | None = None
    primary_location: _Location | None = None
    relevance_score: float | None = None


class _Works(msgspec.Struct, frozen=True):
    results: list[_Work]


class OpenAlex:
    """Works by the words of title, abstract and full text, any of them.

    Args:
        service: The API, with its key.
        key: Goes into the address, for the API takes it nowhere else.
        trust: Of its passages.
    """

    name = "openalex"

    def __init__(self, service: Service, *, key: str, trust: float) -> None:
        self._service = service
        self._key = key
        self._trust = trust

    def search(self, query: str, *, limit: int) -> list[Passage]:
        """Title and abstract of each that has one, with its relevance."""
        words = " OR ".join(keywords(query))
        if not words:
            return []
        params: Params = {"search": words, "per-page": limit, "select": _FIELDS, "api_key": self._key}
        return self._service.get("/works", params, self._read)

    def _read(self, answer: Answer) -> list[Passage]:
        works = [(work, abstract(work.abstract_inverted_index or {})) for work in decode(answer, _Works).results]
        return [
            Passage(
                self.name,
                work.display_name or "",
                text,
                work.doi or work.id,
                score=work.relevance_score or 0.0,
                trust=self._trust,
                licence=work.primary_location.license if work.primary_location else None,
            )
            for work, text in works
            if text
        ]


def told(answer: Answer) -> float:
    """Seconds that it asked to be left alone: where there were too many requests, the rest of this day of UTC."""
    if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
        return retry_after(answer)
    now = datetime.now(UTC)
    return retry_after(answer) or 86_400.0 - (now.hour * 3600 + now.minute * 60 + now.second)


def abstract(index: dict[str, list[int]]) -> str:
    """The text that an inverted index was made of: each word at its places, however far apart those are told to be."""
    placed = sorted((place, word) for word, places in index.items() for place in places)
    return " ".join(word for _, word in placed[:LONGEST])
