"""A tenant's fit of the fast embedder, replaced as a whole."""

from typing import Any, cast

import numpy as np
from redis import Redis

from kaizen_api import keys
from kaizen_worker.pipeline.cluster.sample import Hashes
from kaizen_worker.pipeline.companion import Fit

_FIELDS = ("centre", "idf", "map", "mean")


class CompanionStore:
    """Where the fit of one tenant is kept, with the texts that it was made from.

    Args:
        redis: Client with undecoded replies.
        tenant: Whose.
    """

    def __init__(self, redis: Redis, *, tenant: str) -> None:
        self._redis = redis
        self._key = keys.companion(tenant)

    def name(self) -> str | None:
        """Name of the fit that stands, None before the first."""
        name = cast("bytes | None", self._redis.hget(self._key, "name"))
        return None if name is None else name.decode()

    def fit(self) -> Fit | None:
        """The fit that stands."""
        stored = cast("list[bytes | None]", self._redis.hmget(self._key, _FIELDS))
        centre, idf, learned, mean = stored
        if centre is None or idf is None or learned is None or mean is None:
            return None
        vectors = np.frombuffer(mean, np.float32)
        return Fit(
            np.frombuffer(centre, np.float32),
            np.frombuffer(idf, np.float32),
            np.frombuffer(learned, np.float16).reshape(-1, len(vectors)).astype(np.float32),
            vectors,
        )

    def known(self, sample: Hashes) -> float:
        """Share of these texts that the fit was made from, 0..1; 0 before the first."""
        stored = cast("bytes | None", self._redis.hget(self._key, "sample"))
        return float(np.isin(sample, np.frombuffer(stored or b"", np.uint64)).mean()) if len(sample) else 0.0

    def save(self, fit: Fit, sample: Hashes) -> None:
        """Have it stand from now on, made from texts of these hashes."""
        values: dict[Any, Any] = {field: getattr(fit, field).tobytes() for field in _FIELDS}
        values |= {"map": fit.map.astype(np.float16).tobytes(), "name": fit.name, "sample": sample.tobytes()}
        pipe = self._redis.pipeline()
        pipe.delete(self._key)
        pipe.hset(self._key, mapping=values)
        pipe.execute()
