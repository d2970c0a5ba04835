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

    def _bucket(self) -> int:
        return int(time.time()) // self._seconds

    def _key(self, bucket: int) -> str:
        return keys.vectors(self._tenant, self._model, bucket)

    def get(
        self,
        texts: Sequence[str],
        embed: Callable[[Sequence[str]], Vectors],
        *,
        share: Callable[[Sequence[str]], None] | None = None,
    ) -> Halves:
        """The vectors (u, d) of u distinct texts; those not stored are embedded and stored.

        Args:
            texts: u distinct texts.
            embed: Computes vectors.
            share: Has those that are missing embedded and stored by others, as far as it can.
        """
        rows = np.empty((len(texts), self._dimension), np.float16)
        missing = self._fill(rows, texts, range(len(texts)))
        if share is not None and missing:
            share([texts[place] for place in missing])
            missing = self._fill(rows, texts, missing)
        for start in range(0, len(missing), _EMBEDDED_AT_ONCE):
            part = missing[start : start + _EMBEDDED_AT_ONCE]
            rows[part] = embed([texts[place] for place in part])
            self._write({text_key(texts[place]): rows[place].tobytes() for place in part})
        return rows

    def _fill(self, rows: Halves, texts: Sequence[str], places: Sequence[int]) -> list[int]:
        """Put the stored vectors into their places; give the places of those that are not."""
        missing: list[int] = []
        for start in range(0, len(places), _CHUNK):
            part = places[start : start + _CHUNK]
            for place, value in zip(part, self._read([text_key(texts[place]) for place in part]), strict=True):
                if value is None:
                    missing.append(place)
                else:
                    rows[place] = np.frombuffer(value, np.float16)
        return missing

    def _read(self, names: Sequence[bytes]) -> list[bytes | None]:
        bucket = self._bucket()
        pipe = self._redis.pipeline(transaction=False)
        pipe.hmget(self._key(bucket), names)
        pipe.hmget(self._key(bucket - 1), names)
        now, before = cast("list[list[bytes | None]]", pipe.execute())
        return [new or old for new, old in zip(now, before, strict=True)]

    def _write(self, values: dict[Any, Any]) -> None:
        bucket = self._bucket()
        pipe = self._redis.pipeline(transaction=False)
        pipe.hset(self._key(bucket), mapping=values)
        pipe.expire(self._key(bucket), 2 * self._seconds)
        pipe.execute()


def text_key(text: str) -> bytes:
    """Short name of a text."""
    return hashlib.blake2b(text.encode(), digest_size=12).digest()
