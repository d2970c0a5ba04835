"""Tavily: the web, by a key, with the part of each page that is about the question."""

import msgspec

from kaizen_worker.search.service import Service, decode
from kaizen_worker.search.web import Answer
from kaizen_worker.types import Passage

LONGEST = 400
"""Characters of a query."""

PAUSES = {432: 3600.0, 433: 3600.0}
"""The quota of the plan is used up, or what may be spent beyond it: that does not change within seconds."""


class _Result(msgspec.Struct, frozen=True):
    url: str
    title: str = ""
    content: str = ""
    score: float = 0.0


class _Results(msgspec.Struct, frozen=True):
    results: list[_Result]


class Tavily:
    """What it finds for a question as it is asked.

    Args:
        service: The API, with its key.
        trust: Of its passages: anybody may have written them.
    """

    name = "tavily"

    def __init__(self, service: Service, *, trust: float) -> None:
        self._service = service
        self._trust = trust

    def search(self, query: str, *, limit: int) -> list[Passage]:
        """The part of each page that it takes for the answer, with its score, 0..1."""
        body = {"query": query[:LONGEST], "max_results": limit, "search_depth": "basic"}
        return self._service.post("/search", body, self._read)

    def _read(self, answer: Answer) -> list[Passage]:
        return [
            Passage(self.name, one.title, one.content, one.url, score=one.score, trust=self._trust)
            for one in decode(answer, _Results).results
            if one.content
        ]
