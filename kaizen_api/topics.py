"""Topics as people see them, what happened to each, and where one went that is no more. Nothing here writes."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec
from msgspec.structs import replace
from redis import Redis

from kaizen_api import keys
from kaizen_api.decided import Decided, View, decided, fold
from kaizen_api.errors import NotFound
from kaizen_api.lives import Event, History, Life, Point
from kaizen_api.schema import Step, Topic

_TARGETS = {"merged by a person": "took in by a person", "unmerged": "gave back"}
"""What people did with one topic → what that was for the other."""

_RELATED = frozenset({"split off", "gave", "took in", "merged into", *_TARGETS, *_TARGETS.values()})
"""Events whose detail is the id of another topic."""


class Standing(msgspec.Struct, frozen=True):
    """A tenant's topics with what people decided about them, read at one moment."""

    found: list[Topic]  # by the last analysis
    view: View  # as that analysis was published
    decided: Decided
    live: Mapping[str, int]  # interactions since then, by the id under which they were shown

    def topics(self) -> list[Topic]:
        """What people see, the largest first, with what came in since the last analysis."""
        live: dict[str, int] = {}
        for topic_id, count in self.live.items():
            seen_as = self.decided.seen_as(topic_id)
            live[seen_as] = live.get(seen_as, 0) + count
        shown = fold(self.found, self.decided, self.view.together)
        return [replace(topic, live=live.get(topic.id, 0)) for topic in shown]


def standing(redis: Redis, tenant: str) -> Standing:
    """Read it, in one step."""
    pipe = redis.pipeline()
    pipe.hmget(keys.snapshot(tenant), ["topics", "view"])
    pipe.hgetall(keys.live(tenant))
    pipe.hgetall(keys.objects(tenant, "decision"))
    (topics, view), live, decisions = pipe.execute()
    seen = _decoded(view, View) or View()
    counts = {topic_id.decode(): int(count) for topic_id, count in live.items()}
    return Standing(_decoded(topics, list[Topic]) or [], seen, decided(decisions, seen), counts)


def look_up(redis: Redis, tenant: str, topic_id: str) -> Topic:
    """One topic; where it merged into another or ended, what it was, with where it went.

    Raises:
        NotFound: there is none under that id, or it ended too long ago.
    """
    stands = standing(redis, tenant)
    shown = next((topic for topic in stands.topics() if topic.id == topic_id), None)
    return shown or _former(stands, topic_id, _life(redis, tenant, topic_id))


def history(redis: Redis, tenant: str, topic_id: str) -> History:
    """All that happened to a topic, with its series: what merged into it, by itself or by people, is in that.

    Raises:
        NotFound: as `look_up`.
    """
    topic = look_up(redis, tenant, topic_id)
    stands = standing(redis, tenant)
    lives = [life for life in _lives(redis, tenant) if topic_id in stands.decided.path(life.id)]
    own = next((life for life in lives if life.id == topic_id), None)
    steps = [*(own.history if own else topic.history), *_by_people(stands.decided, topic_id)]
    names = _names(redis, tenant, stands, {step.detail for step in steps if step.event in _RELATED})
    events = [_event(step, names) for step in sorted(steps, key=lambda step: step.at)]
    return History(topic=topic, events=events, series=together([life.series for life in lives]))


def together(series: list[list[Point]]) -> list[Point]:
    """One series of several: the sums, at the times at which each that lived then was seen, the oldest first."""
    seen = [{point.at: point for point in one} for one in series if one]
    points = (
        _summed([one[at] for one in seen if at in one])
        for at in sorted(set().union(*seen))
        if all(at in one for one in seen if min(one) <= at <= max(one))
    )
    return list(points)


def _summed(points: list[Point]) -> Point:
    size = sum(point.size for point in points)
    failures = sum(point.size * point.failure_rate for point in points)
    return Point(at=points[0].at, size=size, failure_rate=round(failures / size, 6) if size else 0.0)


def _former(stands: Standing, topic_id: str, life: Life | None) -> Topic:
    """A topic that is not shown under its own id."""
    found = next((topic for topic in stands.found if topic.id == topic_id), None)
    name, into = stands.decided.name(topic_id), stands.decided.seen_as(topic_id)
    gone_to = None if into == topic_id else into
    if found is not None:
        return replace(found, name=name or found.name, renamed=name is not None, into=gone_to)
    if life is None:
        raise NotFound(f"no topic {topic_id}: `kaizen topics` lists them")
    return Topic(
        id=topic_id,
        name=name or life.name,
        size=0,
        failure_rate=0.0,
        exemplars=life.exemplars,
        renamed=name is not None,
        into=gone_to,
        ended_at=life.ended_at,
        history=life.history,
    )


def _by_people(stands: Decided, topic_id: str) -> Iterator[Step]:
    """What people did with the topic, and with others for its sake."""
    own = stands.decisions.get(topic_id)
    yield from own.history if own is not None else ()
    for other in stands.decisions.values():
        for step in other.history:
            if step.detail == topic_id and step.event in _TARGETS:
                yield Step(at=step.at, event=_TARGETS[step.event], detail=other.id)


def _event(step: Step, names: Mapping[str, str]) -> Event:
    if step.event in _RELATED:
        return Event(at=step.at, event=step.event, topic=step.detail, topic_name=names.get(step.detail))
    return Event(at=step.at, event=step.event, detail=step.detail)


def _names(redis: Redis, tenant: str, stands: Standing, topic_ids: set[str]) -> dict[str, str]:
    """What these topics are, or were, called."""
    found = {topic.id: topic.name for topic in stands.found}
    lives = {topic_id: _life(redis, tenant, topic_id) for topic_id in topic_ids - set(found)}
    called = found | {topic_id: life.name for topic_id, life in lives.items() if life is not None}
    return {topic_id: stands.decided.name(topic_id) or name for topic_id, name in called.items()}


def _life(redis: Redis, tenant: str, topic_id: str) -> Life | None:
    stored = cast("bytes | None", redis.hget(keys.objects(tenant, "life"), topic_id))
    return cast("Life | None", _decoded(stored, Life))


def _lives(redis: Redis, tenant: str) -> Iterator[Life]:
    for _, value in redis.hscan_iter(keys.objects(tenant, "life"), count=500):
        yield msgspec.msgpack.decode(value, type=Life)


def _decoded(stored: bytes | None, type_: Any) -> Any:
    return None if stored is None else msgspec.msgpack.decode(stored, type=type_)
