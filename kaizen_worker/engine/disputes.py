"""Which entries say otherwise than what comes in, from wherever: both stay, and each names the other."""

from collections.abc import Sequence

from kaizen_api.knowledge import Hit
from kaizen_api.schema import Entry
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.knowledge.retrieval import Retrieval
from kaizen_worker.pipeline.gaps.disagreement import Told, opposed

COMPARED = 10
"""Active entries, the likest by their words, that what comes in is compared with."""

SERIES = 3
"""Entries that one may say otherwise than; what differs from more of its like is one of a series, as prices are."""


def near(entry: Entry, *, among: Retrieval) -> list[Hit]:
    """The active entries that are likest by their words; the entry itself may be one of them."""
    return among.search(entry.text, limit=COMPARED + 1, words_alone=True)


def mark(tenant: Tenant, entry: Entry, others: Sequence[Told], *, at: int) -> list[str]:
    """Mark the entry with each of the others that says otherwise of the same thing, and those with it.

    Returns:
        The ids of those that do, in the order given; none of a series.
    """
    found = opposed(entry, [other for other in others if other.id != entry.id])
    if len(found) > SERIES:
        return []
    for other in found:
        tenant.entries.dispute(entry.id, other, at=at)
    return found
