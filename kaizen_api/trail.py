"""What came of one interaction: from it to its trace, analysis, topic, insights, gaps and entries, by their ids.

The last two analyses are known; what an earlier one made of it is found by the insights that name it as evidence.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal

import msgspec

from kaizen_api.errors import NotFound
from kaizen_api.queries import MAX_PAGE, Queries
from kaizen_api.schema import Gap, Insight, Record

_ANALYSES = 2
"""Analyses whose assignments are kept."""


class Finding(msgspec.Struct, kw_only=True, frozen=True):
    """An insight, and what it has to do with the interaction."""

    id: str
    type: str
    status: str
    why: Literal["evidence", "topic"]  # it rests on the interaction, or is about its topic


class Trail(msgspec.Struct, kw_only=True, frozen=True):
    """What came of an interaction so far; empty where nothing did."""

    trace: str | None  # of whoever brought it, for whatever shows traces
    analysis: str | None  # the last one that looked at it
    topic: str | None  # where that put it; None: nowhere
    insights: list[Finding]
    gaps: list[str]
    entries: list[str]  # what was found for the gaps


def trail(queries: Queries, record: Record) -> Trail:
    """The trail of an interaction; goes through what the last analyses assigned, and all insights and gaps."""
    analysis, topic = _assigned(queries, record.id)
    insights = [found for one in _all(queries, "insight") if (found := _finding(one, record.id, topic))]
    about = {found.id for found in insights if found.why == "evidence"}
    gaps = [gap for gap in _all(queries, "gap") if _concerns(gap, record.id, topic) or gap.insight in about]
    return Trail(
        trace=record.trace and record.trace.partition("-")[0],
        analysis=analysis,
        topic=topic,
        insights=insights,
        gaps=[gap.id for gap in gaps],
        entries=list(dict.fromkeys(entry for gap in gaps for entry in gap.entries)),
    )


def _assigned(queries: Queries, interaction_id: str) -> tuple[str | None, str | None]:
    """The last analysis that looked at it, and its topic there."""
    done = (cycle for cycle in _all(queries, "cycle") if cycle.status == "done")
    for cycle in islice(done, _ANALYSES):
        try:
            for one, topic in queries.assignments(cycle.id):
                if one == interaction_id:
                    return cycle.id, topic
        except NotFound:  # they go while we look
            continue
    return None, None


def _finding(insight: Insight, interaction_id: str, topic: str | None) -> Finding | None:
    evidence = interaction_id in insight.evidence
    if not evidence and (topic is None or insight.topic != topic):
        return None
    why: Literal["evidence", "topic"] = "evidence" if evidence else "topic"
    return Finding(id=insight.id, type=insight.type, status=insight.status, why=why)


def _concerns(gap: Gap, interaction_id: str, topic: str | None) -> bool:
    return interaction_id in gap.evidence or (topic is not None and gap.topic == topic)


def _all(queries: Queries, kind: str) -> Iterator[Any]:
    """Every object of a kind, the highest rank first."""
    cursor: str | None = None
    while True:
        page = queries.page(kind, cursor=cursor, limit=MAX_PAGE)
        yield from page.items
        if (cursor := page.next) is None:
            return
