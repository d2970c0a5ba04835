"""The life of an insight: proposed, applied, then confirmed, without effect, or reverted; or dismissed.

Every step is idempotent: asked for again it changes nothing, and counts nothing twice. Applying an insight about a gap
lets the assistant find the entries that were found for it; applying any other serves its recommendation as guidance.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from kaizen_api.errors import Conflict, NotFound
from kaizen_api.masking import mask
from kaizen_api.metrics.table import field
from kaizen_api.schema import Gap, GapStatus, Insight, InsightStatus, Step
from kaizen_worker.engine.runtime import LOG, Tenant

ACTIVE: frozenset[InsightStatus] = frozenset({"proposed", "applied", "confirmed"})
"""An insight that somebody still has to look at, or that has its effect."""

HISTORY_KEPT = 50
"""Steps in the history of an insight or a gap."""

_SETTLED: frozenset[GapStatus] = frozenset({"filled", "dismissed", "closed"})
_BEHIND = 1e9  # more than people can fail in all

UNSAID = "by a person"
"""The reason where none is given."""

REASON = 1_000
"""Characters of a reason that are kept."""

_BEFORE: Mapping[InsightStatus, frozenset[InsightStatus]] = {
    "applied": frozenset({"proposed", "reverted", "no_effect"}),
    "confirmed": frozenset({"applied"}),
    "no_effect": frozenset({"applied"}),
    "reverted": frozenset({"applied", "confirmed", "no_effect"}),
    "dismissed": frozenset({"proposed", "reverted", "no_effect"}),
}


def apply(tenant: Tenant, insight_id: str, *, at: int) -> Insight:
    """Let it take effect.

    Raises:
        NotFound: there is no such insight.
    """
    insight = step(tenant, insight_id, "applied", at=at)
    if insight.gap is not None:
        let_in(tenant, insight.gap, at=at)
    return insight


def dismiss(tenant: Tenant, insight_id: str, *, reason: str, at: int) -> Insight:
    """Put it aside for good: the same finding later is the same insight, and stays dismissed.

    Dismissed again for another reason, that is kept beside the first one, in the bounds of its history.

    Raises:
        NotFound: there is no such insight.
        Conflict: it is applied: revert it first.
    """
    reason = mask(reason)[:REASON]
    insight = step(tenant, insight_id, "dismissed", at=at, detail=reason)
    if reason not in {"", UNSAID, *(one.detail for one in insight.history if one.event == "dismissed")}:
        insight = _add(tenant, insight, Step(at=at, event="dismissed", detail=reason))
    if insight.gap is not None:
        set_gap(tenant, insight.gap, "dismissed", at=at, detail=reason)
    return insight


def revert(tenant: Tenant, insight_id: str, *, reason: str, at: int) -> Insight:
    """Take back what applying it did.

    Raises:
        NotFound: there is no such insight.
        Conflict: it was never applied.
    """
    reason = mask(reason)[:REASON]
    insight = step(tenant, insight_id, "reverted", at=at, detail=reason)
    if insight.gap is not None:
        set_gap(tenant, insight.gap, "proposed", at=at, detail=reason)
        take_out(tenant, insight.gap, at=at)
    return insight


def _add(tenant: Tenant, insight: Insight, noted: Step) -> Insight:
    """Note one more step with an insight, whose status stays."""

    def change(old: Insight | None) -> Insight | None:
        return None if old is None else replace(old, history=longer(old.history, noted))

    return tenant.insights.update(insight.id, change, counts=lambda _old, _new: {}, rank=insight_rank) or insight


def reopen(tenant: Tenant, regression: Insight, *, at: int) -> None:
    """Note with a settled insight that it came back as that one; again, it changes nothing."""
    noted = Step(at=at, event="regression", detail=regression.id)

    def change(old: Insight | None) -> Insight | None:
        known = old is None or any((one.event, one.detail) == (noted.event, noted.detail) for one in old.history)
        return None if old is None or known else replace(old, history=longer(old.history, noted))

    tenant.insights.update(regression.subject["insight"], change, counts=lambda _old, _new: {}, rank=insight_rank)


def settled(tenant: Tenant) -> dict[str, float]:
    """Insight id → when it was confirmed, us since the epoch, of those that still are."""
    return {
        insight.id: float(next(one.at for one in reversed(insight.history) if one.event == "confirmed"))
        for insight in tenant.insights.all()
        if insight.status == "confirmed"
    }


def let_in(tenant: Tenant, gap_id: str, *, at: int) -> None:
    """Let the assistant find the entries of a gap, those that screening flagged excepted."""
    gap = tenant.gaps.get(gap_id)
    if gap is None or not gap.entries:
        return
    entries = tenant.entries
    for entry in entries.many(gap.entries):
        if entry is not None and not entry.flags and entry.state != "superseded":
            entries.activate(entry.id, at=at, detail=f"gap {gap_id}")
    set_gap(tenant, gap_id, "filled", at=at)


def take_out(tenant: Tenant, gap_id: str, *, at: int) -> None:
    """Keep from the assistant what was let in for a gap; what a person added, or another filled gap shares, stays."""
    gap = tenant.gaps.get(gap_id)
    if gap is None:
        return
    filled = (other for other in tenant.gaps.all() if other.status == "filled" and other.id != gap_id)
    shared = {entry for other in filled for entry in other.entries}
    for entry in tenant.entries.many([entry for entry in gap.entries if entry not in shared]):
        if entry is not None and entry.state == "active" and entry.provenance.gap is not None:
            tenant.entries.expire(entry.id, at=at, detail=f"rolled back: gap {gap_id}")


def reconcile(tenant: Tenant, *, at: int) -> None:
    """Finish what was interrupted between an insight's step and what the step means for its entries.

    The insight's status is what counts; again, it changes nothing.
    """
    about_gaps = [insight for insight in tenant.insights.all() if insight.gap is not None]
    gaps = tenant.gaps.many([insight.gap or "" for insight in about_gaps])
    for insight, gap in zip(about_gaps, gaps, strict=True):
        if gap is None:
            continue
        if insight.status in {"applied", "confirmed"} and gap.status == "proposed":
            let_in(tenant, gap.id, at=at)
        elif insight.status in {"reverted", "dismissed"} and gap.entries:
            if gap.status == "filled":
                set_gap(tenant, gap.id, "proposed", at=at)
            take_out(tenant, gap.id, at=at)
        elif insight.status == "proposed" and gap.status == "proposed":
            apply_if_sure(tenant, insight, at=at)


def apply_if_sure(tenant: Tenant, insight: Insight, *, at: int) -> None:
    """Apply it where the settings say so."""
    if tenant.config.enable_auto_apply and insight.confidence >= tenant.config.auto_apply_threshold:
        apply(tenant, insight.id, at=at)


def longer(history: list[Step], *steps: Step) -> list[Step]:
    """The history with those steps; of `HISTORY_KEPT` the first one stays, then the oldest go."""
    whole = [*history, *steps]
    return [*whole[:1], *whole[1:][-HISTORY_KEPT + 1 :]]


def step(tenant: Tenant, insight_id: str, status: InsightStatus, *, at: int, detail: str = "") -> Insight:
    """Bring an insight into a status, with its history and what that counts."""

    def change(old: Insight | None) -> Insight | None:
        if old is None:
            raise NotFound(f"no insight {insight_id}: `kaizen insights` lists them")
        if old.status == status:
            return None
        if old.status not in _BEFORE[status]:
            raise Conflict(f"insight {insight_id} is {old.status} and cannot become {status}{_remedy(old, status)}")
        return replace(old, status=status, history=longer(old.history, Step(at=at, event=status, detail=detail)))

    changed = tenant.insights.update(insight_id, change, counts=insight_counts, rank=insight_rank)
    if changed is None:
        raise NotFound(insight_id)
    about = {"tenant": tenant.name, "insight_id": changed.id, "gap_id": changed.gap, "topic_id": changed.topic}
    LOG.info("insight %s of %s: %s", changed.id, tenant.name, changed.status, extra=about)
    return changed


def _remedy(old: Insight, status: InsightStatus) -> str:
    if old.status == "dismissed":
        return ": it was put aside for good, and nothing of it is in effect"
    if status == "dismissed" and old.status in {"applied", "confirmed"}:
        return ": revert it first"
    return ": apply it first" if status == "reverted" else ""


def insight_counts(old: Insight | None, new: Insight) -> dict[str, int]:
    """What the step from one to the other adds to the metrics."""
    counts = {field("kaizen_active_insights"): (new.status in ACTIVE) - (old is not None and old.status in ACTIVE)}
    if old is None:
        counts[field("kaizen_insights_total", insight_type=new.type)] = 1
    elif old.status != new.status:
        if new.status == "applied":
            counts[field("kaizen_insights_applied")] = 1
            counts[field("kaizen_insight_applications_total")] = 1
        if new.status in {"confirmed", "no_effect", "reverted"}:
            counts[field("kaizen_effects_total", verdict=new.status)] = 1
    return {series: step for series, step in counts.items() if step}


def insight_rank(insight: Insight) -> float:
    """Lists show what was seen last first."""
    return float(insight.seen_at)


def set_gap(tenant: Tenant, gap_id: str, status: str, *, at: int, detail: str = "") -> Gap | None:
    """Bring a gap into a status; a second time changes nothing."""

    def change(old: Gap | None) -> Gap | None:
        if old is None or old.status == status:
            return None
        return replace(old, status=status, history=longer(old.history, Step(at=at, event=status, detail=detail)))

    return tenant.gaps.update(gap_id, change, counts=lambda _old, _new: {}, rank=gap_rank)


def gap_rank(gap: Gap) -> float:
    """The order of work: whoever fails most people comes first, and what is settled behind everything that is not."""
    return gap.users * gap.deficit - (_BEHIND if gap.status in _SETTLED else 0.0)
