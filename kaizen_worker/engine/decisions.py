"""What people decide about topics: names, and what counts as one.

Each decision is stored for itself, so that no analysis, whenever it publishes, can lose one. It takes effect at once;
again, it changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from kaizen_api.decided import MAX_TOPIC_NAME, Decided
from kaizen_api.errors import Conflict, Invalid
from kaizen_api.metrics.table import field
from kaizen_api.schema import Decision, Step, Topic
from kaizen_api.topics import Standing, look_up, standing
from kaizen_worker.engine.runtime import Tenant

HISTORY_KEPT = 200
"""Decisions about one topic that are remembered; the oldest go first."""


def rename(tenant: Tenant, topic_id: str, name: str | None, *, at: int) -> Topic:
    """Call a topic so from now on, whatever analyses find; None gives it back its automatic name.

    Raises:
        NotFound: there is no such topic.
        Invalid: the name is blank, longer than `MAX_TOPIC_NAME`, or has characters that cannot be printed.
        Conflict: another topic is called so, or this one is shown as another.
    """
    stands = standing(tenant.redis, tenant.name)
    _check_shown(tenant, stands, topic_id)
    wanted = None if name is None else _checked(name)
    same = next((one for one in stands.topics() if wanted and one.name.casefold() == wanted.casefold()), None)
    if same is not None and same.id != topic_id:
        raise Conflict(f"topic {same.id} is called {same.name!r} already: choose another name, or merge the two")
    event = Step(at=at, event="renamed", detail=wanted) if wanted else Step(at=at, event="automatic name")
    _decide(tenant, topic_id, lambda old: old if old.name == wanted else replace(old, name=wanted), event)
    return look_up(tenant.redis, tenant.name, topic_id)


def merge(tenant: Tenant, topic_ids: Sequence[str], into: str, *, at: int) -> Topic:
    """Have these topics count to another one from now on; all of them or, where one cannot, none.

    Raises:
        NotFound: there is no such topic.
        Conflict: a topic would be merged into itself, or one of them is shown as another already.
    """
    stands = standing(tenant.redis, tenant.name)
    _check_shown(tenant, stands, into)
    for topic_id in topic_ids:
        _check_mergeable(tenant, stands, topic_id, into)
    for topic_id in topic_ids:
        event = Step(at=at, event="merged by a person", detail=into)
        _decide(tenant, topic_id, lambda old: old if old.into == into else replace(old, into=into), event)
    return look_up(tenant.redis, tenant.name, into)


def split(tenant: Tenant, topic_id: str, *, at: int) -> Topic:
    """Undo what `merge` did with this topic; it is shown as analyses went on to find it.

    Raises:
        NotFound: there is no such topic.
        Conflict: no person merged it, but an analysis did.
    """
    topic = look_up(tenant.redis, tenant.name, topic_id)
    decision = tenant.decisions.get(topic_id)
    if decision is None or decision.into is None:
        if topic.into is None:
            return topic
        raise Conflict(f"topic {topic_id} went into {topic.into} by itself: an analysis that finds it again shows it")
    event = Step(at=at, event="unmerged", detail=decision.into)
    _decide(tenant, topic_id, lambda old: old if old.into is None else replace(old, into=None), event)
    return look_up(tenant.redis, tenant.name, topic_id)


def _decide(tenant: Tenant, topic_id: str, change: Callable[[Decision], Decision], event: Step) -> None:
    """Store the changed decision with the event, and count what it changes in the number of topics."""
    stands = standing(tenant.redis, tenant.name)

    def decide(old: Decision | None) -> Decision | None:
        known = old or Decision(id=topic_id)
        new = change(known)
        return None if new is known else replace(new, history=[*known.history, event][-HISTORY_KEPT:])

    def counts(_old: Decision | None, new: Decision) -> dict[str, int]:
        more = _shown(stands, {**stands.decided.decisions, topic_id: new}) - _shown(stands, stands.decided.decisions)
        return {field("kaizen_topics"): more} if more else {}

    tenant.decisions.update(topic_id, decide, counts=counts)


def _shown(stands: Standing, decisions: Mapping[str, Decision]) -> int:
    """How many topics people see with these decisions."""
    decided = Decided(decisions, stands.decided.gone)
    return len({decided.seen_as(topic.id) for topic in stands.found})


def _check_shown(tenant: Tenant, stands: Standing, topic_id: str) -> None:
    """Nothing, where the topic is shown under its own id.

    Raises:
        NotFound: there is no such topic.
        Conflict: it is shown as another one, or has ended.
    """
    if any(topic.id == topic_id for topic in stands.topics()):
        return
    former = look_up(tenant.redis, tenant.name, topic_id)
    if former.into is None:
        raise Conflict(f"topic {topic_id} has ended: `kaizen topics` lists those there are")
    undo = f", or `kaizen topics split {topic_id}` first" if stands.decided.counts_to(topic_id) != topic_id else ""
    raise Conflict(f"topic {topic_id} is a part of {former.into}: name that one instead{undo}")


def _check_mergeable(tenant: Tenant, stands: Standing, topic_id: str, into: str) -> None:
    if topic_id == into:
        raise Conflict(f"topic {into} cannot be merged into itself: name another one")
    known = stands.decided.decisions.get(topic_id)
    if known is None or known.into != into:  # done already: that may be asked for again
        _check_shown(tenant, stands, topic_id)


def _checked(name: str) -> str:
    """The name without needless blanks."""
    settled = " ".join(name.split())
    if not settled:
        raise Invalid("the name is blank: give it at least one character")
    if len(settled) > MAX_TOPIC_NAME:
        raise Invalid(f"the name has {len(settled)} characters: {MAX_TOPIC_NAME} at most")
    if not settled.isprintable():
        raise Invalid("the name has characters that cannot be printed: leave them out")
    return settled
