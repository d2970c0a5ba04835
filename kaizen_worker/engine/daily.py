"""The daily tempo: what is past retention is deleted; the knowledge base is archived and the archive verified.

Guarantee: nothing that is archived is deleted before the archive that holds it verifies, and a second run of a day
changes nothing. Interactions and cycles are in no archive: they go first, so that a full or locked disk keeps none.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from redis import RedisError

from kaizen_api.metrics import field
from kaizen_api.schema import Effect, Insight, InsightStatus
from kaizen_worker.engine import lifecycle
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.knowledge import snapshots
from kaizen_worker.store import archive
from kaizen_worker.store.log import trim_log

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_LEAVING: dict[InsightStatus, int] = {"confirmed": 0, "no_effect": 0, "reverted": 0, "proposed": 1, "dismissed": 2}
"""Which insights may be archived, the lowest first. The dismissed stay longest: they would come back as proposed."""

_CYCLES_KEPT_DAYS = 30
_GAPS_KEPT_DAYS = 30  # of those that no analysis finds any more, and for which nothing was found


class Rotated(msgspec.Struct, frozen=True, kw_only=True):
    """What one rotation did."""

    tenant: str
    archive: str | None  # manifest of the archive, None where rotation is off
    entries: int
    pruned: list[str]  # manifests that were past their days
    copied: list[str]  # manifests of the archives that `archives_url` lacked
    trimmed: int  # batches of interactions past retention
    insights_archived: int


def rotate(tenant: Tenant, *, now: datetime | None = None, at_once: bool = False, zone: str | None = None) -> Rotated:
    """Rotate, and count how it ended; see `_rotate`."""
    try:
        rotated = _rotate(tenant, now=now, at_once=at_once, zone=zone)
    except Exception:
        with suppress(RedisError):  # then what it failed of says more
            tenant.count(field("kaizen_rotations_total", result="failed"))
        raise
    tenant.count(field("kaizen_rotations_total", result="done"))
    return rotated


def _rotate(tenant: Tenant, *, now: datetime | None, at_once: bool, zone: str | None) -> Rotated:
    """Archive one tenant's knowledge base as of the last midnight in its zone, and clean up.

    Args:
        tenant: Whose.
        now: The time, with a zone; default: the clock.
        at_once: Archive it as it is now, for a person who wants a copy before a change.
        zone: Whose midnight; default: the configured zone.
    """
    config = tenant.config
    now = (now or datetime.now(UTC)).astimezone(ZoneInfo(zone or config.timezone))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    trimmed = trim_log(tenant.redis, tenant=tenant.name, retention_days=config.metrics_retention_days)
    _drop_cycles(tenant, before=_micros(now - timedelta(days=_CYCLES_KEPT_DAYS)))
    _drop_gaps(tenant, before=_micros(now - timedelta(days=_GAPS_KEPT_DAYS)))
    folder = tenant.archives
    written, entries = None, 0
    if config.enable_kb_rotation:
        cutoff = _micros(now if at_once else midnight)
        written = snapshots.archive(tenant.entries.export(), folder, cutoff=cutoff)
        entries = archive.verify(written).count
    keep = timedelta(days=config.kb_rotation_keep_days)
    pruned = archive.prune(folder, before=_micros(midnight - keep)) if folder.is_dir() else []
    moved = _archive_insights(tenant, folder, cutoff=_micros(now))
    copied = _copy(tenant, before=_micros(midnight - keep))
    return Rotated(
        tenant=tenant.name,
        archive=None if written is None else written.name,
        entries=entries,
        pruned=pruned,
        copied=copied,
        trimmed=trimmed,
        insights_archived=moved,
    )


def _copy(tenant: Tenant, *, before: int) -> list[str]:
    """Last, so that a place that does not answer keeps nothing else; the next run copies what this one could not."""
    copies = tenant.copies
    if copies is None:
        return []
    copied = copies.add(tenant.archives)
    copies.prune(before=before)
    return copied


def _archive_insights(tenant: Tenant, folder: Path, *, cutoff: int) -> int:
    """Insights beyond `max_insights_stored` go into an archive of their own: by `_LEAVING`, then the oldest.

    Their effects go with them.
    """
    insights = tenant.insights
    stored = list(insights.all())
    surplus = len(stored) - tenant.config.max_insights_stored
    leaving = sorted((insight for insight in stored if insight.status in _LEAVING), key=_order)
    moving = leaving[: max(0, surplus)]
    if not moving:
        return 0
    effects = [one for one in tenant.effects.many([insight.id for insight in moving]) if one is not None]
    parts = [(kind, _lines(things)) for kind, things in (("insights", moving), ("effects", effects)) if things]
    archive.verify(archive.write(folder, kind="insights", cutoff=cutoff, parts=parts))
    for effect in effects:
        tenant.effects.delete(effect)
    return sum(insights.delete(insight, counts=_leaving(insight)) for insight in moving)


def _lines(things: Sequence[Insight] | Sequence[Effect]) -> list[bytes]:
    return [msgspec.json.encode(thing) + b"\n" for thing in things]


def _order(insight: Insight) -> tuple[int, int, str]:
    return _LEAVING[insight.status], insight.seen_at, insight.id


def _leaving(insight: Insight) -> dict[str, int]:
    return {"kaizen_active_insights": -1} if insight.status in lifecycle.ACTIVE else {}


def _drop_cycles(tenant: Tenant, *, before: int) -> None:
    cycles = tenant.cycles
    for cycle in list(cycles.all()):
        if cycle.requested_at < before:
            cycles.delete(cycle)


def _drop_gaps(tenant: Tenant, *, before: int) -> None:
    """Gaps that were closed before that time and have no entries; found again, such a gap is a new one."""
    for gap in list(tenant.gaps.all()):
        if gap.status == "closed" and not gap.entries and gap.history[-1].at < before:
            tenant.gaps.delete(gap)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
