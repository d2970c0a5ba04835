"""Exact search for the groups in which an event clusters: each topic, model and tool, and each pair of them.

Pruned only by what does not depend on the event (rows of a group), so that the number of hypotheses is honest. A pair
speaks only where it is worse than both its members without it; a single group only where it stays worse without its
worst part. What covers the same rows as an earlier group says nothing new.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from kaizen_worker.pipeline.findings.independence import MIN_SUPPORT, Rows
from kaizen_worker.pipeline.findings.rates import Count, count
from kaizen_worker.pipeline.findings.statement import WORTH
from kaizen_worker.types import Codes, Flags

MIN_HITS = 10
"""Events of a group below which nothing clusters, whatever the p-value."""

TIMES, POINTS = 1.5, 0.02
"""How much more frequent the event must be inside: times the rate outside, and above it; less is of no use."""

Key = tuple[tuple[str, int], ...]
"""A group: attribute and code, one or two of them, by attribute."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A group of rows that have one value of an attribute, or of two."""

    key: Key
    hits: int
    seen: int


@dataclass(frozen=True, slots=True)
class Subgroup:
    """A group in which the event clusters."""

    key: Key
    rows: Rows
    inside: Count
    outside: Count
    p_value: float


def search(columns: Mapping[str, Codes], event: Flags, unit: Codes) -> tuple[list[Subgroup], int]:
    """Groups in which the event clusters, by key, and how many groups were looked at.

    Args:
        columns: Attribute -> (n,) int32, -1 for none; earlier attributes explain first.
        event: (n,) bool.
        unit: (n,) what repeats itself.
    """
    found = _cells(columns, event)
    total = count(event, unit, np.arange(len(event)))
    spoken: list[Subgroup] = []
    for cell in found.values():
        if cell.hits < MIN_HITS or not _stands_out(cell, total):
            continue
        rows = np.flatnonzero(np.logical_and.reduce([columns[name] == code for name, code in cell.key]))
        inside = count(event, unit, rows)
        p_value = _clusters(cell, inside, found, total)
        if p_value <= WORTH and not any(np.array_equal(rows, other.rows) for other in spoken):
            spoken.append(Subgroup(cell.key, rows, inside, total.without(inside), p_value))
    return spoken, len(found)


def _cells(columns: Mapping[str, Codes], event: Flags) -> dict[Key, Cell]:
    """Every group with enough rows, single ones first, with its count of the event."""
    crossed = [
        _cross(names, [columns[name] for name in names], event)
        for depth in (1, 2)
        for names in combinations(columns, depth)
    ]
    return {cell.key: cell for group in crossed for cell in group}


def _cross(names: tuple[str, ...], columns: list[Codes], event: Flags) -> list[Cell]:
    table = np.column_stack(columns)
    known = (table >= 0).all(axis=1)
    values, place, seen = np.unique(table[known], axis=0, return_inverse=True, return_counts=True)
    hits = np.bincount(place.ravel(), weights=event[known], minlength=len(values)).astype(np.int64)
    return [
        Cell(tuple(zip(names, map(int, value), strict=True)), int(hit), int(many))
        for value, hit, many in zip(values, hits, seen, strict=True)
        if many >= MIN_SUPPORT
    ]


def _stands_out(cell: Cell, total: Count) -> bool:
    outside = (total.hits - cell.hits) / max(total.seen - cell.seen, 1)
    rate = cell.hits / cell.seen
    return total.seen - cell.seen >= MIN_SUPPORT and rate >= TIMES * outside and rate - outside >= POINTS


def _clusters(cell: Cell, inside: Count, found: Mapping[Key, Cell], total: Count) -> float:
    """p-value of "the event is as frequent outside", and of what a better group would explain."""
    p_value = inside.above(total.without(inside))
    if p_value > WORTH:
        return p_value
    single = len(cell.key) == 1
    return max(p_value, _spread(cell, found, total) if single else _sharper(cell, inside, found, total))


def _spread(cell: Cell, found: Mapping[Key, Cell], total: Count) -> float:
    """p-value of "but for its worst part, the group is like the rest"."""
    parts = [part for part in found.values() if len(part.key) > 1 and cell.key[0] in part.key]
    parts = [part for part in parts if cell.seen - part.seen >= MIN_SUPPORT]
    if not parts:
        return 0.0
    rate = total.hits / total.seen
    worst = max(parts, key=lambda part: part.hits - rate * part.seen)
    remainder = Count(cell.hits - worst.hits, cell.seen - worst.seen, total.design)
    return remainder.above(Count(total.hits - cell.hits, total.seen - cell.seen, total.design))


def _sharper(cell: Cell, inside: Count, found: Mapping[Key, Cell], total: Count) -> float:
    """p-value of "the pair is like what else there is of one of its members"; 1.0 where there is nothing else."""
    p_value = 0.0
    for part in cell.key:
        member = found[(part,)]
        rest = Count(member.hits - cell.hits, member.seen - cell.seen, total.design)
        p_value = max(p_value, inside.above(rest) if rest.seen >= MIN_SUPPORT else 1.0)
    return p_value
