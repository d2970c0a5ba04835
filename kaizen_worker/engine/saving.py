"""What a cycle found is merged with what is known: the same finding again is the same insight, with its history.

Everything here may be repeated: it saves the same values under the same ids and counts a thing when it is new.
"""

from collections.abc import Callable
from functools import partial
from typing import cast

import msgspec
from msgspec.structs import replace

from kaizen_api import keys
from kaizen_api.schema import Gap, GapStatus, Insight, Step, Topic
from kaizen_worker.engine import lifecycle
from kaizen_worker.engine.runtime import LOG, Tenant
from kaizen_worker.pipeline.findings.gap import SAID
from kaizen_worker.search.source import OWN
from kaizen_worker.types import Codes, Window

SEARCHED = frozenset({"missing", "stale", "contradictory"})
"""Diagnoses that more knowledge can mend; the others need a person, and say so."""

STRANGE = "out_of_scope"
"""The diagnosis that is held against documents of one's own, where there are some: what they answer is in scope."""

NO_SOURCE = "no source to search is configured; KAIZEN_DOCUMENTS_PATH names a folder of documents"
"""Why a gap is not searched for, in its history."""

SPENT = "the few people who ask this have driven as many searches today as they may: it is searched on another day"
"""Why one is not searched for now."""

SEARCH_OFF = "searching is off; KAIZEN_ENABLE_GAP_FILL=true turns it on"
"""Likewise."""

NO_INSIGHT = (
    "no insight proposes to fill it yet; each analysis stores up to KAIZEN_MAX_INSIGHTS_PER_CYCLE new ones that are as "
    "sure as KAIZEN_CONFIDENCE_THRESHOLD, so the next one may"
)
"""Likewise: there is nothing that a person could approve of."""

NOT_FOUND = "the analysis no longer finds it"
"""Why a gap is closed, in its history."""

_CHUNK = 10_000
_EARLIER = 100  # cycles to look back for older assignments; what is missed expires
_DAY = 86_400
_CLOSABLE = frozenset({"open", "proposed", "unfilled"})


def save_assignments(tenant: Tenant, cycle_id: str, seen: Window, topic: Codes, topics: tuple[Topic, ...]) -> None:
    """The topic of each interaction, by time and id, in chunks; of earlier cycles only the last one keeps its own."""
    key = keys.assignments(tenant.name, cycle_id)
    ids = [*(one.id for one in topics), None]  # the last one is what -1 points to
    for start in range(0, len(seen), _CHUNK):
        rows = [(seen.ids[row], ids[topic[row]]) for row in range(start, min(start + _CHUNK, len(seen)))]
        pipe = tenant.redis.pipeline()
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
        if old is None:
            _tell(tenant, stored[-1])
        if insight.type == "regression":
            lifecycle.reopen(tenant, insight, at=at)
    return stored


def _tell(tenant: Tenant, new: Insight) -> None:
    about = {"tenant": tenant.name, "topic_id": new.topic, "gap_id": new.gap, "interaction_ids": new.evidence}
    LOG.info("insight %s of %s: %s", new.id, tenant.name, new.type, extra={**about, "insight_id": new.id})


def _save_insight(tenant: Tenant, insight: Insight, *, seen_at: int, at: int) -> Insight:
    def merge(old: Insight | None) -> Insight:
        if old is None:
            return replace(insight, seen_at=seen_at, history=[Step(at=at, event="proposed")])
        return replace(insight, seen_at=seen_at, status=old.status, history=old.history)

    counts, rank = lifecycle.insight_counts, lifecycle.insight_rank
    return tenant.insights.update(insight.id, merge, counts=counts, rank=rank) or insight


def save_gaps(
    tenant: Tenant, gaps: list[Gap], *, proposals: dict[str, str], at: int, spent: frozenset[str] = frozenset()
) -> list[str]:
    """Known gaps are brought up to date, new ones opened where an insight proposes to fill them, the others closed.

    Those of `spent` are not searched now.

    Returns:
        The ids of the gaps to be filled now.
    """
    hindrance, searched = _hindrance(tenant), _searched(tenant)
    due = []
    for gap in gaps:
        why_not = hindrance or (SPENT if gap.id in spent else None)
        if gap.diagnosis not in searched:
            why_not = f"a search does not mend it. {SAID[gap.diagnosis][1]}"
        merge = _merging(gap, proposals.get(gap.id), hindrance=why_not, at=at)
        merged = tenant.gaps.update(gap.id, merge, counts=_no_counts, rank=lifecycle.gap_rank)
        if merged is not None and merged.status == "open":
            due.append(merged.id)
            about = {"tenant": tenant.name, "gap_id": gap.id, "insight_id": merged.insight, "topic_id": gap.topic}
            LOG.info("gap %s of %s is to be filled", gap.id, tenant.name, extra=about)
    _close_others(tenant, frozenset(gap.id for gap in gaps), at=at)
    return due


def searchable(tenant: Tenant, gaps: list[Gap], *, proposals: dict[str, str]) -> list[Gap]:
    """Those that would be opened now if nothing else hindered it, in their order."""
    if _hindrance(tenant):
        return []
    known, searched = tenant.gaps.many([gap.id for gap in gaps]), _searched(tenant)
    return [
        gap
        for gap, old in zip(gaps, known, strict=True)
        if gap.diagnosis in searched
        and (gap.id in proposals or (old is not None and old.insight is not None))
        and (old is None or (old.status in {"open", "unfilled", "closed"} and not old.entries))
    ]


def _searched(tenant: Tenant) -> frozenset[str]:
    """The diagnoses that are searched for with the sources that there are."""
    own = any(source.name in OWN for source in tenant.runtime.sources)
    return SEARCHED | {STRANGE} if own else SEARCHED


def _hindrance(tenant: Tenant) -> str | None:
    """Why nothing at all is searched for."""
    if not tenant.config.enable_gap_fill:
        return SEARCH_OFF
    return None if tenant.runtime.sources else NO_SOURCE


def _merging(new: Gap, insight: str | None, *, hindrance: str | None, at: int) -> Callable[[Gap | None], Gap]:
    return lambda old: _merge(old, new, insight, hindrance=hindrance, at=at)


def _merge(old: Gap | None, new: Gap, insight: str | None, *, hindrance: str | None, at: int) -> Gap:
    """Open if knowledge can mend it, somebody can approve of that, and there is where to search; else it says why not.

    A search that found nothing is tried again, and what was closed goes on where it was.
    """
    found = replace(new, status="open", history=[Step(at=at, event="found", detail=new.diagnosis)])
    known = found if old is None else replace(new, status=old.status, entries=old.entries, history=old.history)
    known = in_scope(known)
    gap = replace(known, insight=insight or (old.insight if old is not None else None))
    if gap.status == "closed" and gap.entries:
        return _stepped(gap, "proposed", at=at)
    if gap.status not in {"open", "unfilled", "closed"}:
        return gap
    why_not = hindrance or (NO_INSIGHT if gap.insight is None else None)
    if why_not is not None:
        return _stepped(gap, "unfilled", at=at, detail=why_not)
    return gap if gap.status == "open" else _stepped(gap, "open", at=at)


def in_scope(gap: Gap) -> Gap:
    """The gap, no longer called strange where documents of one's own answered it."""
    return replace(gap, diagnosis="missing") if gap.entries and gap.diagnosis == STRANGE else gap


def _stepped(gap: Gap, status: GapStatus, *, at: int, detail: str = "") -> Gap:
    """The gap in that status; what its history ends with is not said again."""
    last = [(step.event, step.detail) for step in gap.history[-1:]]
    if gap.status == status and last == [(status, detail)]:
        return gap
    return replace(gap, status=status, history=lifecycle.longer(gap.history, Step(at=at, event=status, detail=detail)))


def _close_others(tenant: Tenant, found: frozenset[str], *, at: int) -> None:
    """What waits although no topic needs it any more is closed: neither searched for nor approved of by itself.

    Left as they are: what is filled or dismissed; what a person asked for, which has no topic; what is searched for
    right now, until the next analysis; and what an applied insight is about to let in.
    """
    left = [gap for gap in tenant.gaps.all() if gap.topic and gap.id not in found and gap.status in _CLOSABLE]
    for gap, insight in zip(left, tenant.insights.many([gap.insight or "" for gap in left]), strict=True):
        applied = insight is not None and insight.status in {"applied", "confirmed"}
        if not (applied and gap.status == "proposed"):
            tenant.gaps.update(gap.id, partial(_close, at=at), counts=_no_counts, rank=lifecycle.gap_rank)


def _close(old: Gap | None, *, at: int) -> Gap | None:
    if old is None or old.status not in _CLOSABLE:
        return None
    return _stepped(old, "closed", at=at, detail=NOT_FOUND)


def _no_counts(_old: Gap | None, _new: Gap) -> dict[str, int]:
    return {}
