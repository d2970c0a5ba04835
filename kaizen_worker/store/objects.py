"""What Kaizen found, by kind and id: compare-and-set with the counters that move along.

A save takes effect once or not at all, whoever races and however often it is replayed.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from typing import Any, Generic, Protocol, TypeVar, cast

import msgspec
from redis import Redis

from kaizen_api import keys
from kaizen_api.connection import count_keys
from kaizen_api.versions import readable

CHANGES_KEPT = 100_000
"""Changes a reader may be behind before it has to read everything again."""


class Stored(Protocol):
    """Anything with an id."""

    id: str


T = TypeVar("T", bound=Stored)


class Objects(Generic[T]):
    """All objects of one kind of one tenant.

    Args:
        redis: Client with undecoded replies.
        tenant: Whose objects.
        kind: One of `keys.KINDS`.
        type_: The struct they are.
        announce: Whether each change is appended to the tenant's change stream.
    """

    def __init__(self, redis: Redis, *, tenant: str, kind: str, type_: type[T], announce: bool = False) -> None:
        self._redis = redis
        self._hash = keys.objects(tenant, kind)
        self._keys = [
            self._hash,
            keys.order(tenant, kind),
            keys.changes(tenant),
            *count_keys(redis, tenant),
        ]
        self._kept = CHANGES_KEPT if announce else 0
        self._decoder = msgspec.msgpack.Decoder(type_)
        self._encoder = msgspec.msgpack.Encoder(order="deterministic")
        self._save = redis.register_script(files(__package__).joinpath("save.lua").read_text())

    def _decode(self, value: bytes) -> T:
        return self._decoder.decode(readable(value, self._hash))

    def get(self, object_id: str) -> T | None:
        """The object, or None."""
        value = self._stored(object_id)
        return None if value is None else self._decode(value)

    def many(self, object_ids: list[str]) -> list[T | None]:
        """The objects of those ids, None where there is none."""
        if not object_ids:
            return []
        values = cast("list[bytes | None]", self._redis.hmget(self._hash, object_ids))
        return [None if value is None else self._decode(value) for value in values]

    def all(self) -> Iterator[T]:
        """Every object, in no order, a few at a time."""
        for _, value in cast("Iterator[tuple[bytes, bytes]]", self._redis.hscan_iter(self._hash, count=500)):
            yield self._decode(value)

    def save(self, new: T, *, old: T | None, rank: float = 0.0, counts: Mapping[str, int] | None = None) -> bool:
        """Store `new` where `old` was read; False if it has changed meanwhile.

        Args:
            new: The object.
            old: What was read under its id, None for nothing.
            rank: Its place in lists, the highest first.
            counts: Series of metrics and what to add to them if, and only if, this call changes something.
        """
        value = self._encoder.encode(new)
        unchanged, stored = self._unchanged(old, new.id)
        return stored == value or (unchanged and self._swap(new.id, stored, value, rank, counts or {}))

    def delete(self, old: T, *, counts: Mapping[str, int] | None = None) -> bool:
        """Remove it if it still is what was read."""
        unchanged, stored = self._unchanged(old, old.id)
        return unchanged and self._swap(old.id, stored, b"", 0.0, counts or {})

    def update(
        self,
        object_id: str,
        change: Callable[[T | None], T | None],
        *,
        counts: Callable[[T | None, T], Mapping[str, int]],
        rank: Callable[[T], float] = lambda _: 0.0,
    ) -> T | None:
        """Read, change, store, until nobody was faster.

        Args:
            object_id: Which.
            change: Pure; the new object from the present one, or None to leave all as it is.
            counts: What the step from the present to the new one adds to the metrics.
            rank: Its place in lists.

        Returns:
            The object as it stands now.
        """
        while True:
            stored = self._stored(object_id)
            old = None if stored is None else self._decode(stored)
            new = change(old)
            if new is None:
                return old
            if self._swap(object_id, stored, self._encoder.encode(new), rank(new), counts(old, new)):
                return new

    def _stored(self, object_id: str) -> bytes | None:
        return cast("bytes | None", self._redis.hget(self._hash, object_id))

    def _unchanged(self, old: T | None, object_id: str) -> tuple[bool, bytes | None]:
        """Whether it still is what was read, and its bytes: another version may have written more fields."""
        stored = self._stored(object_id)
        return (None if stored is None else self._decode(stored)) == old, stored

    def _swap(self, object_id: str, stored: bytes | None, value: bytes, rank: float, counts: Mapping[str, int]) -> bool:
        increments: list[Any] = [part for pair in counts.items() for part in pair]
        arguments = [object_id, stored or b"", value, rank, self._kept, *increments]
        return bool(self._save(keys=self._keys, args=arguments))
