"""Vectors of distinct texts: each text is embedded once per model, whoever asks.

Kept as float16, so a vector read back is the vector that was computed (embedders round through float16). A field lives
between one and two retentions after it was last written.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from redis import Redis

from kaizen_api import keys
from kaizen_worker.types import Halves, Vectors

_CHUNK = 1_000
_EMBEDDED_AT_ONCE = 256  # and stored: where the embedder fails after them, they need not be paid for again
_DAY = 86_400


class VectorStore:
    """Vectors of one tenant by one model.

    Args:
        redis: Client with undecoded replies.
        tenant: Whose texts.
        model: The embedder's name; vectors of two models never meet.
        dimension: d.
        retention_days: How long they are kept at least.
    """

    def __init__(self, redis: Redis, *, tenant: str, model: str, dimension: int, retention_days: int) -> None:
        self._redis = redis
        self._dimension = dimension
        self._seconds = retention_days * _DAY
        self._tenant = tenant
        self._model = model

    def _key(self, bucket: int) -> str:
        return keys.vectors(self._tenant, self._model, bucket)

    def get(self, texts: Sequence[str], embed: Callable[[Sequence[str]], Vectors]) -> Halves:
        """The vectors (u, d) of u distinct texts; those not stored are embedded and stored."""
        rows = np.empty((len(texts), self._dimension), np.float16)
        for start in range(0, len(texts), _CHUNK):
            rows[start : start + _CHUNK] = self._chunk(texts[start : start + _CHUNK], embed)
        return rows

    def _chunk(self, texts: Sequence[str], embed: Callable[[Sequence[str]], Vectors]) -> Halves:
        names = [text_key(text) for text in texts]
        bucket = int(time.time()) // self._seconds
        found = self._read(names, bucket)
        rows = np.empty((len(texts), self._dimension), np.float16)
        missing = [index for index, value in enumerate(found) if value is None]
        stored = [index for index, value in enumerate(found) if value is not None]
        if stored:
            rows[stored] = np.frombuffer(b"".join(filter(None, found)), np.float16).reshape(len(stored), -1)
        for start in range(0, len(missing), _EMBEDDED_AT_ONCE):
            part = missing[start : start + _EMBEDDED_AT_ONCE]
            rows[part] = embed([texts[index] for index in part])
            self._write({names[index]: rows[index].tobytes() for index in part}, bucket)
        return rows

    def _read(self, names: Sequence[bytes], bucket: int) -> list[bytes | None]:
        pipe = self._redis.pipeline(transaction=False)
        pipe.hmget(self._key(bucket), names)
        pipe.hmget(self._key(bucket - 1), names)
        now, before = cast("list[list[bytes | None]]", pipe.execute())
        return [new or old for new, old in zip(now, before, strict=True)]

    def _write(self, values: dict[Any, Any], bucket: int) -> None:
        pipe = self._redis.pipeline(transaction=False)
        pipe.hset(self._key(bucket), mapping=values)
        pipe.expire(self._key(bucket), 2 * self._seconds)
        pipe.execute()


def text_key(text: str) -> bytes:
    """Short name of a text."""
    return hashlib.blake2b(text.encode(), digest_size=12).digest()
