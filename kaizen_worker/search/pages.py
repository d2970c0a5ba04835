"""Pages that a search of the web points at: read if their host lets robots read them, and the best part kept."""

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from urllib.robotparser import RobotFileParser

import httpx

from kaizen_api.errors import Invalid, KaizenError, Unavailable
from kaizen_worker.search.documents import KINDS, parse
from kaizen_worker.search.keywords import keywords
from kaizen_worker.search.pace import Pace
from kaizen_worker.search.passages import Section, split
from kaizen_worker.search.web import AGENT, Answer, Door
from kaizen_worker.search.web.addresses import parse as parse_address
from kaizen_worker.types import Passage

_HOSTS = 1_000  # whose rules are remembered
_PATIENCE = 5.0
_PLAIN = "text/plain"
_RULES = (_PLAIN, "text/html")  # the second: a page in its place, which rules nothing
_NOTHING = ("User-agent: *", "Disallow: /")


class Pages:
    """Reads pages, at most one a second of each host over all workers.

    Args:
        door: The bounds of reading one.
        pace: Makes the turns at a host.
    """

    def __init__(self, door: Door, pace: Callable[[str], Pace]) -> None:
        self._door = door
        self._pace = pace
        self._rules: dict[str, RobotFileParser] = {}

    def fill(self, passages: list[Passage], query: str) -> list[Passage]:
        """The passages with the best part of their pages for a text; a snippet stays where a page cannot be read."""
        filled = [self._filled(passage, query) for passage in passages]
        return [passage for passage in filled if passage.text.strip()]

    def _filled(self, passage: Passage, query: str) -> Passage:
        try:
            section = best(self._read(passage.url), query)
        except KaizenError:  # one page of many: nothing follows from it
            return passage
        return passage if section is None else replace(passage, title=section.title, text=section.text)

    def _read(self, url: str) -> Answer:
        host = parse_address(url).host
        with self._pace(host).turn(patience=_PATIENCE, longest=1.0):
            if not self._allowed(url):
                raise Invalid(f"{host} asks robots not to read that")
            answer = self._door.read(url, kinds=KINDS)
        if answer.status != HTTPStatus.OK:
            raise Unavailable(f"{host} answered {answer.status}")
        if httpx.URL(answer.url).host != host and not self._allowed(answer.url):
            raise Invalid(f"{host} leads to where robots are asked not to read")
        return answer

    def _allowed(self, url: str) -> bool:
        place = httpx.URL(url)
        origin = str(place.copy_with(raw_path=b"/robots.txt", fragment=None))
        if origin not in self._rules:
            if len(self._rules) >= _HOSTS:
                self._rules.clear()
            self._rules[origin] = self._robots(origin)
        return self._rules[origin].can_fetch(AGENT, str(place))

    def _robots(self, url: str) -> RobotFileParser:
        """The rules of a host (RFC 9309): none where there is no such file, all refused where it cannot be had."""
        rules = RobotFileParser()
        try:
            answer = self._door.read(url, kinds=_RULES)
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise Unavailable("no rules")
        except KaizenError:
            rules.parse(_NOTHING)
        else:
            rules.parse(answer.body.decode("utf-8", errors="replace").splitlines() if answer.kind == _PLAIN else [])
        return rules


def best(answer: Answer, query: str) -> Section | None:
    """The part of a page that has most of the query's words, the first of several; None where no part has any."""
    try:
        sections = split(parse(answer.body, f"page{KINDS.get(answer.kind, '.html')}"))
    except Exception:  # noqa: BLE001  # parsers of foreign pages raise whatever they like
        return None
    wanted = keywords(query)
    counted = [(sum(word in f"{one.title} {one.text}".casefold() for word in wanted), one) for one in sections]
    score, section = max(counted, key=lambda one: one[0], default=(0, None))
    return section if score else None
