"""Topics as people decided to see them: what ended, what counts as one, and what that adds up to."""

from collections.abc import Sequence
from dataclasses import replace

from kaizen_api.decided import Decided, group
from kaizen_api.schema import Topic
from kaizen_worker.engine.runtime import Tenant
from kaizen_worker.engine.traced import Traced
from kaizen_worker.pipeline.membership import Naming, describe
from kaizen_worker.pipeline.sketch import Sketch, merge
from kaizen_worker.store.snapshot import Snapshot

GONE_KEPT = 1000
"""Topics that ended and can still be shown, the latest; those that people decided about stay as well."""


def decided_now(tenant: Tenant, last: Snapshot | None, found: Traced) -> Decided:
    """What people decided, with the topics that ended by now and in this cycle."""
    decided = Decided({one.id: one for one in tenant.decisions.all()}, {})
    return replace(decided, gone=_gone(last, decided, found))


def together(
    naming: Naming, sketched: Sequence[Sketch], shown: Sequence[str], *, interactions: int
) -> dict[str, Topic]:
    """What the topics that people merged add up to, by the group's name.

    Args:
        naming: What the k topics are called.
        sketched: k sketches of them.
        shown: The id (k) under which each is seen.
        interactions: How many there are, with those of no topic.
    """
    members: dict[str, list[int]] = {}
    for code, each in enumerate(shown):
        members.setdefault(each, []).append(code)
    found: dict[str, Topic] = {}
    for codes in members.values():
        if len(codes) > 1:
            head = naming.of(codes[0])
            (topic,) = describe(head, [merge(sketched[code] for code in codes)], interactions=interactions)
            found[group(naming.ids[code] for code in codes)] = topic
    return found


def _gone(last: Snapshot | None, decided: Decided, found: Traced) -> dict[str, str]:
    """Topics that ended, with their heirs; the oldest go first, unless people chose them."""
    ended = {event.id: event.relative or "" for event in found.events if event.kind in {"merge", "death"}}
    before = last.view.gone if last is not None else {}
    gone = {topic: heir for topic, heir in {**before, **ended}.items() if topic not in found.ids}
    chosen = {*decided.decisions, *(one.into for one in decided.decisions.values())}
    late = set(list(gone)[-GONE_KEPT:])
    return {topic: heir for topic, heir in gone.items() if topic in late or topic in chosen}
