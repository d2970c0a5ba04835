"""Since when: what got worse within the window, against its own past.

A fault that begins in the middle of a window is diluted by what came before it. So each place is looked at as a whole,
and since each of a few times as well: since then it must be over its limit and above the rest, as always, and worse
than it was before, also at the same hours of earlier days (or weeks). The best of the looks counts, times their number,
and of both the better one, times two (Bonferroni): a place stays one hypothesis, and is told of once.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Protocol, Self, TypeVar

import numpy as np

from kaizen_worker.pipeline.findings.groups import Group
from kaizen_worker.pipeline.findings.independence import Rows
from kaizen_worker.pipeline.findings.scan import BINS, PERIODS, REPEATS, Times, stretches_of
from kaizen_worker.types import Codes, Flags, Sample

LENGTHS = (1, 2, 3, 4, 6, 8, 12, 16)
"""Bins from each time that is looked at to the end; whatever the true one, one of them has two thirds of it or more."""

SURE = 1e-3
"""p-value from which a time is named, although the whole window may show better that something is wrong."""

PHASE = 6 * 3_600_000_000
"""Microseconds of the parts of a day, or of a week, that are compared with each other: night with night."""


class Told(Protocol):
    """What is wrong in a place: in the whole window, or since a time."""

    @property
    def place(self) -> Hashable:
        """Where, whatever the time."""

    @property
    def p_value(self) -> float:
        """Of "there is nothing"."""

    def at(self, p_value: float) -> Self:
        """The same with another p-value."""


T = TypeVar("T", bound=Told)


def starts(sample: Sample) -> list[int]:
    """The first row of each look, ascending; none where the window is too short to be cut."""
    bins = stretches_of(sample.window.occurred_at)
    first = np.searchsorted(bins, [BINS - length for length in LENGTHS]).tolist()
    return sorted({row for row in first if 0 < row < len(bins)})


def begin(sample: Sample, row: int) -> int:
    """Of the bin of a row, in microseconds since the epoch."""
    times = sample.window.occurred_at
    width = (int(times[-1]) - int(times[0])) / BINS
    return int(int(times[0]) + int(stretches_of(times)[row]) * width)


def later(usable: Flags, row: int) -> Flags:
    """The usable rows (n,) from that row on."""
    return usable & (np.arange(len(usable)) >= row)


def earlier(sample: Sample, group: Group, usable: Flags, row: int) -> Rows:
    """The usable rows of the same place before that row."""
    here = usable[:row]
    if group.topic is not None:
        here = here & (sample.topic[:row] == sample.topic_ids.index(group.topic))
    elif group.id is not None:
        model = sample.window.model
        here = here & (model.codes[:row] == model.names.index(group.id))
    return np.flatnonzero(here)


def lasts(now: float, latest: float, past: float) -> bool:
    """Whether half of the excess over the past is left in the later half: what came and went is a burst."""
    return latest - past >= (now - past) / 2


def hours_of(occurred_at: Times) -> Codes:
    """The part of the day or week of each row (n,); all in one, where the window is too short to know habits."""
    length = int(occurred_at[-1]) - int(occurred_at[0]) if len(occurred_at) else 0
    fitting = [period for period in PERIODS if REPEATS * period <= length]
    if not fitting:
        return np.zeros(len(occurred_at), np.int32)
    return (occurred_at % fitting[0] // PHASE).astype(np.int32)


def settle(whole: Sequence[T], looks: Sequence[T], count: int) -> list[T]:
    """What is told of each place, once, with its p-value over all looks.

    Args:
        whole: Places in the whole window, each at most once.
        looks: Places since a time, each any number of times.
        count: Times that were looked at.
    """
    if not count:
        return list(whole)
    told = {one.place: one.at(min(1.0, 2 * one.p_value)) for one in whole}
    best: dict[Hashable, T] = {}
    for one in looks:
        if one.place not in best or one.p_value < best[one.place].p_value:
            best[one.place] = one
    for place, one in best.items():
        changed = one.at(min(1.0, 2 * count * one.p_value))
        told[place] = _better(told[place], changed) if place in told else changed
    return list(told.values())


def _better(always: T, changed: T) -> T:
    """The change, if there is no doubt of it; with the better p-value of both."""
    told = changed if changed.p_value <= max(SURE, always.p_value) else always
    return told.at(min(always.p_value, changed.p_value))


def against(group: Group, elsewhere: float, past: float | None, show: Callable[[float], str]) -> str:
    """With what it is compared, as a sentence says it: " against 1.1 s elsewhere and 0.9 s before,"."""
    known = [] if group.is_all else [f"{show(elsewhere)} elsewhere"]
    if past is not None:
        known.append(f"{show(past)} before")
    return f" against {' and '.join(known)}," if known else ""
