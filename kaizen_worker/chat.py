"""One question to an OpenAI-compatible chat endpoint, bounded in time and size, the key told to nobody else.

Redirections are not followed, for the key would go along; what comes back is somebody else's text.
"""

import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kaizen_api.config import KaizenConfig
from kaizen_api.errors import Unavailable

LONGEST_ANSWER = 65_536
"""Bytes of an answer beyond which it is none."""

PAUSE = 60.0
"""Seconds to wait where the endpoint asks to be left alone without saying how long."""


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message


class _Answer(msgspec.Struct):
    choices: list[_Choice]


class Chat:
    """An endpoint with its model. Nothing connects before it is asked.

    Args:
        url: Up to what stands before `/chat/completions`.
        model: As the endpoint names it.
        key: Sent as a bearer token; None: none is.
    """

    def __init__(self, url: str, *, model: str, key: str | None) -> None:
        self.model = model
        self._url = urlsplit(url)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"

    def ask(self, messages: Sequence[Mapping[str, str]], *, seconds: float) -> str:
        """The text of the answer.

        Args:
            messages: `role` and `content` of each.
            seconds: Until the answer has to be there as a whole, from when the host is known.

        Raises:
            Unavailable: there is none; `retry_after` as the endpoint asked.
        """
        question = json.dumps({"model": self.model, "messages": [dict(message) for message in messages]})
        connection = self._connection(seconds)
        try:
            connection.connect()
            with _hung_up(connection.sock, seconds):
                connection.request("POST", f"{self._url.path.rstrip('/')}/chat/completions", question, self._headers)
                with connection.getresponse() as response:
                    return _text(response)
        except (OSError, HTTPException, ValueError) as error:
            raise Unavailable(f"{self._url.netloc} gave no answer: {type(error).__name__}") from None
        finally:
            connection.close()

    def _connection(self, seconds: float) -> HTTPConnection:
        kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        return kind(self._url.hostname or "", self._url.port, timeout=seconds)


def configured(config: KaizenConfig) -> Chat | None:
    """The endpoint that names topics, if the settings name one."""
    if config.naming_url is None or config.naming_model is None:
        return None
    key = config.naming_key.get_secret_value() if config.naming_key is not None else None
    return Chat(config.naming_url, model=config.naming_model, key=key)


@contextmanager
def _hung_up(wire: Any, seconds: float) -> Iterator[None]:
    """The connection ends after so many seconds, however slowly and steadily it drips."""

    def hang_up() -> None:
        with suppress(OSError):
            socket.socket.shutdown(wire, socket.SHUT_RDWR)  # of the wire itself, also where it is encrypted

    watch = threading.Timer(seconds, hang_up)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _text(response: HTTPResponse) -> str:
    if response.status != HTTPStatus.OK:
        raise Unavailable(f"it answered {response.status}", retry_after=_pause(response))
    body = response.read(LONGEST_ANSWER + 1)
    if len(body) > LONGEST_ANSWER:
        raise Unavailable(f"the answer is longer than {LONGEST_ANSWER} bytes")
    try:
        return msgspec.json.decode(body, type=_Answer).choices[0].message.content
    except (msgspec.DecodeError, IndexError):
        raise Unavailable("the answer is no chat completion") from None


def _pause(response: HTTPResponse) -> float:
    """Seconds that it asked to be left alone; a date counts as none said."""
    asked = response.getheader("Retry-After", "")
    if asked.isascii() and asked.isdigit():
        return float(asked)
    return PAUSE if response.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE} else 1.0
