"""Brave Search: the web, by a key; the pages that it finds are read where they may be."""

import msgspec

from kaizen_worker.posting import seconds_told
from kaizen_worker.search.pages import Pages
from kaizen_worker.search.service import Params, Service, decode, retry_after
from kaizen_worker.search.web import Answer
from kaizen_worker.types import Passage

LONGEST = 400
"""Characters of a query; it may have 50 words besides."""

_WORDS = 50


class _Result(msgspec.Struct, frozen=True):
    url: str
    title: str = ""
    description: str = ""
    extra_snippets: list[str] = []


class _Web(msgspec.Struct, frozen=True):
    results: list[_Result] = []


class _Results(msgspec.Struct, frozen=True):
    web: _Web = _Web()  # absent where there is nothing


class Brave:
    """What it finds for a question as it is asked.

    Args:
        service: The API, with its key.
        pages: What reads the pages.
        trust: Of its passages: anybody may have written them.
    """

    name = "brave"

    def __init__(self, service: Service, pages: Pages, *, trust: float) -> None:
        self._service = service
        self._pages = pages
        self._trust = trust

    def search(self, query: str, *, limit: int) -> list[Passage]:
        """The part of each page that says most about the query, or the snippets; no scores, for it tells none."""
        words = " ".join(query.split()[:_WORDS])[:LONGEST]
        params: Params = {"q": words, "count": limit, "text_decorations": "false"}
        found = self._service.get("/res/v1/web/search", params, lambda answer: decode(answer, _Results).web.results)
        passages = [
            Passage(
                self.name, one.title, "\n\n".join([one.description, *one.extra_snippets]), one.url, 0.0, self._trust
            )
            for one in found[:limit]
        ]
        return self._pages.fill(passages, query)


def told(answer: Answer) -> float:
    """Seconds until the second's limit is over; the month's, the second number, is nothing to wait for."""
    return retry_after(answer) or seconds_told(answer.headers.get("x-ratelimit-reset", "").partition(",")[0].strip())
