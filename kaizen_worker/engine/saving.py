"""What a cycle found is merged with what is known: the same finding again is the same insight, with its history.

Everything here may be repeated: it saves the same values under the same ids and counts a thing when it is new.
"""

from collections.abc import Callable
from typing import cast

import msgspec
from msgspec.structs import replace

from kaizen_api import keys
from kaizen_api.schema import Gap, GapStatus, Insight, Step, Topic
from kaizen_worker.engine import lifecycle
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.engine.topics import HISTORY_KEPT
from kaizen_worker.types import Codes, Window

SEARCHED = frozenset({"missing", "stale", "contradictory"})
"""Diagnoses that more knowledge can mend; the others need a person, and say so."""

NO_SOURCE = "no source to search is configured"
"""Note in the history of a gap that would be searched for."""

_CHUNK = 10_000
_EARLIER = 100  # cycles to look back for older assignments; what is missed expires
_DAY = 86_400


def save_assignments(tenant: Tenant, cycle_id: str, seen: Window, topic: Codes, topics: tuple[Topic, ...]) -> None:
    """The topic of each interaction, by time and id, in chunks; of earlier cycles only the last one keeps its own."""
    key = keys.assignments(tenant.name, cycle_id)
    ids = [*(one.id for one in topics), None]  # the last one is what -1 points to
    pipe = tenant.redis.pipeline(transaction=False)
    for start in range(0, len(seen), _CHUNK):
        rows = [(seen.ids[row], ids[topic[row]]) for row in range(start, min(start + _CHUNK, len(seen)))]
        pipe.hset(key, str(start // _CHUNK), msgspec.msgpack.encode(rows))
    pipe.expire(key, tenant.config.metrics_retention_days * _DAY)
    pipe.execute()
    _drop_assignments(tenant, before=cycle_id)


def _drop_assignments(tenant: Tenant, *, before: str) -> None:
    """Of the cycles before that one only the newest that has assignments keeps them, to compare with."""
    redis, order = tenant.redis, keys.order(tenant.name, "cycle")
    place = cast("int | None", redis.zrevrank(order, before))
    if place is None:
        return
    earlier = cast("list[bytes]", redis.zrevrange(order, place + 1, place + _EARLIER))
    names = [keys.assignments(tenant.name, cycle.decode()) for cycle in earlier]
    pipe = redis.pipeline(transaction=False)
    for name in names:
        pipe.exists(name)
    stored = [name for name, there in zip(names, pipe.execute(), strict=True) if there]
    if stored[1:]:
        redis.unlink(*stored[1:])


def longer(history: list[Step], *steps: Step) -> list[Step]:
    """The history with those steps; of `HISTORY_KEPT` the first one stays, then the oldest go."""
    whole = [*history, *steps]
    return [*whole[:1], *whole[1:][-HISTORY_KEPT + 1 :]]


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
            _merging(gap, proposals.get(gap.id), sources=bool(tenant.runtime.sources), at=at),
            counts=lambda _old, _new: {},
            rank=lifecycle.gap_rank,
        )
        if merged is not None and merged.status == "open" and tenant.config.enable_gap_fill:
            due.append(merged.id)
    return due


def _merging(new: Gap, insight: str | None, *, sources: bool, at: int) -> Callable[[Gap | None], Gap]:
    return lambda old: _merge(old, new, insight, sources=sources, at=at)


def _merge(old: Gap | None, new: Gap, insight: str | None, *, sources: bool, at: int) -> Gap:
    """Open if knowledge can mend it, somebody can approve of that, and there is where to search.

    A search that found nothing is tried again.
    """
    proposed_by = insight or (old.insight if old is not None else None)
    searchable = new.diagnosis in SEARCHED and proposed_by is not None
    if old is None:
        history = [Step(at=at, event="found", detail=new.diagnosis)]
        if searchable and not sources:
            history.append(Step(at=at, event="unfilled", detail=NO_SOURCE))
        status: GapStatus = "open" if searchable and sources else "unfilled"
        return replace(new, status=status, insight=proposed_by, history=history)
    again = old.status == "unfilled" and searchable and sources
    return replace(
        new,
        status="open" if again else old.status,
        insight=proposed_by,
        entries=old.entries,
        history=longer(old.history, Step(at=at, event="open")) if again else old.history,
    )
