"""The entries of a tenant at a cut-off, as an archive and back.

`restore(archive(entries, cutoff))` gives every entry as it stood at the cut-off, by id, whatever became of it between
the cut-off and the run; so a run that is repeated after a crash writes the same bytes.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, islice, takewhile
from pathlib import Path
from typing import get_args

import msgspec
from msgspec.structs import replace

from kaizen_api.errors import Invalid
from kaizen_api.schema import Entry, EntryState
from kaizen_worker.knowledge.entries import REPLACED
from kaizen_worker.store import archive as store

KIND = "entries"

PART_ENTRIES = 20_000
"""Entries in one file of an archive."""

_STATES = frozenset(get_args(EntryState))


def archive(entries: Iterable[Entry], folder: Path, *, cutoff: int) -> Path:
    """Write the entries as they stood at the cut-off into an archive of their own; in constant memory.

    Args:
        entries: All of one tenant by id, as `Entries.export` gives them.
        folder: Of the tenant's archives, no other tenant's.
        cutoff: us since the epoch.

    Returns:
        The manifest's path.

    Raises:
        Invalid: the ids don't rise.
    """
    past = filter(None, (as_of(entry, cutoff) for entry in _rising(entries)))
    return store.write(folder, kind=KIND, cutoff=cutoff, parts=_parts(past))


def restore(path: Path) -> Iterator[Entry]:
    """The entries of an archive by id, after all of it has been verified.

    Args:
        path: Its manifest.

    Raises:
        Invalid: a file is absent or not as it was written, or holds no entries; the text names it.
    """
    for part, lines in store.read(path):
        if part.label != KIND:
            raise Invalid(f"{path.name}: an archive of {part.label}, not of {KIND}")
        for line in lines:
            yield msgspec.json.decode(line, type=Entry)


def as_of(entry: Entry, cutoff: int) -> Entry | None:
    """The entry as it stood then, None if it was not there.

    A text that was replaced later is found under the id that its content gives, where it stands superseded now; a title
    is the present one.
    """
    if entry.provenance.retrieved_at > cutoff:
        return None
    past = list(takewhile(lambda step: step.at <= cutoff, entry.history))
    if len(past) == len(entry.history):
        return entry
    states = [step.event for step in past if step.event in _STATES]
    replaced = any(step.event == REPLACED for step in entry.history[len(past) :])
    if replaced or not states:
        return None
    return replace(entry, state=msgspec.convert(states[-1], EntryState), history=past)


def _rising(entries: Iterable[Entry]) -> Iterator[Entry]:
    last = ""
    for entry in entries:
        if entry.id <= last:
            raise Invalid(f"entries must come by id: {entry.id} after {last}")
        last = entry.id
        yield entry


def _parts(entries: Iterator[Entry]) -> Iterator[tuple[str, Iterable[bytes]]]:
    """At least one part, so that an archive of nothing still says of what."""
    yield KIND, map(_line, islice(entries, PART_ENTRIES))
    for first in entries:
        yield KIND, map(_line, chain([first], islice(entries, PART_ENTRIES - 1)))


def _line(entry: Entry) -> bytes:
    return msgspec.json.encode(entry, order="deterministic") + b"\n"
