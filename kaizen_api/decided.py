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
    users: dict[str, int] = msgspec.field(default_factory=dict)  # distinct users of topics together, by `group`


def decided(stored: Mapping[bytes, bytes], view: View) -> Decided:
    """What stands: the decisions as they are stored, and where topics went by themselves."""
    decisions = (msgspec.msgpack.decode(value, type=Decision) for value in stored.values())
    return Decided({one.id: one for one in decisions}, view.gone)


def fold(topics: Sequence[Topic], decided: Decided, users: Mapping[str, int] | None = None) -> list[Topic]:
    """The topics as people see them, the largest first.

    Args:
        topics: As the last analysis found them.
        decided: What people decided.
        users: Distinct users of topics together, by `group`. People cannot be added up, so the users of topics that
            were merged since that analysis are the sum: each one at least once.
    """
    groups: dict[str, list[Topic]] = {}
    for topic in topics:
        groups.setdefault(decided.seen_as(topic.id), []).append(topic)
    shown = [_named(_together(topic_id, members, users or {}), decided) for topic_id, members in groups.items()]
    return sorted(_distinct(shown), key=lambda topic: -topic.size)


def group(ids: Iterable[str]) -> str:
    """What topics together are called in a mapping, in whatever order they come."""
    return "+".join(sorted(ids))


def _together(topic_id: str, members: list[Topic], users: Mapping[str, int]) -> Topic:
    """One topic of its members; its automatic name and its examples are the target's, or the largest member's."""
    if [one.id for one in members] == [topic_id]:
        return members[0]
    head = next((one for one in members if one.id == topic_id), max(members, key=lambda one: one.size))
    size = sum(one.size for one in members)
    failures = sum(one.size * one.failure_rate for one in members)
    return replace(
        head,
        id=topic_id,
        merged=sorted(one.id for one in members if one.id != topic_id),
        size=size,
        failure_rate=round(failures / size, 6) if size else 0.0,
        users=users.get(group(one.id for one in members), sum(one.users for one in members)),
        share=round(sum(one.share for one in members), 6),
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
