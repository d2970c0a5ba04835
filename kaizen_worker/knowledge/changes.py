"""What changed in a tenant's entries since a reader last looked: nothing is missed, or the reader is told so."""

from typing import Any, cast

from redis import Redis

from kaizen_api import keys

_PAGE = 1_000
_NOTHING = b"0-0"


class Changes:
    """One reader of a tenant's change stream.

    Args:
        redis: Client with undecoded replies.
        tenant: Whose entries.
    """

    def __init__(self, redis: Redis, tenant: str) -> None:
        self._redis = redis
        self._stream = keys.changes(tenant)
        self._seen: bytes | None = None

    def last(self) -> bytes:
        """The newest change: read it, then all entries, then accept it."""
        newest = cast("list[Any]", self._redis.xrevrange(self._stream, count=1))
        return cast("bytes", newest[0][0]) if newest else _NOTHING

    def accept(self, version: bytes) -> None:
        """All up to that change has been taken over."""
        self._seen = version

    def pending(self) -> tuple[list[str], bytes] | None:
        """Ids of entries changed since the change last accepted, and the newest of these changes.

        None at first, and where the change last accepted is not in the stream any more, trimmed or of another server:
        then only reading all entries tells.
        """
        if self._seen is None:
            return None
        seen, ids = self._seen, dict[str, None]()
        while True:
            page = self._page(seen)
            if seen == _NOTHING:
                return None if page else ([], seen)
            if not page or page[0][0] != seen:
                return None
            if len(page) == 1:
                return list(ids), seen
            ids |= dict.fromkeys(fields[b"id"].decode() for _, fields in page[1:])
            seen = page[-1][0]

    def _page(self, start: bytes) -> list[tuple[bytes, dict[bytes, bytes]]]:
        return cast("list[Any]", self._redis.xrange(self._stream, min=start.decode(), count=_PAGE))
