"""The proof: conversations that went without an applied change, against those that had it.

Who goes without is decided by a hash of the conversation and the insight, at answer time and here alike, so nothing has
to be recorded. The test may be looked at after every cycle: its p-value holds at any time.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kaizen_api.decided import Decided
from kaizen_api.metrics import field
from kaizen_api.schema import Effect, Insight
from kaizen_worker.engine import lifecycle
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.pipeline.effect import arms, measure
from kaizen_worker.types import Sample


@dataclass(frozen=True, slots=True)
class Measured:
    """An applied insight whose entries some conversations go without."""

    insight: str
    entries: frozenset[str]


def measured(tenant: Tenant, insights: Iterable[Insight]) -> tuple[Measured, ...]:
    """The insights whose effect is being measured; none where nothing is held out."""
    if tenant.config.hold_out == 0:
        return ()
    applied = [insight for insight in insights if insight.status == "applied" and insight.gap is not None]
    gaps = tenant.gaps.many([insight.gap or "" for insight in applied])
    pairs = zip(applied, gaps, strict=True)
    return tuple(Measured(insight.id, frozenset(gap.entries)) for insight, gap in pairs if gap is not None)


def measure_all(tenant: Tenant, sample: Sample, *, decided: Decided, at: int) -> list[Effect]:
    """Measure every applied insight about a gap, and settle those whose effect is certain.

    Confirmed: failures fell. No effect: they did not by anything that matters. Harmful: they rose, and it is reverted.
    """
    applied = [insight for insight in tenant.insights.all() if insight.status == "applied" and insight.gap]
    effects = [_measure(tenant, sample, insight, decided) for insight in sorted(applied, key=lambda one: one.id)]
    for effect in effects:
        tenant.effects.update(effect.id, _becomes(effect), counts=_counts, rank=_rank)
        _settle(tenant, effect, at=at)
    return effects


def _measure(tenant: Tenant, sample: Sample, insight: Insight, decided: Decided) -> Effect:
    applied_at = next(step.at for step in reversed(insight.history) if step.event == "applied")
    change: dict[str, Any] = {"insight": insight.id, "topic": insight.topic or "", "applied_at": applied_at}
    seen_as = decided.seen_as(change["topic"])  # what merged since is measured where it is now
    exposed, held = arms(sample, **{**change, "topic": seen_as}, share=tenant.config.hold_out)
    return measure(exposed, held, **change)


def _becomes(effect: Effect) -> Callable[[Effect | None], Effect]:
    return lambda _: effect


def _counts(old: Effect | None, new: Effect) -> dict[str, int]:
    """Harm counts once each time the insight was applied."""
    known = old is not None and old.verdict == "harmful" and old.applied_at == new.applied_at
    return {field("kaizen_harmful_effects_total"): 1} if new.verdict == "harmful" and not known else {}


def _rank(effect: Effect) -> float:
    return float(effect.applied_at)


def _settle(tenant: Tenant, effect: Effect, *, at: int) -> None:
    detail = f"{effect.difference.estimate:+.2f} failures a conversation, p {effect.p_value:.2g}"
    if effect.verdict == "harmful":
        lifecycle.revert(tenant, effect.insight, reason=f"harmful: {detail}", at=at)
    elif effect.verdict != "measuring":
        lifecycle.step(tenant, effect.insight, effect.verdict, at=at, detail=detail)
