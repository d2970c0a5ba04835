"""The body of an answer, bounded before and after it is unpacked."""

import zlib
from collections.abc import Iterable

from kaizen_api.errors import Unavailable

_GZIP = 16 + zlib.MAX_WBITS


def read(chunks: Iterable[bytes], *, encoding: str, most: int) -> bytes:
    """All of it, or an error; no more than `most` bytes and one chunk are ever held.

    Args:
        chunks: As they come over the wire.
        encoding: What `Content-Encoding` says: nothing, `identity` or `gzip`, for that is all we ask for.
        most: Bytes at most, unpacked.

    Raises:
        Unavailable: It is longer, packed in another way, or not whole.
    """
    if encoding in {"", "identity"}:
        return _plain(chunks, most)
    if encoding in {"gzip", "x-gzip"}:
        return _unpacked(chunks, most)
    raise Unavailable("it is packed in a way that was not asked for")


def _plain(chunks: Iterable[bytes], most: int) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        _check(body, most)
    return bytes(body)


def _unpacked(chunks: Iterable[bytes], most: int) -> bytes:
    body, packed = bytearray(), zlib.decompressobj(_GZIP)
    try:
        for chunk in chunks:
            body += packed.decompress(chunk, most - len(body) + 1)
            _check(body, most)
    except zlib.error:
        raise Unavailable("what it answers cannot be unpacked") from None
    if not packed.eof or packed.unused_data:
        raise Unavailable("what it answers cannot be unpacked")
    return bytes(body)


def _check(body: bytearray, most: int) -> None:
    if len(body) > most:
        raise Unavailable(f"it answers with more than {most} bytes")
