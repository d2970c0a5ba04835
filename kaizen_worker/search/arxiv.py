"""arXiv: abstracts of papers. One request in three seconds and one at a time, over all workers, as it asks for."""

from xml.etree.ElementTree import Element

from kaizen_api.errors import Invalid, Unavailable
from kaizen_worker.search import feed
from kaizen_worker.search.keywords import keywords
from kaizen_worker.search.service import Params, Service
from kaizen_worker.search.web import Answer
from kaizen_worker.types import Passage

_ERRORS = "/api/errors"
_LICENCE = "CC0-1.0"  # of titles and abstracts, whatever that of the paper


class Arxiv:
    """Papers by the words of their fields, any of them, the most relevant first.

    Args:
        service: `/api/query` of arXiv, or of a mirror.
        trust: Of its passages.
    """

    name = "arxiv"

    def __init__(self, service: Service, *, trust: float) -> None:
        self._service = service
        self._trust = trust

    def search(self, query: str, *, limit: int) -> list[Passage]:
        """Title and abstract of each; no scores, for it tells none."""
        words = " OR ".join(f"all:{word}" for word in keywords(query.replace("'", " ")))
        if not words:
            return []
        found, total = self._page(words, limit)
        if not found:  # an empty page comes now and then, whatever there is
            found, total = self._page(words, limit)
        if total and not found:
            raise Unavailable(f"arxiv tells of {total} papers and shows none")
        return found[:limit]

    def _page(self, words: str, limit: int) -> tuple[list[Passage], int]:
        params: Params = {"search_query": words, "start": 0, "max_results": limit, "sortBy": "relevance"}
        return self._service.get("", params, self._read, feed=True)

    def _read(self, answer: Answer) -> tuple[list[Passage], int]:
        root = feed.parse(answer)
        entries = root.findall(f"{feed.ATOM}entry")
        if any(_ERRORS in feed.text(entry, f"{feed.ATOM}id") for entry in entries):
            raise Invalid("arxiv refuses the query")
        return [self._passage(entry) for entry in entries], feed.number(root, f"{feed.OPENSEARCH}totalResults")

    def _passage(self, entry: Element) -> Passage:
        title, summary, url = (feed.text(entry, f"{feed.ATOM}{tag}") for tag in ("title", "summary", "id"))
        return Passage(self.name, title, summary, url, score=0.0, trust=self._trust, licence=_LICENCE)
