"""What a run has come to, in a form in which two runs of the same log are equal; and what it must never come to."""

from collections import Counter
from dataclasses import dataclass, field

import msgspec

from kaizen_api import keys
from kaizen_api.follow import draining, following, settling
from kaizen_api.queries import MAX_PAGE, Queries
from kaizen_api.schema import Entry, Gap
from kaizen_worker.store.log import read_log

_KINDS = {"insight": "insights", "gap": "gaps", "entry": "entries", "effect": "effects"}

_SHOWN = 5

_BY_THE_CLOCK = {"at", "seen_at", "live"}
"""Fields that tell when something was found."""

_OF_THE_PASSAGE = ("source", "url", "content_hash", "licence", "trust", "adapter")
"""What an entry's provenance says wherever it was searched first: two gaps may find the same, side by side."""

_TRIES = ("_duration_", "gapfill", "duplicate", "failures", "transitions", "breaker_events", "kaizen_job")
"""Parts of the names of series that count work, which is done again after a fault, and not its result."""


@dataclass(slots=True)
class Outcome:
    """Of one run.

    Attributes:
        found: Part → what was found there; equal for two runs of one log.
        lost: Interactions that were accepted and did not take effect.
        twice: Interactions that took effect more than once.
    """

    found: dict = field(default_factory=dict)
    lost: set = field(default_factory=set)
    twice: set = field(default_factory=set)

    def differs(self, other):
        """Part → where it differs, the first few places."""
        parts = ((name, _places(self.found[name], other.found[name])) for name in self.found)
        return {name: places[:_SHOWN] for name, places in parts if places}


def drain(world):
    """Wait until all that was accepted is committed."""
    list(draining(queries(world), patience=90))


def follow(world, cycle):
    """Wait until an analysis and the searches it asked for are done; returns its end."""
    *_, done = following(queries(world), cycle.id, seconds=400)
    *_, left = settling(queries(world), seconds=200)
    assert left == 0, "a gap is still searched for"
    return done


def queries(world):
    """What the tenant may see, read directly."""
    return Queries(world.redis, tenant="default")


def outcome_of(world, cycles):
    """Of a world that has drained and whose analyses are done."""
    reader, result = queries(world), Outcome()
    seen = Counter(record.id for record in read_log(world.redis, tenant="default"))
    assigned = [Counter(one for one, _ in reader.assignments(cycle.id)) for cycle in cycles]
    result.lost = {one for one in world.accepted if not seen[one] or not assigned[-1][one]}
    result.twice = {one for counts in (seen, *assigned) for one, times in counts.items() if times > 1}
    result.found = {
        "assignments": [dict(reader.assignments(cycle.id)) for cycle in cycles],
        "cycles": [(cycle.status, cycle.interactions, cycle.topics, cycle.noise, cycle.gaps) for cycle in cycles],
        "topics": [_timeless(topic) for topic in reader.topics()],
        **{name: _all(reader, kind) for kind, name in _KINDS.items()},
        "counters": _counters(world, keys.ROLLUP),
        "counters of the tenant": _counters(world, keys.metrics("default")),
        "recent": sorted(world.redis.lrange(keys.recent("default"), 0, -1)),
        "dead letters": world.redis.xlen(keys.dead("default")),
        "waiting": world.redis.xlen(keys.stream("default")),
        "pending": world.redis.xpending(keys.stream("default"), keys.GROUP)["pending"],
        "tries": world.redis.hgetall(keys.tries("default")),
    }
    return result


def _places(one, other, path=""):
    """Where two values of builtins differ, with both."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted(one.keys() | other.keys(), key=str)
        return [place for name in names for place in _places(one.get(name), other.get(name), f"{path}/{name}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [place for index, pair in pairs for place in _places(*pair, f"{path}/{index}")]
    return [] if one == other else [f"{path}: {one!r} against {other!r}"]


def _all(reader, kind):
    """Every object of a kind, by id."""
    items, cursor = [], None
    while True:
        page = reader.page(kind, cursor=cursor, limit=MAX_PAGE)
        items += page.items
        cursor = page.next
        if cursor is None:
            break
    return {item.id: _timeless(item) for item in items}


def _timeless(value):
    """Builtins without what tells the time or the order of work."""
    plain = msgspec.to_builtins(value)
    if isinstance(value, Gap | Entry):
        plain.pop("history", None)  # tells of each search
    if isinstance(value, Entry):
        plain["provenance"] = {name: plain["provenance"].get(name) for name in _OF_THE_PASSAGE}
    return _without(plain)


def _without(plain):
    if isinstance(plain, dict):
        return {name: _without(part) for name, part in plain.items() if name not in _BY_THE_CLOCK}
    return [_without(part) for part in plain] if isinstance(plain, list) else plain


def _counters(world, key):
    stored = {name.decode(): int(value) for name, value in world.redis.hgetall(key).items()}
    return {name: value for name, value in stored.items() if not any(part in name for part in _TRIES)}
