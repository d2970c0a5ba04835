"""What a cycle found is merged with what is known: the same finding again is the same insight, with its history.

Everything here may be repeated: it saves the same values under the same ids and counts a thing when it is new.
"""

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from kaizen_api import keys
from kaizen_api.schema import Gap, Insight, Step, Topic
from kaizen_worker.engine import lifecycle
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.types import Codes, Window

SEARCHED = frozenset({"missing", "stale", "contradictory"})
"""Diagnoses that more knowledge can mend; the others need a person, and say so."""

_CHUNK = 10_000
_DAY = 86_400


def save_assignments(tenant: Tenant, cycle_id: str, seen: Window, topic: Codes, topics: tuple[Topic, ...]) -> None:
    """The topic of each interaction, by time and id, in chunks that expire with the window."""
    key = keys.assignments(tenant.name, cycle_id)
    ids = [*(one.id for one in topics), None]  # the last one is what -1 points to
    pipe = tenant.redis.pipeline(transaction=False)
    for start in range(0, len(seen), _CHUNK):
        rows = [(seen.ids[row], ids[topic[row]]) for row in range(start, min(start + _CHUNK, len(seen)))]
        pipe.hset(key, str(start // _CHUNK), msgspec.msgpack.encode(rows))
    pipe.expire(key, tenant.config.metrics_retention_days * _DAY)
    pipe.execute()


def save_insights(tenant: Tenant, insights: list[Insight], *, at: int) -> list[Insight]:
    """Known insights are brought up to date; of the new ones the strongest `max_insights_per_cycle` are stored."""
    stored = []
    room = tenant.config.max_insights_per_cycle
    known = tenant.insights.many([insight.id for insight in insights])
    for place, (insight, old) in enumerate(zip(insights, known, strict=True)):
        if old is None or old.seen_at == at - place:  # the second: stored by this cycle, before it was interrupted
            if room == 0:
                continue
            room -= 1
        stored.append(_save_insight(tenant, insight, seen_at=at - place, at=at))
    return stored


def _save_insight(tenant: Tenant, insight: Insight, *, seen_at: int, at: int) -> Insight:
    def merge(old: Insight | None) -> Insight:
        if old is None:
            return replace(insight, seen_at=seen_at, history=[Step(at=at, event="proposed")])
        return replace(insight, seen_at=seen_at, status=old.status, history=old.history)

    counts, rank = lifecycle.insight_counts, lifecycle.insight_rank
    return tenant.insights.update(insight.id, merge, counts=counts, rank=rank) or insight


def save_gaps(tenant: Tenant, gaps: list[Gap], *, proposals: dict[str, str], at: int) -> list[str]:
    """Known gaps are brought up to date, new ones opened where an insight proposes to fill them.

    Returns:
        The ids of the gaps to be filled now.
    """
    due = []
    for gap in gaps:
        merged = tenant.gaps.update(
            gap.id,
            _merging(gap, proposals.get(gap.id), at=at),
            counts=lambda _old, _new: {},
            rank=lifecycle.gap_rank,
        )
        if merged is not None and merged.status == "open" and tenant.config.enable_gap_fill:
            due.append(merged.id)
    return due


def _merging(new: Gap, insight: str | None, *, at: int) -> Callable[[Gap | None], Gap]:
    return lambda old: _merge(old, new, insight, at=at)


def _merge(old: Gap | None, new: Gap, insight: str | None, *, at: int) -> Gap:
    """Open if knowledge can mend it and somebody can approve of that; a search that found nothing is tried again."""
    proposed_by = insight or (old.insight if old is not None else None)
    searchable = new.diagnosis in SEARCHED and proposed_by is not None
    if old is None:
        first = Step(at=at, event="found", detail=new.diagnosis)
        return replace(new, status="open" if searchable else "unfilled", insight=proposed_by, history=[first])
    again = old.status == "unfilled" and searchable
    return replace(
        new,
        status="open" if again else old.status,
        insight=proposed_by,
        entries=old.entries,
        history=[*old.history, Step(at=at, event="open")] if again else old.history,
    )
