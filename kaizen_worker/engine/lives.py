"""The life of each topic as analyses saw it: birth, splits, merges, death, and a series, kept beyond its end.

Written from the published topics alone, after they are published: again, it writes the same, and what a killed worker
left out the next analysis makes up for, but for one point of the series. Not read by analyses: nothing follows from it.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from kaizen_api.lives import Life, Point
from kaizen_api.schema import Step, Topic
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.store.snapshot import Snapshot

EVENTS_KEPT = 1000
"""Events of one life; the first stays, then the oldest go."""

POINTS_KEPT = 90
"""Cycles of which each has a point in the series; before them, the last one of each day has."""

DAYS_KEPT = 365
"""Days before those cycles that have a point."""

_DAY = 86_400_000_000  # us


def record(tenant: Tenant, snapshot: Snapshot, *, at: int) -> None:
    """Note what the cycle that published these topics saw; topics that ended longer ago than they know are dropped."""
    living = [topic.id for topic in snapshot.topics]
    for topic, old in zip(snapshot.topics, tenant.lives.many(living), strict=True):
        _save(tenant, _goes_on(old, topic, at=at), old)
    for old in list(_others(tenant, frozenset(living))):
        if old.id not in snapshot.view.gone:
            tenant.lives.delete(old)
        elif not old.ended_at:
            _save(tenant, _ends(old, snapshot.view.gone[old.id], at=at), old)


def thinned(series: list[Point]) -> list[Point]:
    """The last `POINTS_KEPT` points, and of each of the `DAYS_KEPT` days before the last one; the oldest first."""
    early, late = series[:-POINTS_KEPT], series[-POINTS_KEPT:]
    days = {point.at // _DAY: point for point in early}
    return [*list(days.values())[-DAYS_KEPT:], *late]


def _others(tenant: Tenant, living: frozenset[str]) -> Iterator[Life]:
    return (life for life in tenant.lives.all() if life.id not in living)


def _goes_on(old: Life | None, topic: Topic, *, at: int) -> Life:
    """One life more, or one cycle more of it."""
    known = old or Life(id=topic.id, name=topic.name)
    fresh = [step for step in topic.history if step not in known.history]
    earlier = [point for point in known.series if point.at < at]
    seen = Point(at=at, size=topic.size, failure_rate=topic.failure_rate)
    return replace(
        known,
        name=topic.name,
        exemplars=topic.exemplars,
        history=_bounded([*known.history, *fresh]),
        series=thinned([*earlier, seen]),
        into=None,
        ended_at=0,
    )


def _ends(old: Life, heir: str, *, at: int) -> Life:
    step = Step(at=at, event="merged into", detail=heir) if heir else Step(at=at, event="death")
    return replace(old, history=_bounded([*old.history, step]), into=heir or None, ended_at=at)


def _bounded(history: list[Step]) -> list[Step]:
    return [*history[:1], *history[1:][-EVENTS_KEPT + 1 :]]


def _save(tenant: Tenant, new: Life, old: Life | None) -> None:
    """Where another worker was faster, it wrote the same, or what came later."""
    tenant.lives.save(new, old=old)
