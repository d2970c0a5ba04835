"""Topics as people decided: what they renamed is called so, what they merged counts as one.

Analyses go on underneath with the topics they find, so a decision takes effect at once and can be undone. Pure: the
lists, the engine and the report fold the same topics and decisions into the same view.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

import msgspec
from msgspec.structs import replace

from kaizen_api.schema import Decision, Topic

MAX_TOPIC_NAME = 120
"""Longest name of a topic that a person may choose, in characters."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What people decided, and where topics went by themselves."""

    decisions: Mapping[str, Decision] = field(default_factory=dict)  # by topic id
    gone: Mapping[str, str] = field(default_factory=dict)  # id of a topic that ended → its heir's, "" for none

    def seen_as(self, topic_id: str) -> str:
        """The id under which a topic is shown: its own, or that of the one it went into, however far.

        Where one's own end and people's decisions point in a circle, all in it are the one that still lives.
        """
        path = self.path(topic_id)
        following = self._into(path[-1])
        if not following:
            return path[-1]
        circle = sorted(path[path.index(following) :])
        return next((one for one in circle if one not in self.gone), circle[0])

    def counts_to(self, topic_id: str) -> str:
        """Likewise, of a topic as an analysis saw it, which people alone can make count to another."""
        own = self.decisions.get(topic_id)
        return self.seen_as(topic_id) if own is not None and own.into else topic_id

    def path(self, topic_id: str) -> list[str]:
        """The ids under which a topic came to be shown, its own first, none twice."""
        path = [topic_id]
        while (following := self._into(path[-1])) and following not in path:
            path.append(following)
        return path

    def name(self, topic_id: str) -> str | None:
        """The name that people gave; where they gave none, the last one they gave to what merged into it by itself."""
        own = self.decisions.get(topic_id)
        if own is not None and own.name is not None:
            return own.name
        heard = [
            (one.history[-1].at, one.id, one.name)
            for one in self.decisions.values()
            if one.name is not None and one.into is None and one.id in self.gone and self.seen_as(one.id) == topic_id
        ]
        return max(heard)[2] if heard else None

    def _into(self, topic_id: str) -> str:
        decision = self.decisions.get(topic_id)
        return decision.into if decision is not None and decision.into else self.gone.get(topic_id, "")


class View(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How people saw the topics of an analysis when it was published; beside the topics it found."""

    shown: list[str] = msgspec.field(default_factory=list)  # id under which each topic was shown, in their order
    gone: dict[str, str] = msgspec.field(default_factory=dict)  # as in `Decided`, the latest last
    together: dict[str, Topic] = msgspec.field(default_factory=dict)  # what merged topics add up to, by `group`


def decided(stored: Mapping[bytes, bytes], view: View) -> Decided:
    """What stands: the decisions as they are stored, and where topics went by themselves."""
    decisions = (msgspec.msgpack.decode(value, type=Decision) for value in stored.values())
    return Decided({one.id: one for one in decisions}, view.gone)


def fold(topics: Sequence[Topic], decided: Decided, together: Mapping[str, Topic] | None = None) -> list[Topic]:
    """The topics as people see them, the largest first.

    Args:
        topics: As the last analysis found them.
        decided: What people decided.
        together: What topics add up to, by `group`, as that analysis knows of those that were merged before it. Of
            others, users are the sum, for people cannot be added up, and quantiles of response times are not told.
    """
    groups: dict[str, list[Topic]] = {}
    for topic in topics:
        groups.setdefault(decided.seen_as(topic.id), []).append(topic)
    shown = [_named(_together(topic_id, members, together or {}), decided) for topic_id, members in groups.items()]
    return sorted(_distinct(shown), key=lambda topic: -topic.size)


def group(ids: Iterable[str]) -> str:
    """What topics together are called in a mapping, in whatever order they come."""
    return "+".join(sorted(ids))


def _together(topic_id: str, members: list[Topic], known: Mapping[str, Topic]) -> Topic:
    """One topic of its members; its automatic name and its examples are the target's, or the largest member's."""
    if [one.id for one in members] == [topic_id]:
        return members[0]
    head = next((one for one in members if one.id == topic_id), max(members, key=lambda one: one.size))
    total = known.get(group(one.id for one in members)) or _total(members)
    return replace(
        head,
        id=topic_id,
        merged=sorted(one.id for one in members if one.id != topic_id),
        size=total.size,
        failure_rate=total.failure_rate,
        users=total.users,
        share=total.share,
        signs=total.signs,
        response_time_p50=total.response_time_p50,
        response_time_p95=total.response_time_p95,
    )


def _total(members: list[Topic]) -> Topic:
    """What can be said of topics together by what each adds up to."""
    size = sum(one.size for one in members)
    weigh = [(one, one.size / size if size else 0.0) for one in members]
    signs = {sign for one in members for sign in one.signs}
    return replace(
        members[0],
        size=size,
        failure_rate=round(sum(weight * one.failure_rate for one, weight in weigh), 6),
        users=sum(one.users for one in members),
        share=round(sum(one.share for one in members), 6),
        signs={
            sign: round(sum(weight * one.signs.get(sign, 0.0) for one, weight in weigh), 6) for sign in sorted(signs)
        },
        response_time_p50=None,
        response_time_p95=None,
    )


def _named(topic: Topic, decided: Decided) -> Topic:
    name = decided.name(topic.id)
    above = topic.parent and decided.seen_as(topic.parent)
    parent = None if above == topic.id else above
    if name is None:
        return replace(topic, parent=parent)
    return replace(topic, parent=parent, name=name, renamed=True)


def _distinct(topics: list[Topic]) -> list[Topic]:
    """No automatic name is one that a person gave to another topic: it is numbered."""
    given = {topic.name.casefold() for topic in topics if topic.renamed}
    taken = {topic.name.casefold() for topic in topics}
    return [
        topic if topic.renamed or topic.name.casefold() not in given else _numbered(topic, taken) for topic in topics
    ]


def _numbered(topic: Topic, taken: set[str]) -> Topic:
    numbered = (f"{topic.name} ({number})" for number in count(2))
    name = next(name for name in numbered if name.casefold() not in taken)
    taken.add(name.casefold())
    return replace(topic, name=name)
