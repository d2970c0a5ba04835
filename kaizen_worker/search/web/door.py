"""One exchange with a server: asked, or read across redirections, within one deadline."""

import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus

import httpcore
import httpx

from kaizen_api.errors import Invalid, Unavailable
from kaizen_worker.search.web import body
from kaizen_worker.search.web.addresses import parse
from kaizen_worker.search.web.wire import Deadline, Resolve, Wire, system

AGENT = "Kaizen/0.1 (knowledge search for gaps)"
"""What we call ourselves, to servers and in `robots.txt`."""

MAX_REDIRECTS = 3

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TROUBLE = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    OSError,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]  # names in small letters
    body: bytes  # empty where the status is no success
    url: str  # that it came from in the end

    @property
    def kind(self) -> str:
        """The media type, in small letters and without parameters; empty where none is told."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The bounds of exchanges.

    Attributes:
        seconds: For each exchange, with its redirections.
        most: Bytes of an answer, unpacked.
        agent: What we call ourselves.
        resolve: What looks up names.
        sockets: What connects to addresses.
    """

    seconds: float = 20.0
    most: int = 4_000_000
    agent: str = AGENT
    resolve: Resolve = system
    sockets: httpcore.NetworkBackend = field(default_factory=httpcore.SyncBackend)

    def ask(
        self,
        url: httpx.URL,
        *,
        own: bool,
        kinds: Collection[str],
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """Ask a source's server: GET, or POST where there is a content. Redirections are an answer, and not followed.

        Args:
            url: Made from the source's settings, never from a text that was found.
            own: The operator named the server, so that it may be on a private address.
            kinds: Media types that an answer may have.
            headers: Of the request.
            content: What is posted.

        Raises:
            Unavailable: No whole answer within the bounds; the text names the host and nothing else of the address.
        """
        request = self._request(url, headers or {}, content)
        return self._exchange(request, Deadline(self.seconds), kinds, foreign=not own)

    def read(self, url: str, *, kinds: Collection[str]) -> Answer:
        """Read what somebody else's text points at, across redirections, each of which is checked like the first.

        Raises:
            Invalid: It points at what is no public web address.
            Unavailable: No whole answer within the bounds.
        """
        place, deadline = parse(url), Deadline(self.seconds)
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._exchange(self._request(place, {}, None), deadline, kinds, foreign=True)
            if answer.status not in _REDIRECTS:
                return answer
            further = parse(answer.headers.get("location", ""), base=place)
            if place.scheme == "https" != further.scheme:
                raise Invalid("a redirection from https to http")
            place = further
        raise Unavailable(f"{place.host} redirects more than {MAX_REDIRECTS} times")

    def _request(self, url: httpx.URL, headers: Mapping[str, str], content: bytes | None) -> httpx.Request:
        ours = {"User-Agent": self.agent, "Accept-Encoding": "gzip", "Connection": "close"}
        return httpx.Request("GET" if content is None else "POST", url, headers={**ours, **headers}, content=content)

    def _exchange(self, request: httpx.Request, deadline: Deadline, kinds: Collection[str], *, foreign: bool) -> Answer:
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        wire = Wire(deadline, foreign=foreign, resolve=self.resolve, sockets=self.sockets)
        try:
            with (
                httpcore.ConnectionPool(ssl_context=_trust(), network_backend=wire) as pool,
                pool.stream(request.method, target, headers=request.headers.raw, content=request.content) as response,
            ):
                return self._received(response, str(url), kinds)
        except _TROUBLE as error:
            trouble = f"gave no whole answer within {self.seconds:.3g} s ({type(error).__name__})"
            raise Unavailable(f"{url.host} {trouble}") from None

    def _received(self, response: httpcore.Response, url: str, kinds: Collection[str]) -> Answer:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        answer = Answer(response.status, headers, b"", url)
        if not HTTPStatus(200) <= response.status < HTTPStatus(300):
            return answer
        if answer.kind not in kinds:
            raise Unavailable(f"{httpx.URL(url).host} answers with {answer.kind[:50] or 'nothing named'}")
        encoding = headers.get("content-encoding", "").strip().lower()
        return Answer(answer.status, headers, body.read(response.iter_stream(), encoding=encoding, most=self.most), url)


def agent(contact: str | None) -> str:
    """`AGENT` with who runs this: a mail address or a web page, as public services ask for."""
    if contact is None:
        return AGENT
    return f"{AGENT[:-1]}; {contact if '://' in contact else f'mailto:{contact}'})"


@cache
def _trust() -> ssl.SSLContext:
    return httpx.create_ssl_context()
