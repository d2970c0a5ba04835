"""What people and assistants ask to be searched for: what is all but the same is one search, whoever asks and races.

The first of such questions is searched for, the others are closed and name it. Of what was searched for the last
`REMEMBERED` are compared with, for a month; a topic's gap needs none of this, for a topic is one gap however often it
is asked about.
"""

import time
from datetime import timedelta
from functools import partial
from typing import Any, cast

import numpy as np
from msgspec.structs import replace
from redis.client import Pipeline

from kaizen_api import keys
from kaizen_api.schema import Gap, Step
from kaizen_worker.embedding.embedder import restore
from kaizen_worker.engine import lifecycle
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.pipeline.words import words
from kaizen_worker.types import Vectors

SAME = 0.9
"""Cosine from which two questions ask for the same: of pairs above it none was different where this was measured."""

REMEMBERED = 1_000
"""Searches that a new question is compared with, the latest."""

_KEPT = timedelta(days=30)


def asked_before(tenant: Tenant, gap_id: str) -> bool:
    """Whether all but the same was searched for; if so, the gap is closed and names the one that was first.

    Raises:
        Unavailable: the embedder does not answer.
    """
    gap = tenant.gaps.get(gap_id)
    if gap is None or gap.topic or gap.status != "open":
        return False
    embedder = tenant.runtime.embedder
    (query,) = gap.queries
    said = " ".join(words(query)) or query  # however it is shouted, spaced or punctuated
    vector: Vectors = embedder.embed([said])[0]
    first = _first(tenant, keys.asked(tenant.name, embedder.name), gap.id, vector)
    if first == gap.id:
        return False
    step = Step(at=time.time_ns() // 1000, event="closed", detail=f"asked before, as gap {first}")
    tenant.gaps.update(gap.id, partial(_closed, step=step), counts=lambda _old, _new: {}, rank=lifecycle.gap_rank)
    return True


def _first(tenant: Tenant, key: str, gap_id: str, vector: Vectors) -> str:
    """The gap that asked for this first: of all that race, one."""
    deciding = partial(_decide, key=key, gap_id=gap_id, vector=vector)
    return str(tenant.redis.transaction(deciding, key, value_from_callable=True))


def _decide(pipe: Pipeline, *, key: str, gap_id: str, vector: Vectors) -> Any:
    """Repeated by the client as long as somebody is faster, maybe with the same."""
    first = _same(cast("list[bytes]", pipe.lrange(key, 0, -1)), gap_id, vector)
    pipe.multi()
    if first is not None:
        return first
    pipe.rpush(key, gap_id.encode() + b" " + vector.astype(np.float16).tobytes())
    pipe.ltrim(key, -REMEMBERED, -1)
    pipe.expire(key, _KEPT)
    return gap_id


def _same(stored: list[bytes], gap_id: str, vector: Vectors) -> str | None:
    """The gap itself if it is among those, else one that asks for the same."""
    parts = [one.partition(b" ") for one in stored]
    ids = [name.decode() for name, _, _ in parts]
    if gap_id in ids or not ids:
        return gap_id if ids else None
    cosines = restore(np.stack([np.frombuffer(half, np.float16) for _, _, half in parts])) @ vector
    return ids[int(cosines.argmax())] if cosines.max() >= SAME else None


def _closed(old: Gap | None, *, step: Step) -> Gap | None:
    if old is None or old.status != "open":
        return None
    return replace(old, status="closed", history=lifecycle.longer(old.history, step))
