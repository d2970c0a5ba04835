"""Many texts to embed are shared: an analysis lays them out in pieces, and every idle worker takes pieces with it.

Vectors are stored by text, so who computes one means nothing, and a piece that is lost with its worker is computed by
the analysis itself. What lies there for an analysis that was cancelled is taken away.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import msgspec

from kaizen_api import keys
from kaizen_worker.embedding import Embedder
from kaizen_worker.engine.progress import Cancelled, Tell
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.types import Halves, Vectors

LEAST = 256
"""Texts below which sharing costs more than it saves."""

PIECE = 128
WAVE = 4096
"""Texts laid out at a time; bounds what lies in Redis."""

KEPT_SECONDS = 600
"""How long a piece lies there if nobody takes it."""

Left = Callable[[int], None]
"""Takes how many texts have no vector yet."""


class Piece(msgspec.Struct, frozen=True):
    """Texts of a tenant to be embedded."""

    model: str  # the embedder's name; who has another one leaves it to the analysis
    texts: list[str]


def embed(tenant: Tenant, texts: Sequence[str], *, by: Embedder, tell: Tell) -> Halves:
    """The vectors (u, d) of u distinct texts by one of the tenant's embedders; those not stored are shared.

    Raises:
        Cancelled: as `tell` does; no idle worker goes on with it either.
    """

    def left(count: int) -> None:
        done = len(texts) - count
        tell(done / len(texts), f"{done:,} of {len(texts):,} texts")

    def alone(missing: Sequence[str]) -> Vectors:
        left(len(missing))
        return by.embed(missing)

    return tenant.vectors_by(by).get(texts, alone, share=partial(_share, tenant, by.name, left=left))


def _share(tenant: Tenant, model: str, texts: Sequence[str], *, left: Left) -> None:
    """Lay out texts, and take pieces until there are none. Some may be left to the caller, in the hands of others."""
    if len(texts) < LEAST:
        return
    key = keys.unembedded(tenant.name)
    for wave in range(0, len(texts), WAVE):
        starts = range(wave, min(wave + WAVE, len(texts)), PIECE)
        pieces = [Piece(model, list(texts[start : min(start + PIECE, wave + WAVE)])) for start in starts]
        pipe = tenant.redis.pipeline()
        pipe.rpush(key, *map(msgspec.msgpack.encode, pieces))
        pipe.expire(key, KEPT_SECONDS)
        pipe.execute()
        try:
            while take(tenant):
                taken = max(0, len(pieces) - tenant.redis.llen(key))
                left(max(0, len(texts) - wave - PIECE * taken))
        except Cancelled:
            tenant.redis.delete(key)
            raise


def take(tenant: Tenant) -> bool:
    """Embed and store one piece of a tenant; False if there is none."""
    encoded = cast("bytes | None", tenant.redis.lpop(keys.unembedded(tenant.name)))
    if encoded is None:
        return False
    piece = msgspec.msgpack.decode(encoded, type=Piece)
    for embedder in (tenant.runtime.embedder, tenant.embedder):
        if piece.model == embedder.name:
            tenant.vectors_by(embedder).get(piece.texts, embedder.embed)
            break
    return True
