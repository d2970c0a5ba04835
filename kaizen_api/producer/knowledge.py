"""What the assistant asks at answer time, over the API: the application itself loads no model and no index.

A question is over when its time is, whether the API refuses, hangs, drips or answers nonsense, and whatever looking up
its name takes: it is asked in a thread of its own, which nobody waits for any longer, and whose connection is cut.
Who is held out follows from the session there, as for everybody who asks `GET /v1/knowledge`.
"""

import asyncio
import http.client
import ssl
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus
from socket import SHUT_RDWR, socket
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from kaizen_api.config import KaizenConfig
from kaizen_api.errors import Invalid, Unavailable
from kaizen_api.knowledge import Knowledge

SECONDS = 2.0
"""How long the assistant waits for knowledge at most, unless the caller says otherwise."""

MOST_ASKED = 2_000
"""Characters of a question that are sent, the first ones: the look-up reads 64 terms and 256 tokens of it."""

_MOST_BYTES = 16_000_000  # 50 entries of 32 KiB, however they are escaped
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what a server listens on is nothing to connect to
_REMEDY = ": start it (`kaizen api`, `kaizen up`), or correct KAIZEN_API_URL"
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class Question:
    """One question on its way; made in whatever thread, and asked once."""

    connection: http.client.HTTPConnection
    path: str
    headers: dict[str, str]
    answered: Future[Knowledge] = field(default_factory=Future)
    _sockets: list[socket] = field(default_factory=list)  # the connection lets go of its own before it is read

    def wait(self, seconds: float) -> Knowledge:
        """Ask, and wait for the answer.

        Raises:
            Invalid: the API refuses the question, or the key; the text says why.
            Unavailable: no answer in time.
        """
        self._ask(seconds)
        try:
            return self.answered.result(seconds)
        except TimeoutError:
            raise self._late(seconds) from None
        finally:
            self._cut()

    async def wait_async(self, seconds: float) -> Knowledge:
        """The same for coroutines."""
        self._ask(seconds)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self.answered), seconds)
        except TimeoutError:
            raise self._late(seconds) from None
        finally:
            self._cut()

    def _ask(self, seconds: float) -> None:
        self.connection.timeout = seconds
        self.answered.set_running_or_notify_cancel()
        threading.Thread(target=self._run, name="kaizen-knowledge", daemon=True).start()

    def _run(self) -> None:
        try:
            self.connection.connect()
            self._sockets.append(self.connection.sock)
            self.connection.request("GET", self.path, headers=self.headers)
            response = self.connection.getresponse()
            found = _read(response, response.read(_MOST_BYTES + 1))
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.answered.set_exception(Unavailable(f"{self._place} gives no answer ({type(error).__name__}){_REMEDY}"))
        except (Invalid, Unavailable) as error:
            self.answered.set_exception(error)
        else:
            self.answered.set_result(found)
        finally:
            self.connection.close()

    def _cut(self) -> None:
        """Whatever the thread still reads of it ends now."""
        if not self.answered.done():
            for open_one in self._sockets:
                with suppress(OSError):
                    open_one.shutdown(SHUT_RDWR)

    def _late(self, seconds: float) -> Unavailable:
        return Unavailable(f"{self._place} gave no answer within {seconds:g} s{_REMEDY}")

    @property
    def _place(self) -> str:
        return f"the API at {self.connection.host}:{self.connection.port}"


def question(config: KaizenConfig, query: str, *, tenant: str, session_id: str | None, limit: int) -> Question:
    """A question for the API that the settings name; nothing is sent yet."""
    host = _EVERYWHERE.get(config.api_host, config.api_host)
    own = f"http://[{host}]:{config.api_port}" if ":" in host else f"http://{host}:{config.api_port}"
    place = urlsplit(config.api_url or own)
    asked = {"q": query[:MOST_ASKED], "limit": limit, "tenant": tenant}
    given = asked if session_id is None else {**asked, "session_id": session_id}
    path = f"{place.path.rstrip('/')}/v1/knowledge?{urlencode(given, errors='replace')}"
    key = config.api_key or config.api_keys.get(tenant)
    headers = {"Accept": "application/json", "Connection": "close"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key.get_secret_value()}"
    return Question(_connection(place.scheme, place.hostname or "", place.port), path, headers)


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, context=_trust())
    return http.client.HTTPConnection(host, port)


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _read(response: http.client.HTTPResponse, body: bytes) -> Knowledge:
    if response.status == HTTPStatus.OK and len(body) <= _MOST_BYTES:
        return _knowledge(msgspec.json.decode(body))
    said = _detail(body) or f"the API answers with status {response.status}"
    if HTTPStatus.BAD_REQUEST <= response.status < HTTPStatus.INTERNAL_SERVER_ERROR and response.status not in _LATER:
        raise Invalid(said)
    after = response.headers.get("Retry-After", "")
    raise Unavailable(said, retry_after=float(after) if after.isdecimal() else 1.0)


def _detail(body: bytes) -> str:
    """What a problem document says."""
    try:
        return str(msgspec.json.decode(body)["detail"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return ""


def _knowledge(shown: Any) -> Knowledge:
    """What is shown with readable times, as it is."""
    try:
        for entry in shown["entries"]:
            where = entry["provenance"]
            moment = datetime.fromisoformat(where["retrieved_at"] or _EPOCH.isoformat())
            where["retrieved_at"] = (moment - _EPOCH) // timedelta(microseconds=1)
        return msgspec.convert(shown, Knowledge)
    except (TypeError, KeyError) as error:
        raise ValueError("no knowledge") from error
