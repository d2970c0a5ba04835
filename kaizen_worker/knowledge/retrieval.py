"""What the assistant finds at answer time, in each process that asks.

The truth is in Redis; the index is derived and catches up by the change stream, so an entry that one process activates
is found by every other at its next look. What is answered is read from Redis last: an entry that was taken out of sight
is never served, however far behind the index is. The same entries in the same state give the same answer; after some
entries went, frequencies of words in a search lag by up to `_REBUILD_SHARE`, until the index is rebuilt. `served`, on
which gaps are found, never lags: it is the same in every process.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from itertools import islice

from redis import Redis

from kaizen_api.errors import Unavailable
from kaizen_api.knowledge import Hit
from kaizen_api.schema import Entry
from kaizen_worker.embedding.embedder import Embedder
from kaizen_worker.knowledge.balance import Balance
from kaizen_worker.knowledge.changes import Changes
from kaizen_worker.knowledge.entries import Entries
from kaizen_worker.knowledge.index import Index, View
from kaizen_worker.knowledge.vectors import EntryVectors, digest
from kaizen_worker.types import Halves, Served, Vectors

EMBEDDED_AT_A_LOOK = 2
"""Entries without a vector that a search embeds itself; the worker that adds many calls `complete`."""

LEAST_SCORE = 0.12
"""Under every relevant passage of 400 questions about encyclopaedic paragraphs and abstracts (the lowest: .19)."""

_LOG = logging.getLogger("kaizen")

_REBUILD_SHARE = 0.05
_SPARE = 10  # further candidates, in place of those that went out of sight meanwhile
_BATCH = 500
_EMBEDDED_AT_ONCE = 64


class Retrieval:
    """Searches one tenant's active entries; any number of threads may use it. Make it after a fork.

    Args:
        redis: Client with undecoded replies.
        tenant: Whose entries.
        embedder: Of queries and entries.
        every: Seconds between two looks at what changed.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        redis: Redis,
        tenant: str,
        *,
        embedder: Embedder,
        every: float = 0.2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._changes = Changes(redis, tenant)
        self._entries = Entries(redis, tenant)
        self._vectors = EntryVectors(redis, tenant=tenant, embedder=embedder)
        self._balance = Balance(redis, tenant=tenant, embedder=embedder)
        self._embedder = embedder
        self._every = every
        self._clock = clock
        self._lock = threading.Lock()
        self._looked: float | None = None
        self._contents: dict[str, bytes] = {}  # id -> digest of what is indexed
        self._pending: dict[str, bytes] = {}  # the same of those without a vector
        self._index = Index(embedder.dimension)
        self._view = self._index.view()

    def search(
        self,
        query: str,
        *,
        limit: int,
        exclude: frozenset[str] = frozenset(),
        vector: Vectors | None = None,
        words_alone: bool = False,
    ) -> list[Hit]:
        """The entries that serve a query best, by BM25 / upper bound and cosine, weighed by `Balance`; the best first.

        None whose score is under `LEAST_SCORE`: what is found goes into an assistant's prompt. An entry that is too
        new to have a vector is found by its words alone, and so is every entry while the embedder does not answer.

        Args:
            query: What is asked.
            limit: Most entries.
            exclude: Ids that must not be found, such as those held out from this conversation.
            vector: (d,) float32 of the query by the same embedder, where the caller has it already.
            words_alone: By BM25 / upper bound and nothing else; nothing is embedded.
        """
        view = self._look(0 if words_alone else EMBEDDED_AT_A_LOOK)
        if vector is None and not words_alone:
            vector = self._meaning(query)
        best = dict(view.search(query, vector, limit=limit + _SPARE, exclude=exclude))
        entries = self._entries.many(list(best))
        serving = (entry for entry in entries if entry and entry.state == "active")
        return [_hit(entry, best[entry.id]) for entry in serving if best[entry.id] >= self._least(entry)][:limit]

    def _meaning(self, query: str) -> Vectors | None:
        try:
            vector: Vectors = self._embedder.embed([query])[0]
        except Unavailable as error:
            _LOG.warning("searched by words alone: %s", error)
            return None
        return vector

    def _least(self, entry: Entry) -> float:
        return 0.0 if entry.id in self._pending else LEAST_SCORE

    def served(self, texts: Sequence[str], vectors: Halves) -> Served:
        """How well the entries cover each of u texts, for finding gaps; embeds first what has no vector yet.

        Args:
            texts: u distinct texts.
            vectors: (u, d), theirs by the same embedder.
        """
        return self._completed(dead=0.0).served(texts, vectors)

    def refresh(self) -> None:
        """Catch up now with what is active, without embedding anything; what has no vector is found by its words."""
        with self._lock:
            self._look_now(0)

    def complete(self) -> None:
        """Catch up now and embed every active entry that has no vector; other processes find the vectors stored."""
        self._completed(dead=_REBUILD_SHARE)

    def _completed(self, *, dead: float) -> View:
        """The state in which every entry has its vector, and at most this share of the rows is of entries that went."""
        placed = 1
        while placed:  # searches go on in between
            with self._lock:
                self._catch_up(dead=dead)
                placed = self._place(_EMBEDDED_AT_ONCE)
                self._view = view = self._index.view(weight=self._balance.weight())
        self._balance.renew(dict(self._contents), self._entries.many, view.rows, (view.vectors, view.alive))
        return view

    def _look(self, embed: int) -> View:
        with self._lock:
            if self._looked is None or self._clock() - self._looked >= self._every:
                self._look_now(embed)
            return self._view

    def _look_now(self, embed: int) -> None:
        now = self._clock()
        self._catch_up()
        self._place_few(embed)
        self._view = self._index.view(weight=self._balance.weight())
        self._looked = now

    def _place_few(self, embed: int) -> None:
        """Vectors of some new entries, unless nobody can compute them now; their words are found already."""
        try:
            self._place(embed)
        except Unavailable as error:
            _LOG.warning("new entries are found by their words alone: %s", error)

    def _catch_up(self, *, dead: float = _REBUILD_SHARE) -> None:
        pending = self._changes.pending()
        if pending is not None:
            changed, version = pending
            self._apply(changed)
            self._changes.accept(version)
        if pending is None or self._index.dead > dead:
            self._rebuild()

    def _rebuild(self) -> None:
        version = self._changes.last()  # before the entries: what changes meanwhile is looked at again
        active = sorted((entry for entry in self._entries.all() if entry.state == "active"), key=lambda entry: entry.id)
        self._contents, self._pending, self._index = {}, {}, Index(self._embedder.dimension)
        self._index_entries(active, gone=[])
        for _ in range(0, len(active), _BATCH):
            self._place(0)
        self._vectors.drop_others(list(self._contents.values()))
        self._changes.accept(version)

    def _apply(self, changed: Sequence[str]) -> None:
        present = {entry.id: entry for entry in self._entries.many(list(changed)) if entry and entry.state == "active"}
        new = [entry for entry in present.values() if self._contents.get(entry.id) != digest(entry)]
        self._index_entries(new, gone=[entry_id for entry_id in changed if entry_id not in present])

    def _index_entries(self, entries: Sequence[Entry], *, gone: Sequence[str]) -> None:
        removed = [entry_id for entry_id in gone if entry_id in self._index]
        if not entries and not removed:
            return
        self._index.change({entry.id: f"{entry.title}\n{entry.text}" for entry in entries}, removed=removed)
        for entry_id in removed:
            self._contents.pop(entry_id)
            self._pending.pop(entry_id, None)
        contents = {entry.id: digest(entry) for entry in entries}
        self._contents |= contents
        self._pending |= contents

    def _place(self, embed: int) -> int:
        """Give vectors to some rows that have none, stored ones and up to `embed` computed here; how many got one."""
        batch = dict(islice(self._pending.items(), _BATCH))
        stored = zip(batch, self._vectors.read(list(batch.values())), strict=True)
        found = {entry_id: vector for entry_id, vector in stored if vector is not None}
        missing = [entry_id for entry_id in batch if entry_id not in found][:embed]
        entries = [entry for entry in self._entries.many(missing) if entry and digest(entry) == batch[entry.id]]
        found |= zip((entry.id for entry in entries), self._vectors.compute(entries), strict=True)
        self._index.place(found)
        for entry_id, content in batch.items():
            del self._pending[entry_id]
            if entry_id not in found:
                self._pending[entry_id] = content  # behind the others
        return len(found)


def _hit(entry: Entry, score: float) -> Hit:
    return Hit(id=entry.id, title=entry.title, text=entry.text, score=score, provenance=entry.provenance)
