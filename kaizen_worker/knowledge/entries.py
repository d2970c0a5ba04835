"""The entries of one tenant: quarantined, then active, then superseded or expired, with a history.

Every step takes effect once, however often it is replayed and whoever races, and the number of active entries moves in
the same step. What exists is never brought back by adding it again: a replay must not undo a roll-back.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import cast

from msgspec.structs import replace
from redis import Redis

from kaizen_api import keys
from kaizen_api.errors import Conflict, Invalid, NotFound
from kaizen_api.metrics.table import field
from kaizen_api.schema import Entry, EntryState, Step
from kaizen_worker.knowledge.making import entry_id
from kaizen_worker.store.objects import Objects

REPLACED = "replaced"
"""The event of an entry whose text a person replaced under its id."""

RETITLED = "retitled"
"""The event of an entry whose title alone a person replaced."""

_SIZE = field("kaizen_knowledge_base_size")
_BEFORE: Mapping[EntryState, frozenset[EntryState]] = {
    "active": frozenset({"quarantined", "expired"}),
    "superseded": frozenset({"quarantined", "active"}),
    "expired": frozenset({"quarantined", "active", "superseded"}),
}
_CHUNK = 500


class Entries:
    """All entries of one tenant.

    Args:
        redis: Client with undecoded replies.
        tenant: Whose entries.
    """

    def __init__(self, redis: Redis, tenant: str) -> None:
        self._redis = redis
        self._hash = keys.objects(tenant, "entry")
        self._contents = keys.contents(tenant)  # content hash -> id of the entry that has it
        self._objects = Objects(redis, tenant=tenant, kind="entry", type_=Entry, announce=True)

    def get(self, entry_id: str) -> Entry:
        """One entry.

        Raises:
            NotFound: there is none under that id.
        """
        return _found(self._objects.get(entry_id), entry_id)

    def many(self, entry_ids: list[str]) -> list[Entry | None]:
        """The entries of those ids, None where there is none."""
        return self._objects.many(entry_ids)

    def all(self) -> Iterator[Entry]:
        """Every entry in every state, in no order."""
        return self._objects.all()

    def export(self) -> Iterator[Entry]:
        """Every entry in every state, by id; one that is removed meanwhile is left out."""
        ids = sorted(key.decode() for key in cast("list[bytes]", self._redis.hkeys(self._hash)))
        for start in range(0, len(ids), _CHUNK):
            yield from filter(None, self._objects.many(ids[start : start + _CHUNK]))

    def add(self, new: Entry) -> Entry:
        """Take an entry in, unless its content is here already, from wherever and in whatever state.

        Of several gaps that it was found for the one with the smallest id is named, whichever was first; what a person
        added stays theirs.

        Returns:
            The entry that has the content now: the one that was first.
        """
        self._redis.hsetnx(self._contents, new.provenance.content_hash, new.id)
        first = cast("bytes", self._redis.hget(self._contents, new.provenance.content_hash)).decode()
        return self._update(first, lambda old: replace(new, id=first) if old is None else _credited(old, new))

    def put(self, new: Entry, *, at: int) -> Entry:
        """Take an entry in under an id that means something to whoever gave it, in place of what has that id.

        A text that it replaces stays, superseded, under the id that its content gives; what disputed it no longer does.

        Args:
            new: The entry, with an id of its own.
            at: When, us since the epoch.

        Returns:
            What has the id now; the former, whatever its state, if title and text are the same.
        """
        self._redis.hsetnx(self._contents, new.provenance.content_hash, new.id)
        while True:
            old = self._objects.get(new.id)
            if old and (old.title, old.text) == (new.title, new.text):
                return old
            if old and old.text != new.text:
                self._keep(old, at=at)
                self._settle(old, at=at)
            entry = _replacing(old, new, at=at) if old else new
            if self._objects.save(entry, old=old, rank=_rank(entry), counts=_counts(old, entry)):
                return entry

    def load(self, entries: Iterable[Entry]) -> int:
        """Store entries just as they were exported or archived, in place of what has their ids; how many differed."""
        return sum(self._load(entry) for entry in entries)

    def activate(self, entry_id: str, *, at: int, detail: str = "") -> Entry:
        """Let the assistant find it; from quarantine, or back from expiry.

        Raises:
            NotFound: there is none under that id.
            Conflict: it is superseded.
        """
        return self._step(entry_id, "active", at=at, detail=detail)

    def expire(self, entry_id: str, *, at: int, detail: str = "") -> Entry:
        """Take it out of the assistant's sight.

        Raises:
            NotFound: there is none under that id.
        """
        return self._step(entry_id, "expired", at=at, detail=detail)

    def dispute(self, one: str, other: str, *, at: int) -> None:
        """Mark both as saying otherwise of the same thing, each with the other's id; again: nothing more.

        Raises:
            NotFound: there is none under one of the ids.
        """
        for marked, opposed in ((one, other), (other, one)):
            self._update(marked, partial(_marked, name=marked, opposed=opposed, at=at))

    def supersede(self, entry_id: str, *, by: str, at: int) -> Entry:
        """Take it out of sight because the entry `by` says it better.

        Raises:
            NotFound: there is none under that id.
            Conflict: it is expired.
        """
        return self._step(entry_id, "superseded", at=at, detail=by)

    def roll_back(
        self, *, at: int, batch: str | None = None, gap: str | None = None, source: str | None = None
    ) -> list[str]:
        """Expire every entry of a batch, a gap or a source (of all that are given); again: nothing more.

        Returns:
            The ids of those that were not expired before, sorted.

        Raises:
            Invalid: nothing is given.
        """
        wanted = {name: value for name, value in (("batch", batch), ("gap", gap), ("source", source)) if value}
        if not wanted:
            raise Invalid("name the batch, the gap or the source to roll back")
        found = [
            entry.id
            for entry in self.all()
            if entry.state != "expired" and all(getattr(entry.provenance, name) == wanted[name] for name in wanted)
        ]
        reason = "rolled back: " + ", ".join(f"{name} {value}" for name, value in wanted.items())
        return [self.expire(entry_id, at=at, detail=reason).id for entry_id in sorted(set(found))]

    def _step(self, entry_id: str, state: EntryState, *, at: int, detail: str) -> Entry:
        def change(old: Entry | None) -> Entry | None:
            present = _found(old, entry_id)
            if present.state == state:
                return None
            if present.state not in _BEFORE[state]:
                raise Conflict(f"entry {entry_id} is {present.state} and cannot become {state}")
            step = Step(at=at, event=state, detail=detail)
            return replace(present, state=state, history=[*present.history, step])

        return self._update(entry_id, change)

    def _load(self, entry: Entry) -> bool:
        self._redis.hsetnx(self._contents, entry.provenance.content_hash, entry.id)
        different = self._objects.get(entry.id) != entry
        if different:
            self._update(entry.id, lambda _: entry)
        return different

    def _keep(self, old: Entry, *, at: int) -> None:
        kept = entry_id(source=old.provenance.source, url=old.provenance.url, text=old.text)
        step = Step(at=at, event="superseded", detail=old.id)
        copy = replace(old, id=kept, state="superseded", history=[*old.history, step])
        self._update(kept, lambda present: copy if present is None else None)
        self._redis.hset(self._contents, old.provenance.content_hash, kept)

    def _settle(self, old: Entry, *, at: int) -> None:
        """What disputed the old text says nothing of the new one."""
        for other in self.many(old.disputes):
            if other is not None:
                self._update(other.id, partial(_unmarked, name=other.id, opposed=old.id, at=at))

    def _update(self, entry_id: str, change: Callable[[Entry | None], Entry | None]) -> Entry:
        return _found(self._objects.update(entry_id, change, counts=_counts, rank=_rank), entry_id)


def _replacing(old: Entry, new: Entry, *, at: int) -> Entry:
    if old.text == new.text:
        return replace(old, title=new.title, history=[*old.history, Step(at=at, event=RETITLED, detail=old.title)])
    steps = [Step(at=at, event=REPLACED, detail=old.provenance.content_hash), Step(at=at, event=new.state)]
    return replace(new, history=[*old.history, *steps])


def _marked(old: Entry | None, *, name: str, opposed: str, at: int) -> Entry | None:
    present = _found(old, name)
    if opposed in present.disputes:
        return None
    step = Step(at=at, event="disputed", detail=opposed)
    return replace(present, disputes=sorted([*present.disputes, opposed]), history=[*present.history, step])


def _unmarked(old: Entry | None, *, name: str, opposed: str, at: int) -> Entry | None:
    present = _found(old, name)
    if opposed not in present.disputes:
        return None
    step = Step(at=at, event="settled", detail=opposed)
    left = [entry_id for entry_id in present.disputes if entry_id != opposed]
    return replace(present, disputes=left, history=[*present.history, step])


def _credited(old: Entry, new: Entry) -> Entry | None:
    """The entry with the errand of the smaller gap, None if that is its own: fills race, and must end alike."""
    mine, other = old.provenance, new.provenance
    if mine.gap is None or other.gap is None or mine.gap <= other.gap:
        return None
    return replace(old, provenance=replace(mine, query=other.query, gap=other.gap, batch=other.batch))


def _counts(old: Entry | None, new: Entry) -> Mapping[str, int]:
    added = (new.state == "active") - (old is not None and old.state == "active")
    return {_SIZE: added} if added else {}


def _rank(entry: Entry) -> float:
    return float(entry.provenance.retrieved_at)


def _found(entry: Entry | None, entry_id: str) -> Entry:
    if entry is None:
        raise NotFound(f"there is no entry {entry_id}")
    return entry
