"""One POST of JSON with everything bounded: the seconds it takes, however slowly bytes drip in, and their number."""

import http.client
import math
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Timer
from urllib.parse import urlsplit

from kaizen_api.errors import Unavailable

MAX_BYTES = 64 * 1024 * 1024
"""Of a reply: a full batch of the longest vectors in use takes a fifth."""

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    status: int
    retry_after: float  # seconds that it asked to be left alone, 0 where it did not
    body: bytes


def post(url: str, body: bytes, *, headers: Mapping[str, str], seconds: float) -> Reply:
    """Send it and read the whole answer. Redirects are not followed: they would carry the key elsewhere.

    Args:
        url: http or https.
        body: JSON.
        headers: Besides the content type.
        seconds: For all of it; looking up the host's name is up to the system.

    Raises:
        Unavailable: No whole answer within the seconds and `MAX_BYTES`; the text names the host and no more.
    """
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=seconds)
    late = Timer(seconds, _hang_up, [connection])  # a socket's time-out starts anew with each byte
    late.daemon = True
    late.start()
    try:
        connection.request("POST", parts.path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return Reply(answer.status, _seconds(answer.headers.get("Retry-After")), _read(answer, parts.netloc))
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: hung up while it read
        raise Unavailable(
            f"{parts.netloc} gave no whole answer within {seconds:.3g} s ({type(error).__name__})"
        ) from None
    finally:
        late.cancel()
        connection.close()


def _read(answer: http.client.HTTPResponse, host: str) -> bytes:
    body = bytearray()
    while chunk := answer.read(_CHUNK):
        body += chunk
        if len(body) > MAX_BYTES:
            raise Unavailable(f"{host} answers with more than {MAX_BYTES} bytes")
    return bytes(body)


def _hang_up(connection: http.client.HTTPConnection) -> None:
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


def _seconds(text: str | None) -> float:
    """`Retry-After`, a number of seconds or a date; 0 for what is neither."""
    if text is None:
        return 0.0
    try:
        number = float(text)
    except ValueError:
        with suppress(ValueError, TypeError):
            return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
        return 0.0
    return max(0.0, number) if math.isfinite(number) else 0.0
