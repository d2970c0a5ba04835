"""How much meaning weighs beside words in the searches of one tenant: as much as it tells the entries apart.

No judgement is needed for that: a sentence out of an entry should find this entry by its vector. Where all entries
treat one subject the vectors of a small model are alike, and words decide; where each has its own, both count the same.
The share is measured by whoever completes the index, kept beside the entries, and read by every process.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import cast

import msgspec
from redis import Redis

from kaizen_api import keys
from kaizen_api.schema import Entry
from kaizen_worker.embedding.embedder import Embedder
from kaizen_worker.knowledge.index import EVEN
from kaizen_worker.knowledge.vectors import digest
from kaizen_worker.types import Flags, Vectors

LEAST_ENTRIES = 50
"""Entries below which the share would be chance."""

SENTENCES = 200
"""Sentences that are tried, one an entry: the share is then known to within 7 points (95 %)."""

CHANGED = 0.25
"""Share of entries that came or went from which it is measured anew."""

_LEAST_LENGTH = 30
_KEPT = timedelta(days=30)
_ENDS = re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])|\n+")


class Share(msgspec.Struct, frozen=True):
    """What was measured."""

    share: float  # of the sentences that find their entry, 0..1
    entries: int  # how many there were


class Balance:
    """The measured share of one tenant's entries under one embedder.

    Args:
        redis: Client with undecoded replies.
        tenant: Whose entries.
        embedder: Of queries and entries.
    """

    def __init__(self, redis: Redis, *, tenant: str, embedder: Embedder) -> None:
        self._redis = redis
        self._embedder = embedder
        self._key = keys.balance(tenant, embedder.name)

    def weight(self) -> float:
        """Of the cosine in a score, 0..`EVEN`; the rest is that of the words."""
        known = self._read()
        return EVEN if known is None else EVEN * known.share

    def renew(
        self,
        contents: Mapping[str, bytes],
        entries: Callable[[list[str]], Sequence[Entry | None]],
        rows: Mapping[str, int],
        found: tuple[Vectors, Flags],
    ) -> None:
        """Measure it, unless that was done when there were about as many.

        Args:
            contents: Id of each entry to the digest of its content.
            entries: Looks them up.
            rows: Id to row of the vectors.
            found: (n, d) float32 of unit length, and (n,) which rows are of entries that are there.
        """
        known, count = self._read(), len(contents)
        if count < LEAST_ENTRIES or (known is not None and abs(count - known.entries) <= CHANGED * known.entries):
            return
        tried = sorted(contents, key=lambda entry_id: contents[entry_id])[:SENTENCES]
        sample = [entry for entry in entries(tried) if entry is not None and entry.id in rows]
        if not sample:
            return
        vectors, alive = found
        cosines = self._embedder.embed([_sentence(entry) for entry in sample]) @ vectors[alive].T
        place = alive.cumsum() - 1
        own = [int(place[rows[entry.id]]) for entry in sample]
        hits = sum(int((each >= each[row]).sum()) == 1 for each, row in zip(cosines, own, strict=True))
        self._redis.set(self._key, msgspec.msgpack.encode(Share(hits / len(sample), count)), ex=_KEPT)

    def _read(self) -> Share | None:
        stored = cast("bytes | None", self._redis.get(self._key))
        return None if stored is None else msgspec.msgpack.decode(stored, type=Share)


def _sentence(entry: Entry) -> str:
    """One of its sentences, which one its content decides; the whole text where it has none of some length."""
    sentences = [each.strip() for each in _ENDS.split(entry.text)]
    told = [each for each in sentences if len(each) >= _LEAST_LENGTH] or [entry.text]
    return told[digest(entry)[0] % len(told)]
