"""Which entries say otherwise than what comes in, from wherever: both stay, and each names the other."""

from collections.abc import Sequence

from kaizen_api.schema import Entry
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.knowledge.retrieval import Retrieval
from kaizen_worker.pipeline.gaps.disagreement import disagree

COMPARED = 10
"""Active entries, the likest by their words, that what comes in is compared with."""


def near(tenant: Tenant, entry: Entry, *, among: Retrieval) -> list[Entry]:
    """The active entries that are likest by their words, without the entry itself."""
    hits = among.search(entry.text, limit=COMPARED, exclude=frozenset({entry.id}), words_alone=True)
    return present(tenant, [hit.id for hit in hits])


def present(tenant: Tenant, entry_ids: Sequence[str]) -> list[Entry]:
    """Those of these entries that there are."""
    return [entry for entry in tenant.entries.many(list(entry_ids)) if entry is not None]


def mark(tenant: Tenant, entry: Entry, others: Sequence[Entry], *, at: int) -> list[str]:
    """Mark the entry with each of the others that says otherwise of the same thing, and those with it.

    Returns:
        The ids of those that do, in the order given.
    """
    opposed = [other.id for other in others if other.id != entry.id and disagree(entry, other)]
    for other in opposed:
        tenant.entries.dispute(entry.id, other, at=at)
    return opposed
