"""SearXNG: a metasearch engine of the operator's own; the pages that it finds are read where they may be."""

import msgspec

from kaizen_api.errors import Unavailable
from kaizen_worker.search.pages import Pages
from kaizen_worker.search.service import PAUSE, Service, decode
from kaizen_worker.search.web import Answer
from kaizen_worker.types import Passage

_SIGNS = "!:?-+\"'"  # before a word they choose engines and languages, or leave words out


class _Result(msgspec.Struct, frozen=True):
    url: str
    title: str | None = None
    content: str | None = None
    score: float | None = None


class _Results(msgspec.Struct, frozen=True):
    results: list[_Result]
    unresponsive_engines: list[list[str]] = []


class SearXNG:
    """What the engines behind it find for a question as it is asked.

    Args:
        service: The instance, with `json` among its `search.formats`.
        pages: What reads the pages.
        trust: Of its passages: anybody may have written them.
    """

    name = "searxng"

    def __init__(self, service: Service, pages: Pages, *, trust: float) -> None:
        self._service = service
        self._pages = pages
        self._trust = trust

    def search(self, query: str, *, limit: int) -> list[Passage]:
        """The part of each page that says most about the query, or the engine's snippet; scores are SearXNG's."""
        words = " ".join(bare for word in query.split() if (bare := word.lstrip(_SIGNS)))
        if not words:
            return []
        found = self._service.get("/search", {"q": words, "format": "json", "safesearch": 1}, _read)
        passages = [
            Passage(self.name, one.title or "", one.content or "", one.url, score=one.score or 0.0, trust=self._trust)
            for one in found[:limit]
        ]
        return self._pages.fill(passages, query)


def _read(answer: Answer) -> list[_Result]:
    found = decode(answer, _Results)
    if not found.results and found.unresponsive_engines:
        silent = ", ".join(sorted({engine[0][:30] for engine in found.unresponsive_engines if engine}))
        raise Unavailable(f"searxng finds nothing, for engines do not answer: {silent[:200]}", retry_after=PAUSE)
    return found.results
