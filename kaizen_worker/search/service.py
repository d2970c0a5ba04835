"""One server that is searched: asked in turn, within its bounds, and understood where it refuses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeVar

import httpx
import msgspec

from kaizen_api.config.search import variable
from kaizen_api.errors import Invalid, Unavailable
from kaizen_worker.posting import seconds_told
from kaizen_worker.search.documents import KINDS
from kaizen_worker.search.pace import Pace
from kaizen_worker.search.web import Answer, Door

T = TypeVar("T")
Params = dict[str, str | int]

JSON = frozenset({"application/json", "application/vnd.api+json", "text/json"})
FEED = frozenset({"application/atom+xml", "application/rss+xml", "application/xml", "text/xml"})

PAUSE = 60.0
"""Seconds to leave a server alone that is busy without saying for how long, or refuses us."""

PATIENCE = 30.0
"""Seconds to wait for a turn."""

_QUERY = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_URI_TOO_LONG, HTTPStatus.UNPROCESSABLE_ENTITY})
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


def retry_after(answer: Answer) -> float:
    """Seconds of `Retry-After`; 0 where there are none, and where it says so, for that is no advice."""
    return seconds_told(answer.headers.get("retry-after"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A server under its address.

    Attributes:
        name: The source's.
        base: From the settings, or the source's public one.
        own: It is from the settings, and may be on a private network.
        pace: Its turns.
        door: The bounds of an exchange.
        headers: Of every request, keys among them: they stand in no text of an error and in no log.
        pauses: Seconds to leave it alone after a status of its own, where it does not say how long.
        told: Reads how many seconds it asked to be left alone, 0 where it did not.
        refusal: What to do where it refuses us; empty: see to the key.
    """

    name: str
    base: httpx.URL
    own: bool
    pace: Pace
    door: Door = field(default_factory=Door)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    pauses: Mapping[int, float] = field(default_factory=dict)
    told: Callable[[Answer], float] = retry_after
    refusal: str = ""

    def get(self, path: str, params: Params, read: Callable[[Answer], T], *, feed: bool = False) -> T:
        """Ask, and read the answer within the turn, so that what `read` finds wrong counts as the server's failure.

        Raises:
            Unavailable: It gives no answer that can be read.
            Paced: It was asked too often already.
            Invalid: It refuses this query and no other.
        """
        return self._exchange(self._at(path).copy_merge_params(params), read, None, FEED if feed else JSON)

    def post(self, path: str, body: object, read: Callable[[Answer], T]) -> T:
        """The same with a body of JSON."""
        return self._exchange(self._at(path), read, msgspec.json.encode(body), JSON)

    def page(self, link: str, read: Callable[[Answer], T]) -> T:
        """A page of the same server, by its path: whatever stands in an answer names no other one."""
        return self._exchange(self.place(link), read, None, frozenset(KINDS))

    def place(self, link: str) -> httpx.URL:
        """The address of a path there."""
        return self.base.copy_with(raw_path=link.encode("ascii"))

    def _at(self, path: str) -> httpx.URL:
        return self.base.copy_with(path=self.base.path.rstrip("/") + path) if path else self.base

    def _exchange(self, url: httpx.URL, read: Callable[[Answer], T], content: bytes | None, kinds: frozenset[str]) -> T:
        headers = {"Accept": ", ".join(sorted(kinds)), **self.headers}
        if content is not None:
            headers["Content-Type"] = "application/json"
        with self.pace.turn(patience=PATIENCE, longest=self.door.seconds + 1):
            answer = self.door.ask(url, own=self.own, kinds=kinds, headers=headers, content=content)
            self._check(answer)
            return read(answer)

    def _check(self, answer: Answer) -> None:
        status, told = answer.status, self.told(answer)
        if status in range(200, 300):
            return
        if status in _QUERY:
            raise Invalid(f"{self.name} refuses the query ({status})")
        pause = told or self.pauses.get(status) or (PAUSE if status in _BUSY | _REFUSED else 1.0)
        raise Unavailable(f"{self.name} answered {status}{self._remedy(status)}", retry_after=pause)

    def _remedy(self, status: int) -> str:
        if status in _REFUSED:
            return f": {self.refusal}" if self.refusal else f": see to {variable(self.name, 'key')} and what it allows"
        if status in range(300, 400):
            return f", a redirection: set {variable(self.name, 'url')} to where it leads"
        return ""


def decode(answer: Answer, type_: type[T]) -> T:
    """The answer in its documented shape; what is more than that is passed over.

    Raises:
        Unavailable: It has another one.
    """
    try:
        return msgspec.json.decode(answer.body, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unavailable(f"{httpx.URL(answer.url).host} answers in another shape ({type(error).__name__})") from None
