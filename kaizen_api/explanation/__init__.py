"""An insight in words: how sure it is, what it is compared with, by which test, who shows it, and what may be done now.

The same words at every door. They follow from what is stored with the insight; the examples are looked up in the log.
"""

from collections.abc import Mapping

import msgspec

from kaizen_api.errors import NotFound
from kaizen_api.explanation import words
from kaizen_api.explanation.examples import Example, examples
from kaizen_api.queries import Queries
from kaizen_api.schema import Cycle, Insight, InsightStatus

EXAMPLES = 5
"""Interactions of the evidence that are shown."""

STEPS: Mapping[InsightStatus, tuple[str, ...]] = {
    "proposed": ("apply", "dismiss"),
    "applied": ("revert",),
    "confirmed": ("revert",),
    "no_effect": ("revert", "apply", "dismiss"),
    "reverted": ("apply", "dismiss"),
    "dismissed": (),
}
"""What a person may do with an insight."""

_SECOND = 1_000_000  # us; findings of one cycle are told apart by less


class Explanation(msgspec.Struct, kw_only=True, frozen=True):
    """An insight in words."""

    where: str
    sureness: str  # what the confidence means
    against: str  # what the effect is measured against
    test: str
    chance: str  # the test's outcome; empty where it was told while it happened
    examples: list[Example]
    gone: list[str]  # ids of evidence that would be shown and is past retention
    first_seen_at: int  # µs since the epoch
    last_seen_at: int
    over_at: int  # when what was told while it happened had ended, 0 if it has not, or nobody watches it
    analysed_at: int  # the last analysis
    stale: bool  # that one no longer found it
    reason: str  # why it was dismissed or reverted
    settled: str | None  # the insight that it reopens
    regression: str | None  # the insight that reopens this one
    steps: list[str]  # what may be done: apply, dismiss, revert


def explain(queries: Queries, insight: Insight) -> Explanation:
    """All that can be said of it now; reads the log for the examples."""
    settled = _get(queries, insight.subject.get("insight"))
    last = queries.last_analysis()
    shown = insight.evidence[:EXAMPLES]
    kept = queries.interactions(shown)
    events = {step.event: step for step in insight.history}
    return Explanation(
        where=_where(queries, insight),
        sureness=words.sureness(insight.confidence),
        against=words.against(insight.type, insight.subject),
        test=words.test(insight, settled),
        chance=words.chance(insight.chance),
        examples=examples(kept, insight.signs),
        gone=[one for one in shown if one not in kept],
        first_seen_at=insight.history[0].at if insight.history else insight.seen_at,
        last_seen_at=insight.seen_at,
        over_at=events["over"].at if "over" in events else 0,
        analysed_at=last.requested_at if last else 0,
        stale=is_stale(insight, last),
        reason=events[insight.status].detail if insight.status in events else "",
        settled=insight.subject.get("insight"),
        regression=events["regression"].detail if "regression" in events else None,
        steps=list(STEPS.get(insight.status, ())),
    )


def is_stale(insight: Insight, last: Cycle | None) -> bool:
    """Whether the last analysis did not find it any more, though it waits or is applied.

    Nor does it look for what was told while it happened, or is settled.
    """
    looked_for = insight.status not in {"confirmed", "dismissed"} and "pattern" not in insight.subject
    return looked_for and last is not None and 0 < insight.seen_at < last.requested_at - _SECOND


def _get(queries: Queries, insight_id: str | None) -> Insight | None:
    try:
        found: Insight | None = queries.get("insight", insight_id) if insight_id else None
    except NotFound:  # archived since
        return None
    return found


def _where(queries: Queries, insight: Insight) -> str:
    subject = insight.subject
    names = {name: subject[name] for name in ("model", "tool") if name in subject}
    topic = insight.topic or subject.get("topic")
    said = [f"topic {_called(queries, topic)}"] if topic else []
    said += [f"{kind} '{name}'" for kind, name in names.items()]
    return ", ".join(said) or ("in no topic yet" if subject.get("pattern") == "new_topic" else "everywhere")


def _called(queries: Queries, topic_id: str) -> str:
    try:
        return f"'{queries.topic(topic_id).name}' ({topic_id})"
    except NotFound:
        return f"{topic_id} (gone)"
