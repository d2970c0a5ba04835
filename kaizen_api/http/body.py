"""Request bodies: read, unpacked and bounded. A bomb of gzip or deflate costs no more than the limit."""

import asyncio
import gzip
import io
import zlib
from collections.abc import Collection

from fastapi import Request

from kaizen_api.http.problems import ProblemError

MAX_BODY = 32 * 1024 * 1024
"""Bytes of a body, as it comes and unpacked."""

_INLINE = 256 * 1024  # bytes that are unpacked or decoded in the event loop; what is longer goes to a thread
_GZIP = {"gzip", "x-gzip"}
_DEFLATE = "deflate"
_UNPACKED = {"", "identity"}


def media_type(request: Request, known: Collection[str]) -> str:
    """The body's media type in lower case, without parameters; '' where none is given.

    Raises:
        ProblemError: 415, it is not one of those known, or its charset is not UTF-8.
    """
    name, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    name = name.strip()
    charset = parameters.partition("charset=")[2].partition(";")[0].strip(' "') or "utf-8"
    accept = {"Accept": ", ".join(sorted(known))}
    if name and name not in known:
        raise ProblemError(
            415, f"the content type {name} is not known: send {' or '.join(sorted(known))}", headers=accept
        )
    if charset not in {"utf-8", "utf8", "us-ascii"}:
        raise ProblemError(415, f"the charset {charset} is not known: send the body in UTF-8", headers=accept)
    return name


async def read_body(request: Request) -> bytes:
    """The body, unpacked.

    Raises:
        ProblemError: 413 too long, 415 packed in an unknown way, 400 broken gzip or deflate.
    """
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in _GZIP | {_DEFLATE} | _UNPACKED:
        raise ProblemError(
            415,
            f"the content encoding {encoding} is not known: use gzip, deflate or none",
            headers={"Accept-Encoding": "gzip, deflate"},
        )
    body = await _receive(request)
    if encoding in _UNPACKED:
        return body
    return await asyncio.to_thread(_unpack, body, encoding)


async def _receive(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY:
        raise _too_long()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise _too_long()
    return bytes(body)


def _unpack(body: bytes, encoding: str) -> bytes:
    try:
        unpacked = _inflate(body) if encoding == _DEFLATE else _gunzip(body)
    except (OSError, EOFError, zlib.error):
        raise ProblemError(400, f"the body says it is {encoding} and is not, or it is cut off") from None
    if len(unpacked) > MAX_BODY:
        raise _too_long()
    return unpacked


def _gunzip(body: bytes) -> bytes:
    """At most a byte more than the limit."""
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
        return packed.read(MAX_BODY + 1)


def _inflate(body: bytes) -> bytes:
    """Likewise; HTTP means zlib by deflate (RFC 9110, section 8.4.1.2), and some clients send it bare."""
    inflating = zlib.decompressobj(zlib.MAX_WBITS if _is_zlib(body) else -zlib.MAX_WBITS)
    unpacked = inflating.decompress(body, MAX_BODY + 1)
    if len(unpacked) <= MAX_BODY and (not inflating.eof or inflating.unused_data):
        raise EOFError
    return unpacked


def _is_zlib(body: bytes) -> bool:
    """Whether it says so itself (RFC 1950, section 2.2); bare deflate begins so with odd padding only."""
    return bool(body) and body[0] & 0x0F == zlib.DEFLATED


def _too_long() -> ProblemError:
    return ProblemError(413, f"the body takes more than {MAX_BODY // 1024**2} MiB (unpacked): send it in parts")


def is_short(body: bytes) -> bool:
    """Whether it may be decoded in the event loop without others having to wait."""
    return len(body) <= _INLINE
