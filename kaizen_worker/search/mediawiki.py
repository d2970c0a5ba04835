"""MediaWiki: Wikipedia or any other wiki, one request at a time and politely to a server that lags."""

import html
import re
from typing import TypeVar

import msgspec

from kaizen_api.errors import Unavailable
from kaizen_worker.search.keywords import keywords
from kaizen_worker.search.service import PAUSE, Params, Service, decode, retry_after
from kaizen_worker.search.web import Answer
from kaizen_worker.types import Passage

_ALWAYS: Params = {"action": "query", "format": "json", "formatversion": 2, "maxlag": 5}
_TAG = re.compile(r"<[^>]{0,200}>")


class _Error(msgspec.Struct, frozen=True):
    code: str = ""


class _Hit(msgspec.Struct, frozen=True):
    pageid: int
    title: str
    snippet: str = ""


class _Rights(msgspec.Struct, frozen=True):
    text: str = ""


class _Search(msgspec.Struct, frozen=True):
    search: list[_Hit] = []
    rightsinfo: _Rights = _Rights()


class _Page(msgspec.Struct, frozen=True):
    pageid: int = 0
    fullurl: str = ""
    extract: str = ""


class _Pages(msgspec.Struct, frozen=True):
    pages: list[_Page] = []


class _Found(msgspec.Struct, frozen=True):
    query: _Search = _Search()
    error: _Error | None = None


class _Read(msgspec.Struct, frozen=True):
    query: _Pages = _Pages()
    error: _Error | None = None


T = TypeVar("T", _Found, _Read)


class MediaWiki:
    """Articles that have all words of the query; where there is none, that have any.

    Args:
        service: `api.php` of a wiki.
        trust: Of its passages.
    """

    name = "mediawiki"

    def __init__(self, service: Service, *, trust: float) -> None:
        self._service = service
        self._trust = trust

    def search(self, query: str, *, limit: int) -> list[Passage]:
        """The introduction of each, or what its search shows of it where the wiki gives none; no scores."""
        words = keywords(query.replace("'", " "))
        found = self._find(" ".join(words), limit) if words else _Search()
        if not found.search and len(words) > 1:
            found = self._find(" OR ".join(words), limit)
        if not found.search:
            return []
        pages = {page.pageid: page for page in self._pages(found.search)}
        licence = found.rightsinfo.text or None
        return [self._passage(hit, pages.get(hit.pageid, _Page()), licence) for hit in found.search[:limit]]

    def _find(self, words: str, limit: int) -> _Search:
        more: Params = {
            "list": "search",
            "meta": "siteinfo",
            "siprop": "rightsinfo",
            "srsearch": words,
            "srlimit": limit,
        }
        return self._service.get("", _ALWAYS | more, lambda answer: _well(answer, _Found).query)

    def _pages(self, hits: list[_Hit]) -> list[_Page]:
        ids = "|".join(str(hit.pageid) for hit in hits)
        more: Params = {"prop": "extracts|info", "inprop": "url", "exintro": 1, "explaintext": 1, "exlimit": "max"}
        return self._service.get("", _ALWAYS | more | {"pageids": ids}, lambda answer: _well(answer, _Read).query.pages)

    def _passage(self, hit: _Hit, page: _Page, licence: str | None) -> Passage:
        text = page.extract.strip() or html.unescape(_TAG.sub("", hit.snippet))
        return Passage(self.name, hit.title, text, page.fullurl, score=0.0, trust=self._trust, licence=licence)


def _well(answer: Answer, type_: type[T]) -> T:
    """The answer, unless it tells of an error, as it does under status 200."""
    read = decode(answer, type_)
    if read.error is not None:
        pause = retry_after(answer) or (PAUSE if read.error.code == "ratelimited" else 5.0)
        raise Unavailable(f"mediawiki answers with the error {read.error.code[:50]}", retry_after=pause)
    return read
