"""kiwix-serve: whole wikis and libraries offline, in ZIM files of the operator's own."""

import re
from xml.etree.ElementTree import Element

from kaizen_api.errors import Unavailable
from kaizen_worker.search import feed
from kaizen_worker.search.keywords import keywords
from kaizen_worker.search.pages import best
from kaizen_worker.search.service import Params, Service
from kaizen_worker.search.web import Answer
from kaizen_worker.types import Passage

_PATH = re.compile(r"/[!-~]{1,1000}")


class Kiwix:
    """Articles by any of the query's words: of a question it would want all, and find nothing.

    Args:
        service: The server.
        book: The ZIM file's name there; None: all of them.
        trust: Of its passages.
    """

    name = "kiwix"

    def __init__(self, service: Service, *, book: str | None, trust: float) -> None:
        self._service = service
        self._book = book
        self._trust = trust

    def search(self, query: str, *, limit: int) -> list[Passage]:
        """The part of each article that says most about the query; no scores, for it tells none."""
        words = " OR ".join(keywords(query.replace("'", " ")))
        if not words:
            return []
        params: Params = {"pattern": words, "pageLength": limit, "format": "xml"}
        if self._book:
            params["content"] = self._book
        items = self._service.get("/search", params, _items, feed=True)
        return [self._passage(item, query) for item in items[:limit] if _PATH.fullmatch(item.findtext("link") or "")]

    def _passage(self, item: Element, query: str) -> Passage:
        link = item.findtext("link") or ""
        try:
            section = self._service.page(link, lambda answer: best(answer, query))
        except Unavailable:  # what its search shows of it is left
            section = None
        title, text = (section.title, section.text) if section else ("", feed.text(item, "description"))
        url = str(self._service.place(link))
        return Passage(self.name, title or feed.text(item, "title"), text, url, score=0.0, trust=self._trust)


def _items(answer: Answer) -> list[Element]:
    return feed.parse(answer).findall("channel/item")
