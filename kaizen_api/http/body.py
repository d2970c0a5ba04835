"""Request bodies: read, unpacked and bounded. A gzip bomb costs no more than the limit."""

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
_PACKED = {"gzip", "x-gzip"}
_UNPACKED = {"", "identity"}


def media_type(request: Request, known: Collection[str]) -> str:
    """The body's media type in lower case, without parameters; '' where none is given.

    Raises:
        ProblemError: 415, it is not one of those known, or its charset is not UTF-8.
    """
    name, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    name = name.strip()
    charset = parameters.partition("charset=")[2].partition(";")[0].strip(' "') or "utf-8"
    if (name and name not in known) or charset not in {"utf-8", "utf8", "us-ascii"}:
        raise ProblemError(
            415,
            f"the content type {name or 'of the body'} is none of {', '.join(sorted(known))}, in UTF-8",
            headers={"Accept": ", ".join(sorted(known))},
        )
    return name


async def read_body(request: Request) -> bytes:
    """The body, unpacked.

    Raises:
        ProblemError: 413 too long, 415 packed in an unknown way, 400 broken gzip.
    """
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in _PACKED | _UNPACKED:
        raise ProblemError(
            415, f"the content encoding {encoding} is not known: use gzip or none", headers={"Accept-Encoding": "gzip"}
        )
    body = await _receive(request)
    if encoding in _UNPACKED:
        return body
    return await asyncio.to_thread(_unpack, body)


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


def _unpack(body: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
            unpacked = packed.read(MAX_BODY + 1)
    except (OSError, EOFError, zlib.error):
        raise ProblemError(400, "the body says it is gzip and is not, or it is cut off") from None
    if len(unpacked) > MAX_BODY:
        raise _too_long()
    return unpacked


def _too_long() -> ProblemError:
    return ProblemError(413, f"the body takes more than {MAX_BODY // 1024**2} MiB (unpacked): send it in parts")


def is_short(body: bytes) -> bool:
    """Whether it may be decoded in the event loop without others having to wait."""
    return len(body) <= _INLINE
