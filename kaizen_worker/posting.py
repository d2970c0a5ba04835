"""One POST of JSON with everything bounded: the seconds it takes, however slowly bytes drip in, and their number."""

import http.client
import math
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

from kaizen_api.errors import Unavailable

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    status: int
    retry_after: float  # seconds that it asked to be left alone, 0 where it did not
    body: bytes


def post(url: str, body: bytes, *, headers: Mapping[str, str], seconds: float, most: int) -> Reply:
    """Send it and read the whole answer. Redirects are not followed: they would carry the key elsewhere.

    Args:
        url: http or https.
        body: JSON.
        headers: Besides the content type.
        seconds: For all of it; looking up the host's name is up to the system.
        most: Bytes of an answer.

    Raises:
        Unavailable: No whole answer within the seconds and bytes; the text names the host and no more.
    """
    parts, began = urlsplit(url), time.monotonic()
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=seconds)
    try:
        connection.connect()
        with _hung_up(connection.sock, began + seconds - time.monotonic()):
            connection.request("POST", parts.path, body, {"Content-Type": "application/json", **headers})
            with connection.getresponse() as answer:
                body = _read(answer, parts.netloc, most)
                return Reply(answer.status, seconds_told(answer.headers.get("Retry-After")), body)
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: hung up while it read
        raise Unavailable(
            f"{parts.netloc} gave no whole answer within {seconds:.3g} s ({type(error).__name__})"
        ) from None
    finally:
        connection.close()


@contextmanager
def _hung_up(wire: Any, seconds: float) -> Iterator[None]:
    """The connection ends after so many seconds, for a socket's own time-out starts anew with each byte."""

    def hang_up() -> None:
        with suppress(OSError):
            socket.socket.shutdown(wire, socket.SHUT_RDWR)  # of the wire itself, also where it is encrypted

    late = Timer(max(0.0, seconds), hang_up)
    late.daemon = True
    late.start()
    try:
        yield
    finally:
        late.cancel()


def _read(answer: http.client.HTTPResponse, host: str, most: int) -> bytes:
    body = bytearray()
    while chunk := answer.read(_CHUNK):
        body += chunk
        if len(body) > most:
            raise Unavailable(f"{host} answers with more than {most} bytes")
    return bytes(body)


def seconds_told(text: str | None) -> float:
    """`Retry-After`, a number of seconds or a date; 0 for what is neither."""
    if text is None or not text.isascii():
        return 0.0
    try:
        number = float(text)
    except ValueError:
        with suppress(ValueError, TypeError):
            return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
        return 0.0
    return max(0.0, number) if math.isfinite(number) else 0.0
