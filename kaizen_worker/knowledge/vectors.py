"""Vectors of entries: each content is embedded once per model, whoever asks, and kept in Redis as float16.

Embedders round through float16, so a vector read back is bit for bit the one that was computed. They are derived: lost
or expired ones are computed again.
"""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, cast

import numpy as np
from redis import Redis

from kaizen_api import keys
from kaizen_api.schema import Entry
from kaizen_worker.embedding.embedder import Embedder, restore
from kaizen_worker.types import Vectors

KEPT = timedelta(days=30)
"""How long the vectors of a knowledge base outlive their last use."""

WORDS = 200
"""Words of an entry's text that are embedded, after its title."""

_CHUNK = 500
_EMBEDDED_AT_ONCE = 64


class EntryVectors:
    """The vectors of one tenant's entries by one embedder.

    Args:
        redis: Client with undecoded replies.
        tenant: Whose entries.
        embedder: Who computes them.
    """

    def __init__(self, redis: Redis, *, tenant: str, embedder: Embedder) -> None:
        self._redis = redis
        self._embedder = embedder
        self._key = keys.vectors(tenant, f"entries-{embedder.name}", 0)

    def read(self, digests: Sequence[bytes]) -> list[Vectors | None]:
        """What is stored under each digest: (d,) float32 of unit length, or None."""
        if not digests:
            return []
        stored: list[bytes | None] = []
        for start in range(0, len(digests), _CHUNK):
            chunk = cast("list[Any]", digests[start : start + _CHUNK])
            stored += cast("list[bytes | None]", self._redis.hmget(self._key, chunk))
        self._redis.expire(self._key, KEPT)
        return [None if value is None else self._unpack(value) for value in stored]

    def compute(self, entries: Sequence[Entry]) -> Vectors:
        """Embed and store; (n, d) float32 rows of unit length. What is computed so far stays if the process dies."""
        rows = np.empty((len(entries), self._embedder.dimension), np.float32)
        if not entries:
            return rows
        for start in range(0, len(entries), _EMBEDDED_AT_ONCE):
            chunk = entries[start : start + _EMBEDDED_AT_ONCE]
            vectors = self._embedder.embed([embedded_text(entry) for entry in chunk])
            rows[start : start + len(chunk)] = vectors
            halves = vectors.astype(np.float16)
            values = {digest(entry): half.tobytes() for entry, half in zip(chunk, halves, strict=True)}
            self._redis.hset(self._key, mapping=cast("dict[Any, Any]", values))
        self._redis.expire(self._key, KEPT)
        return rows

    def drop_others(self, digests: Sequence[bytes]) -> None:
        """Remove the vectors of contents that are none of these, once they are the greater part."""
        if self._redis.hlen(self._key) <= 2 * len(digests):
            return
        stored = cast("list[bytes]", self._redis.hkeys(self._key))
        others = iter(set(stored).difference(digests))
        while chunk := list(islice(others, _CHUNK)):
            self._redis.hdel(self._key, *cast("list[str]", chunk))

    def _unpack(self, value: bytes) -> Vectors:
        row: Vectors = restore(np.frombuffer(value, np.float16)[None, :])[0]
        return row


def digest(entry: Entry) -> bytes:
    """Name of an entry's content: another title or text gives another."""
    return hashlib.blake2b(f"{entry.title}\0{entry.text}".encode(), digest_size=16).digest()


def embedded_text(entry: Entry) -> str:
    """Title and the first `WORDS` words."""
    return "\n".join(filter(None, (entry.title, " ".join(entry.text.split()[:WORDS]))))
