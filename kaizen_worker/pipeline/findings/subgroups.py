"""Exact search for the groups in which an event clusters: each topic, model and tool, and each pair of them.

Pruned only by what does not depend on the event (rows of a group), so that the number of hypotheses is honest. A pair
speaks only where it is worse than both its members without it; a single group only where it stays worse without its
worst part, or where that part is not clearly the worst. What covers the same rows as an earlier group says nothing new.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Self

import numpy as np

from kaizen_worker.pipeline.findings.independence import MIN_SUPPORT, Rows
from kaizen_worker.pipeline.findings.rates import Count, count, same_time
from kaizen_worker.pipeline.findings.statement import WORTH
from kaizen_worker.types import Codes, Flags

MIN_HITS = 10
"""Events of a group below which nothing clusters, whatever the p-value."""

TIMES, POINTS = 1.5, 0.02
"""How much more frequent the event must be inside: times the rate outside, and above it; less is of no use."""

TOLD = 0.05
"""p-value up to which a part may be what is wrong with its group, which then must be worse than the rest without it."""

Key = tuple[tuple[str, int], ...]
"""A group: attribute and code, one or two of them."""


@dataclass(frozen=True, slots=True)
class Subgroup:
    """A group in which the event clusters."""

    key: Key
    rows: Rows
    inside: Count
    outside: Count
    p_value: float
    since: int | None = None  # microseconds since the epoch, where only what came later is meant
    past: float | None = None  # the rate before

    @property
    def place(self) -> Key:
        """Where, whatever the time."""
        return self.key

    def at(self, p_value: float) -> Self:
        """The same with another p-value."""
        return replace(self, p_value=p_value)


@dataclass(frozen=True, slots=True)
class Table:
    """All groups of one attribute, or of two, that have enough rows."""

    names: tuple[str, ...]
    codes: Codes  # (g, 1 or 2) the values of each group
    seen: Rows  # (g,) its rows
    place: Rows  # (n,) the group of each row, -1 for none
    known: Flags  # (n,) the row has all the attributes, whether or not its group has enough rows

    def hits(self, event: Flags) -> Rows:
        """How often the event (n,) occurs in each group, (g,)."""
        inside = self.place[event]
        return np.bincount(inside[inside >= 0], minlength=len(self.seen))

    def key(self, group: int) -> Key:
        """What the group is."""
        return tuple(zip(self.names, map(int, self.codes[group]), strict=True))


Counted = Sequence[tuple[Table, Rows]]
"""Each table with the hits of its groups."""


def tables(columns: Mapping[str, Codes], *, start: int = 0) -> list[Table]:
    """Cross the attributes (each (n,) int32, -1 for none), single ones first; earlier attributes explain first.

    Args:
        columns: Attribute -> its codes.
        start: The first row that counts.
    """
    return [
        _cross(names, np.column_stack([columns[name] for name in names]), start)
        for depth in (1, 2)
        for names in combinations(columns, depth)
    ]


def _cross(names: tuple[str, ...], values: Codes, start: int) -> Table:
    has_all: Flags = np.all(values >= 0, axis=1)
    has_all[:start] = False
    known = np.flatnonzero(has_all)
    sizes = values.max(axis=0, initial=0) + 1
    cells, place, seen = np.unique(
        np.ravel_multi_index(tuple(values[known].T), tuple(sizes)), return_inverse=True, return_counts=True
    )
    kept = seen >= MIN_SUPPORT
    number = np.where(kept, np.cumsum(kept) - 1, -1)
    places = np.full(len(values), -1, np.intp)
    places[known] = number[place]
    codes = np.column_stack(np.unravel_index(cells[kept], tuple(sizes))).astype(np.int32)
    return Table(names, codes, seen[kept], places, has_all)


def search(
    crossed: Sequence[Table], event: Flags, unit: Codes, *, when: Codes | None = None, start: int = 0
) -> list[Subgroup]:
    """Groups in which the event clusters, out of those of all `tables`.

    Args:
        crossed: From `tables`.
        event: (n,) bool.
        unit: (n,) what repeats itself.
        when: (n,) stretch of time of each row, so that a group is not taken for the time it was asked at.
        start: The first row that counts, as in the tables.
    """
    everything = np.arange(start, len(event))
    total = count(event, unit, everything)
    counts = [table.hits(event) for table in crossed]
    spoken: list[Subgroup] = []
    for table, hits in zip(crossed, counts, strict=True):
        for group in _standing_out(table, hits, total):
            rows = np.flatnonzero(table.place == group)
            inside = count(event, unit, rows)
            p_value = inside.above(outside := total.without(inside))
            if when is not None and p_value <= WORTH:
                p_value = max(p_value, inside.above(same_time(event, when, rows, everything, outside)))
            if p_value <= WORTH:
                if len(table.names) == 1:
                    better = _spread(table.key(group), inside, total, list(zip(crossed, counts, strict=True)))
                    better = max(better, _among(table.known, event, inside, total))
                else:
                    better = _sharper(table.key(group), table.known, crossed, event, (inside, total))
                p_value = max(p_value, better)
            if p_value <= WORTH and not any(np.array_equal(rows, other.rows) for other in spoken):
                spoken.append(Subgroup(table.key(group), rows, inside, outside, p_value))
    return spoken


def _standing_out(table: Table, hits: Rows, total: Count) -> list[int]:
    """Groups in which the event is frequent enough, and so much more frequent than outside, that it matters."""
    rest = total.seen - table.seen
    outside = (total.hits - hits) / np.maximum(rest, 1)
    rate = hits / table.seen
    able = (rest >= MIN_SUPPORT) & (hits >= MIN_HITS) & (rate >= TIMES * outside) & (rate - outside >= POINTS)
    return np.flatnonzero(able).tolist()


def _spread(key: Key, inside: Count, total: Count, counted: Counted) -> float:
    """p-value of "but for its worst part, the group is like the rest".

    0.0, so that the group speaks, where no part leaves enough of it, or where it cannot be told that its worst part is
    worse than the others: then the part will not speak either.
    """
    ((name, code),) = key
    parts = [
        (hits - total.hits / total.seen * seen, hits, seen)
        for table, all_hits in counted
        if len(table.names) > 1 and name in table.names
        for hits, seen in _of(table, all_hits, name, code)
        if inside.seen - seen >= MIN_SUPPORT
    ]
    if not parts:
        return 0.0
    _, hits, seen = max(parts)
    remainder = Count(inside.hits - hits, inside.seen - seen, total.design)
    if Count(hits, seen, total.design).above(remainder) > TOLD:
        return 0.0
    return remainder.above(Count(total.hits - inside.hits, total.seen - inside.seen, total.design))


def _among(known: Flags, event: Flags, inside: Count, total: Count) -> float:
    """p-value of "the group is like what else has the attribute"; 0.0 where hardly anything has.

    Turns without a tool make any tool look bad where only turns with one can fail.
    """
    rest = Count(int(event[known].sum()) - inside.hits, int(known.sum()) - inside.seen, total.design)
    return inside.above(rest) if rest.seen >= MIN_SUPPORT else 0.0


def _sharper(key: Key, known: Flags, crossed: Sequence[Table], event: Flags, counts: tuple[Count, Count]) -> float:
    """p-value of "the pair is like what else there is of one of its members"; 1.0 where there is nothing else.

    Only what has both attributes is compared: turns without a tool do not show what other tools do.
    """
    inside, total = counts
    p_value = 0.0
    for name, code in key:
        (single,) = [table for table in crossed if table.names == (name,)]
        ((group,),) = np.nonzero(single.codes[:, 0] == code)
        member = known & (single.place == group)
        rest = Count(int(event[member].sum()) - inside.hits, int(member.sum()) - inside.seen, total.design)
        p_value = max(p_value, inside.above(rest) if rest.seen >= MIN_SUPPORT else 1.0)
    return p_value


def _of(table: Table, hits: Rows, name: str, code: int) -> list[tuple[int, int]]:
    """Hits and rows of each group that has the value."""
    groups = np.flatnonzero(table.codes[:, table.names.index(name)] == code)
    return list(zip(hits[groups].tolist(), table.seen[groups].tolist(), strict=True))
