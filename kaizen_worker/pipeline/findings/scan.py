"""Bursts: is there a stretch of time in which an event is more frequent than the traffic explains?

A scan over all stretches of a fixed grid of bins (Kulldorff 1997, for a known baseline), with the binomial tail of the
worst stretch multiplied by their number, so that nothing is simulated. Each person counts once in a bin.

What comes back at the same hour is no news: where the window has three days or more, a stretch must also be in excess
of the same hours of the other days; of the same hours of the other weeks, where it has three weeks.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from kaizen_worker.pipeline.findings.independence import Rows
from kaizen_worker.types import Codes, Flags, Floats

Times = NDArray[np.int64]

BINS = 24
"""Equal stretches into which the window is cut: an hour each of a day, seven hours each of a week."""

LONGEST = BINS // 3
"""Bins of the longest burst: what fills more than a third of the window is a state, not a burst."""

SHORTEST = 3_600_000_000
"""Microseconds of the shortest window that is scanned: a log without times is read within less."""

PERIODS = (7 * 24 * 3_600_000_000, 24 * 3_600_000_000)
"""Microseconds after which things come back, the longest first: a week, a day."""

REPEATS = 3
"""Periods that a window must have before "as usual at this hour" says anything."""

MIN_HITS = 10
"""Counts that make a burst."""


@dataclass(frozen=True, slots=True)
class Stretches:
    """Which stretches are compared, and what counts: first and last bin of each, (s,)."""

    first: Rows
    last: Rows
    times: float  # how many times its expected number a stretch must have

    @classmethod
    def short(cls) -> "Stretches":
        """Anywhere, up to a third of the window, twice what is expected: an event that comes and goes."""
        first, last = np.triu_indices(BINS)
        brief = last - first < LONGEST
        return cls(first[brief], last[brief], 2.0)

    @classmethod
    def late(cls) -> "Stretches":
        """From anywhere to the end: something that was not there before."""
        first = np.arange(1, BINS)
        return cls(first, np.full_like(first, BINS - 1), 1.5)


@dataclass(frozen=True, slots=True)
class Burst:
    """The stretch in which an event was most in excess."""

    start: int  # microseconds since the epoch
    stop: int
    hits: int  # persons, each once a bin
    total: int  # the same in the whole window
    base: float  # share of the traffic that lies in the stretch
    p_value: float
    rows: Rows  # of the event, in the stretch


@dataclass(frozen=True, slots=True)
class Clock:
    """The grid of a window, and its traffic."""

    bins: Codes  # (n,) 0..BINS-1
    traffic: Codes  # (BINS,) persons, each once a bin
    times: Times  # (n,) microseconds since the epoch
    first: Rows  # each person's first row in each bin, by time: what the traffic counts
    start: int
    width: float  # microseconds

    @property
    def period(self) -> int | None:
        """Microseconds after which things come back, if the window has enough of them to see that."""
        fitting = [period for period in PERIODS if REPEATS * period <= self.width * BINS]
        return fitting[0] if fitting else None

    def inside(self, found: "Burst") -> Flags:
        """Rows (n,) of a stretch, whatever they are."""
        middle = self.start + (self.bins + 0.5) * self.width
        return (middle > found.start) & (middle < found.stop)


def clock(occurred_at: NDArray[np.int64], unit: Codes) -> Clock | None:
    """Cut the window's time into bins; None where it is too short for any, as that of a log without times."""
    if len(occurred_at) == 0 or occurred_at[-1] - occurred_at[0] < SHORTEST:
        return None
    start, width = int(occurred_at[0]), (int(occurred_at[-1]) - int(occurred_at[0])) / BINS
    bins = stretches_of(occurred_at)
    first = _persons(bins, unit)
    return Clock(bins, _counted(bins[first]), occurred_at, first, start, width)


def stretches_of(occurred_at: Times) -> Codes:
    """The bin of each row (n,), 0..BINS-1; all in one, where the window is too short for more."""
    if len(occurred_at) == 0 or occurred_at[-1] - occurred_at[0] < SHORTEST:
        return np.zeros(len(occurred_at), np.int32)
    width = (int(occurred_at[-1]) - int(occurred_at[0])) / BINS
    return np.minimum((occurred_at - int(occurred_at[0])) / width, BINS - 1).astype(np.int32)


def burst(grid: Clock, event: Flags, unit: Codes, stretches: Stretches) -> Burst | None:
    """The most unlikely stretch of an event (n,), or None where no stretch has enough of it."""
    rows = np.flatnonzero(event)
    once = rows[_persons(grid.bins[rows], unit[rows])]
    counts = _counted(grid.bins[once])
    total, first, last = int(counts.sum()), stretches.first, stretches.last
    hits, base = _sums(counts, first, last), _sums(grid.traffic, first, last) / grid.traffic.sum()
    able = (hits >= MIN_HITS) & (hits >= stretches.times * total * base)
    if not able.any():
        return None
    tails = np.where(able, betainc(np.maximum(hits, 1), total - hits + 1, base), 1.0)
    tails = np.maximum(tails, _as_usual(grid, once, stretches, hits))
    worst = int(tails.argmin())
    inside = rows[(grid.bins[rows] >= first[worst]) & (grid.bins[rows] <= last[worst])]
    return Burst(
        start=int(grid.start + first[worst] * grid.width),
        stop=int(grid.start + (last[worst] + 1) * grid.width),
        hits=int(hits[worst]),
        total=total,
        base=float(base[worst]),
        p_value=float(min(1.0, tails[worst] * len(first))),
        rows=inside,
    )


def _sums(counts: Codes, first: Rows, last: Rows) -> Rows:
    running = np.concatenate(([0], np.cumsum(counts)))
    return running[last + 1] - running[first]


def _as_usual(grid: Clock, once: Rows, stretches: Stretches, hits: Rows) -> Floats:
    """p-value (s,) of "no more frequent than at the same hours of the other periods"; 0.0 where that cannot be said.

    Given all that occurred at these hours, what of it lies in this period is binomial, with its part of the traffic.
    """
    period = grid.period
    if period is None:
        return np.zeros(len(hits))
    start, stop = grid.start + stretches.first * grid.width, grid.start + (stretches.last + 1) * grid.width
    others = np.zeros((2, len(hits)), np.int64)
    for shift in range(-int(BINS * grid.width // period), int(BINS * grid.width // period) + 1):
        if shift:
            since, until = start + shift * period, stop + shift * period
            others += [_between(grid.times[rows], since, until) for rows in (once, grid.first)]
    inside = _sums(grid.traffic, stretches.first, stretches.last)
    share = inside / np.maximum(inside + others[1], 1)
    tails = betainc(np.maximum(hits, 1), others[0] + 1, share)
    return np.where((stop - start < period) & (others[1] > 0), tails, 0.0)


def _between(times: Times, start: NDArray[np.floating], stop: NDArray[np.floating]) -> Rows:
    return np.searchsorted(times, stop) - np.searchsorted(times, start)


def _persons(bins: Codes, unit: Codes) -> Rows:
    """Each unit's first row in each bin, ascending; rows are by time."""
    _, first = np.unique(np.column_stack((bins, unit)), axis=0, return_index=True)
    return np.sort(first)


def _counted(bins: Codes) -> Codes:
    return np.bincount(bins, minlength=BINS).astype(np.int32)


def moment(microseconds: int) -> str:
    """A time as people read it: "2026-03-01 14:00 UTC"."""
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
