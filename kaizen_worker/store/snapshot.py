"""A tenant's topics as the last cycle left them, replaced as a whole or not at all."""

from dataclasses import dataclass, field
from hashlib import sha1
from importlib.resources import files
from typing import cast

import msgspec
import numpy as np
from redis import Redis

from kaizen_api import keys
from kaizen_api.connection import count_keys
from kaizen_api.decided import View, decided
from kaizen_api.metrics.table import field as series
from kaizen_api.schema import Topic
from kaizen_worker.types import Clusters, Vectors

_DECIDED_MEANWHILE = 2
_PUBLISH = files(__package__).joinpath("publish.lua").read_text()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Topics with what live assignment and the next cycle need of them."""

    version: int
    cycle: str  # the id of the cycle that made it
    model: str  # the embedder's name; centroids of another model mean nothing
    topics: tuple[Topic, ...]  # k
    centroids: Vectors  # (k, d) float32, row i is topics[i]
    threshold: float
    view: View = field(default_factory=View)
    baseline: bytes = b""  # what is usual, for live patterns (`store/detection.py`); empty: none are looked for

    @property
    def shown(self) -> tuple[str, ...]:
        """The id (k) under which people saw each topic when this was published."""
        return tuple(self.view.shown or (topic.id for topic in self.topics))

    @property
    def clusters(self) -> Clusters:
        """The topics as something texts can be assigned to."""
        none = np.full(len(self.topics), -1, np.int32)
        return Clusters(np.empty(0, np.int32), self.centroids, none, self.threshold)


def load_snapshot(redis: Redis, *, tenant: str) -> Snapshot | None:
    """The last snapshot, or None before the first cycle."""
    stored = cast("dict[bytes, bytes]", redis.hgetall(keys.snapshot(tenant)))
    if not stored:
        return None
    topics = msgspec.msgpack.decode(stored[b"topics"], type=tuple[Topic, ...])
    centroids = np.frombuffer(stored[b"centroids"], np.float32)
    return Snapshot(
        version=int(stored[b"version"]),
        cycle=stored[b"cycle"].decode(),
        model=stored[b"model"].decode(),
        topics=topics,
        centroids=centroids.reshape(len(topics), -1) if topics else centroids.reshape(0, 0),
        threshold=float(stored[b"threshold"]),
        view=msgspec.msgpack.decode(stored.get(b"view", b"\x80"), type=View),  # before there were views: an empty one
        baseline=stored.get(b"baseline", b""),
    )


def publish(redis: Redis, snapshot: Snapshot, *, tenant: str) -> bool:
    """Put it in the place of version `snapshot.version`; False if another cycle was faster."""
    values: dict[str, str | bytes] = {
        "cycle": snapshot.cycle,
        "model": snapshot.model,
        "topics": msgspec.msgpack.encode(snapshot.topics, order="deterministic"),
        "centroids": snapshot.centroids.astype(np.float32).tobytes(),
        "threshold": repr(snapshot.threshold),
        "view": msgspec.msgpack.encode(snapshot.view),
    }
    script = redis.register_script(_PUBLISH)
    decisions = keys.objects(tenant, "decision")
    script_keys = [keys.snapshot(tenant), keys.live(tenant), decisions, *count_keys(redis, tenant)]
    if snapshot.baseline:
        values["baseline"] = snapshot.baseline
    fields = [part for pair in values.items() for part in pair]
    while True:
        stored = cast("dict[bytes, bytes]", redis.hgetall(decisions))
        arguments = [snapshot.version, series("kaizen_topics"), _seen(snapshot, stored), _digest(stored), *fields]
        outcome = script(keys=script_keys, args=arguments)
        if outcome != _DECIDED_MEANWHILE:
            return bool(outcome)


def _seen(snapshot: Snapshot, stored: dict[bytes, bytes]) -> int:
    """How many topics people see."""
    standing = decided(stored, snapshot.view)
    return len({standing.seen_as(topic.id) for topic in snapshot.topics})


def _digest(stored: dict[bytes, bytes]) -> str:
    """Of the decisions; of each first, for Lua sorts by the server's locale, in which hexadecimal digits stay."""
    each = sorted(sha1(value, usedforsecurity=False).hexdigest() for value in stored.values())
    return sha1("".join(each).encode(), usedforsecurity=False).hexdigest()
